"""Draw the scenes of `synthetic`: surfaces, shapes and light, with numpy."""

import colorsys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32 or float64, or where something is
Draw = Callable[[Floats, Floats, float], tuple[Floats, Floats, Floats]]
Shape = tuple[float, float, Draw]

SKY, GROUND = 0, 1  # the labels a canvas starts with

# Mean and spread of hue, then ranges of saturation and value: the classes' colours overlap, as things' do.
_PAINT = {
    "crate": (0.08, 0.03, (0.45, 0.8), (0.45, 0.8)),
    "ball": (0.99, 0.05, (0.5, 0.9), (0.5, 0.95)),
    "post": (0.15, 0.03, (0.3, 0.9), (0.6, 0.95)),
    "hoop": (0.62, 0.06, (0.4, 0.9), (0.4, 0.9)),
    "cross": (0.4, 0.07, (0.4, 0.9), (0.35, 0.85)),
    "ground": (0.18, 0.08, (0.08, 0.4), (0.35, 0.65)),
    "wall": (0.06, 0.04, (0.05, 0.45), (0.45, 0.8)),
    "sky": (0.58, 0.03, (0.15, 0.5), (0.75, 1.0)),
    "poster": (0.5, 0.5, (0.3, 0.8), (0.4, 0.9)),
}


class Canvas:
    """Hold a scene while it is drawn; distances and sizes are in millimetres.

    Attributes:
        image: `(3, H, W)` float32 RGB, about 0..1; planes, because numpy is slow over a last axis of three.
        label: `(H, W)` uint8 semantic class.
        depth: `(H, W)` float64.
        instance: `(H, W)` uint8, 0 where no object is, else its number; nearer ones have higher numbers.
        rows: `(H, 1)` pixels of each row's centre below the horizon.
        columns: `(1, W)` pixels of each column's centre right of the middle.
    """

    def __init__(
        self, rng: np.random.Generator, height: int, width: int, *, horizon: float, camera_height: float, far: float
    ) -> None:
        self.rng, self.focal, self.camera_height = rng, float(height), camera_height
        self.rows = np.arange(height)[:, None] + 0.5 - horizon * height
        self.columns = np.arange(width)[None, :] + 0.5 - width / 2
        depth = np.full((height, 1), far)
        np.divide(self.focal * camera_height, self.rows, out=depth, where=self.rows > 0)
        ground = np.minimum(depth, far) < far  # (H, 1)
        depth = np.where(ground, depth, far)
        self.light = rng.uniform(-1, 1)  # where it comes from: left to right
        self.instance = np.zeros((height, width), np.uint8)
        self.label = np.repeat(np.where(ground, np.uint8(GROUND), np.uint8(SKY)), width, axis=1)
        self.depth = np.repeat(depth, width, axis=1)
        self.image = np.where(ground, self._ground(depth.astype(np.float32)), self._sky())

    def _ground(self, depth: Floats) -> Floats:
        """Paint tiles in perspective, fading with distance, over patches."""
        rng, size = self.rng, self.rng.uniform(250, 900)
        across = np.sin(
            self.columns.astype(np.float32) * depth * (np.pi / size / self.focal) + rng.uniform(0, 6)
        )  # (H, W)
        along = np.sin(depth * (np.pi / size) + rng.uniform(0, 6))  # (H, 1)
        tiles = np.clip(across * along * 4, -1, 1) * np.minimum(1, 3_000 / depth) * rng.uniform(0, 0.14)
        painted: Floats = _color(rng, "ground") * (1 + tiles + 0.18 * self._patches())
        return painted

    def _sky(self) -> Floats:
        """Paint a gradient, paler towards the horizon, with clouds."""
        up = np.clip(-self.rows / self.focal, 0, 1).astype(np.float32)
        pale = np.clip(0.75 - 1.6 * up + 0.5 * np.maximum(self._patches(), 0), 0, 1)
        painted: Floats = _color(self.rng, "sky") * (1 - pale) + 0.93 * pale
        return painted

    def _patches(self, cells: int = 7) -> Floats:
        """Return `(H, W)` float32 smooth noise, mostly within -1..1."""
        height, width = self.rows.size, self.columns.size
        grid = self.rng.standard_normal((cells, cells), np.float32) * 0.5
        noise: Floats = _stretch(height, cells) @ grid @ _stretch(width, cells).T
        return noise

    def _window(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Return the slices of the pixels whose centres lie in a box, given relative to horizon and middle."""
        y = np.searchsorted(self.rows[:, 0], (top, bottom))
        x = np.searchsorted(self.columns[0], (left, right))
        return slice(*y), slice(*x)

    def wall(self, distance: float, label: int) -> None:
        """Stand a brick wall with posters and windows on the ground, across some of the view."""
        rng, scale = self.rng, self.focal / distance
        half_view = self.columns.size / 2 / scale
        middle, half = rng.uniform(-1, 1) * half_view, rng.uniform(0.4, 1.4) * half_view
        tall, foot = rng.uniform(900, 2_900), self.camera_height
        window = self._window((middle - half) * scale, (middle + half) * scale, (foot - tall) * scale, foot * scale)
        across = self.columns[:, window[1]] / scale - middle  # (1, w)
        up = foot - self.rows[window[0]] / scale  # (h, 1)
        surface = self._bricks(across, up)
        for _ in range(rng.integers(0, 5)):
            x, y = rng.uniform(-half, half), rng.uniform(0.3, 0.9) * tall
            inside = (abs(across - x) < rng.uniform(100, 450)) & (abs(up - y) < rng.uniform(100, 350))
            np.copyto(surface, _color(rng, "poster"), where=inside)
        self.image[:, window[0], window[1]] = surface * (1 + 0.12 * self._patches()[window])
        self.label[window], self.depth[window], self.instance[window] = label, distance, 0

    def _bricks(self, across: Floats, up: Floats) -> Floats:
        rng = self.rng
        tall = rng.uniform(120, 320)
        wide = tall * rng.uniform(1.5, 2.5)
        course = np.floor(up / tall).astype(int)  # (h, 1)
        place = across / wide + 0.5 * (course % 2)  # (h, w)
        tone = rng.uniform(0.85, 1.1, 61)[(course * 7 + np.floor(place).astype(int) * 3) % 61]
        joint = (place % 1 < 0.12) | (up % tall < 0.18 * tall)
        tone = np.where(joint, rng.uniform(0.65, 1.2), tone)
        return _color(rng, "wall") * tone.astype(np.float32)  # (3, h, w)

    def object(self, kind: str, distance: float, label: int) -> None:
        """Stand an object on the ground, with its shadow."""
        rng, scale = self.rng, self.focal / distance
        half, tall, draw = _SHAPES[kind](rng)
        middle = rng.uniform(-0.48, 0.48) * self.columns.size / scale
        foot = self.camera_height
        self._shadow(middle, half, distance, scale)
        window = self._window((middle - half) * scale, (middle + half) * scale, (foot - tall) * scale, foot * scale)
        across = self.columns[:, window[1]] / scale - middle  # (1, w)
        up = foot - self.rows[window[0]] / scale  # (h, 1)
        inside, shade, second = draw(across, up, self.light)
        paint, trim = _color(rng, kind), _color(rng, kind) * rng.uniform(0.5, 1.15)
        if kind in ("ball", "post") and rng.random() < 0.6:
            trim = np.full((3, 1, 1), rng.uniform(0.7, 0.95), np.float32)
        surface = np.where(second, trim, paint) * shade  # (3, h, w)
        np.copyto(self.image[:, window[0], window[1]], surface, where=inside, casting="same_kind")
        np.copyto(self.label[window], label, where=inside)
        np.copyto(self.depth[window], distance, where=inside)
        np.copyto(self.instance[window], self.instance.max() + 1, where=inside)

    def _shadow(self, middle: float, half: float, distance: float, scale: float) -> None:
        """Darken the ground around an object's foot, away from the light."""
        reach = half + 250
        middle = middle - self.light * 0.6 * half
        top = self.focal * self.camera_height / (distance + 600)
        bottom = self.focal * self.camera_height / max(distance - 400, 1)
        window = self._window((middle - 2 * reach) * scale, (middle + 2 * reach) * scale, top, bottom)
        across = (self.columns[:, window[1]] / scale - middle) / reach  # (1, w)
        along = (self.focal * self.camera_height / self.rows[window[0]] - distance) / 250  # (h, 1)
        dark = 0.5 * np.exp(-(across**2)) * np.exp(-(along**2)) * (self.label[window] == GROUND)
        self.image[:, window[0], window[1]] *= (1 - dark).astype(np.float32)

    def developed(self) -> NDArray[np.uint8]:
        """Return the `(H, W, 3)` uint8 picture under the scene's light, haze and sensor noise."""
        rng = self.rng
        haze = self.depth.astype(np.float32) * np.float32(rng.uniform(0, 0.25) / 10_000)  # (H, W)
        tint = np.float32(255 * rng.uniform(0.7, 1.1) * rng.uniform(0.92, 1.08, (3, 1, 1)))
        glow = 1 + 0.12 * self._patches(cells=3)
        picture = self.image + (np.float32(0.85) - self.image) * haze
        picture *= glow * tint
        picture += rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(3, 10))
        np.clip(picture, 0, 255, out=picture)
        return np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0))


def _color(rng: np.random.Generator, kind: str) -> Floats:
    hue, spread, saturation, value = _PAINT[kind]
    hue = hue + spread * np.clip(rng.standard_normal(), -2, 2)
    color = colorsys.hsv_to_rgb(hue % 1, rng.uniform(*saturation), rng.uniform(*value))
    return np.array(color, np.float32).reshape(3, 1, 1)


@lru_cache(16)
def _stretch(size: int, cells: int) -> Floats:
    """Return the `(size, cells)` matrix that interpolates linearly from cells to pixels."""
    place = np.linspace(0, cells - 1, size)[:, None]
    return np.maximum(0, 1 - abs(place - np.arange(cells))).astype(np.float32)


# A shape: (rng) -> half its width, its height, draw(across, up, light) -> where it is, its shade, where its trim is.


def _crate(rng: np.random.Generator) -> Shape:
    half, tall = rng.uniform(250, 500), rng.uniform(450, 950)
    plank, frame = rng.uniform(110, 200), rng.uniform(50, 90)

    def draw(across: Floats, up: Floats, light: float) -> tuple[Floats, Floats, Floats]:
        edge = np.minimum(half - abs(across), np.minimum(up, tall - up))
        gap = (up % plank < 25) & (edge > frame)
        shade = np.where(gap, 0.6, 0.95 + 0.12 * light * across / half)
        return edge >= 0, shade, edge < frame

    return half, tall, draw


def _ball(rng: np.random.Generator) -> Shape:
    radius, panels, turn = rng.uniform(200, 420), rng.integers(0, 4), rng.uniform(0, 6)

    def draw(across: Floats, up: Floats, light: float) -> tuple[Floats, Floats, Floats]:
        x, y = across / radius, up / radius - 1
        z = np.sqrt(np.maximum(0, 1 - x**2 - y**2))
        shade = 0.4 + 0.7 * np.maximum(0, 0.5 * light * x + 0.6 * y + 0.6 * z)
        second = np.sin(panels * np.arctan2(y, x + 0 * y) + turn) > 0.3
        return x**2 + y**2 <= 1, shade, second

    return radius, 2 * radius, draw


def _post(rng: np.random.Generator) -> Shape:
    half, tall, stripe = rng.uniform(50, 90), rng.uniform(900, 2_000), rng.uniform(250, 500)

    def draw(across: Floats, up: Floats, light: float) -> tuple[Floats, Floats, Floats]:
        x = across / half
        shade = 1 - 0.35 * (x - 0.4 * light) ** 2 + 0 * up
        return (abs(x) <= 1) & (up <= tall), shade, (up % stripe < stripe / 2) & (abs(x) <= 1)

    return half, tall, draw


def _hoop(rng: np.random.Generator) -> Shape:
    outer = rng.uniform(320, 600)
    thick = rng.uniform(0.2, 0.3) * outer

    def draw(across: Floats, up: Floats, light: float) -> tuple[Floats, Floats, Floats]:
        y = up - outer
        radius = np.hypot(across, y)
        ring = 2 * (outer - radius) / thick - 1  # -1 outside, 1 inside
        shade = 1 - 0.3 * ring**2 + 0.2 * (0.5 * light * across + 0.6 * y) / outer
        return abs(ring) <= 1, shade, np.zeros(radius.shape, bool)

    return outer, 2 * outer, draw


def _cross(rng: np.random.Generator) -> Shape:
    arm, half = rng.uniform(320, 580), rng.uniform(65, 110)
    cos, sin = np.cos(turn := rng.uniform(-0.8, 0.8)), np.sin(turn)
    reach = arm * max(abs(cos), abs(sin)) + half * min(abs(cos), abs(sin))

    def draw(across: Floats, up: Floats, light: float) -> tuple[Floats, Floats, Floats]:
        y = up - reach
        a, b = abs(cos * across + sin * y), abs(cos * y - sin * across)
        inside = (np.minimum(a, b) <= half) & (np.maximum(a, b) <= arm)
        shade = np.where(np.minimum(a, b) < 0.6 * half, 1, 0.75) + 0.15 * light * across / reach
        return inside, shade, np.maximum(a, b) < 1.5 * half

    return reach, 2 * reach, draw


_SHAPES = {"crate": _crate, "ball": _ball, "post": _post, "hoop": _hoop, "cross": _cross}
