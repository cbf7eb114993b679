"""Turn depth into HHA: horizontal disparity, height above ground and angle with gravity. Plain numpy.

Gupta, Arbelaez, Malik, CVPR 2013 (gravity), and Gupta, Girshick, Arbelaez, Malik, ECCV 2014 (the encoding), with the
constants of their published code, github.com/s-gupta/rcnn-depth: `saveHHA`, `processDepthImage`, `getYDir`.

Cameras look along +z, x to the right, y down. A camera matrix maps a point to pixels, the centre of the first pixel
being (0, 0).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# The colour camera of NYUDv2: `camera_params.m` of its toolbox, less 1 because MATLAB counts pixels from 1. Depth and
# labels of the labelled set are aligned to it.
NYUD_CAMERA = np.array(
    [
        [5.1885790117450188e02, 0, 3.2558244941119034e02 - 1],
        [0, 5.1946961112127485e02, 2.5373616633400465e02 - 1],
        [0, 0, 1],
    ]
)
# Of the 425x560 pixels that Gupta et al. keep of 480x640: without the first 45 rows and 40 columns.
NYUD_CAMERA_CROPPED = NYUD_CAMERA - np.array([[0, 0, 40], [0, 0, 45], [0, 0, 0]])

UNKNOWN = (132, 94, 118)  # HHA of pixels without depth: the mean of NYUDv2's HHA, which the networks subtract

_RADIUS = 3  # of the windows for the angle, in pixels
_COARSE_RADIUS, _COARSE_STEP = 10, 4  # of those for gravity, around every 4th pixel both ways
_ROUGH = 0.01  # a window's relative residual below which it is taken for a plane: above the noise of a Kinect
_EQUAL = 1e-9  # of the largest eigenvalue: how far rounding takes equal ones apart
_ROUNDS = ((45, 5), (15, 5))  # degrees that still count as parallel or perpendicular, and iterations
_LEAST_DEPTH = 1_000  # millimetres; nearer ones get its disparity
_LEAST_DROP, _USUAL_DROP = 900, 1_300  # millimetres from the camera down to the lowest point


class Quantities(NamedTuple):
    """What HHA encodes, before it is squeezed into bytes; nan where it is unknown.

    Attributes:
        disparity: `(H, W)` float64, 1 / depth, in 1 / metre.
        height: `(H, W)` float64, metres above the lowest point.
        angle: `(H, W)` float64, degrees between the surface's normal and gravity: 0 floor, 90 wall, 180 ceiling.
        gravity: `(3,)` float64 unit vector in the camera's frame.
    """

    disparity: Floats
    height: Floats
    angle: Floats
    gravity: Floats


def hha(depth: ArrayLike, camera: ArrayLike, *, measured: ArrayLike | None = None) -> NDArray[np.uint8]:
    """Encode depth as the HHA image that the NYUDv2 networks take.

    Channels: 31000 / depth in cm (at least 100); height in cm; angle in degrees + 128 - 90; each rounded and cut off
    at 255. Where a depth is known but no normal is, the angle counts as 180, as in `saveHHA`; where no depth is known,
    the pixel is `UNKNOWN`. 640x480 takes about 0.3 s.

    Args:
        depth: `(H, W)` millimetres; 0 is unknown.
        camera: `(3, 3)` camera matrix, such as `NYUD_CAMERA`.
        measured: `(H, W)` bool, False where depth was filled in by other means: such pixels get their disparity and
            height, but no plane is fitted to them. Default: wherever depth is known.

    Returns:
        `(H, W, 3)` uint8.

    Raises:
        ValueError: if a shape is wrong.
    """
    disparity, height, angle, _ = quantities(depth, camera, measured=measured)
    encoded = np.empty((*disparity.shape, 3))
    encoded[..., 0] = 310 * np.minimum(disparity, 1_000 / _LEAST_DEPTH)
    encoded[..., 1] = 100 * height
    encoded[..., 2] = np.where(np.isnan(angle), 180, angle) + (128 - 90)
    encoded[np.isnan(disparity)] = UNKNOWN
    return np.clip(np.rint(encoded), 0, 255).astype(np.uint8)


def quantities(depth: ArrayLike, camera: ArrayLike, *, measured: ArrayLike | None = None) -> Quantities:
    """Measure disparity, height above ground and angle with gravity.

    The normals come from planes fitted to 7x7 windows, so at the edge of a surface they mix its two sides, as in the
    published code. The lowest point lies at height 0, unless it is less than 0.9 m below the camera: then the ground
    is taken to be 1.3 m below.

    Args:
        depth: as for `hha`.
        camera: as for `hha`.
        measured: as for `hha`.

    Returns:
        `Quantities`.

    Raises:
        ValueError: if a shape is wrong.
    """
    depth, camera = np.asarray(depth, np.float64), np.asarray(camera, np.float64)
    if depth.ndim != 2:
        raise ValueError(f"`depth` must be (H, W). Received: shape {depth.shape}.")
    if camera.shape != (3, 3):
        raise ValueError(f"`camera` must be a (3, 3) matrix. Received: shape {camera.shape}.")
    if measured is not None and np.shape(measured) != depth.shape:
        raise ValueError(f"`measured` must have the shape of `depth`, {depth.shape}. Received: {np.shape(measured)}.")
    known = np.isfinite(depth) & (depth > 0)
    fitted = known if measured is None else known & np.asarray(measured, bool)
    disparity = 1 / np.where(known, depth, np.nan)  # 1 / mm
    normals, rough = _normals(disparity, fitted, camera, _COARSE_RADIUS, _COARSE_STEP)
    gravity = _gravity(normals.reshape(3, -1), rough.ravel())
    normals, _ = _normals(disparity, fitted, camera, _RADIUS)
    angle = np.degrees(np.arccos(np.clip(sum(g * n for g, n in zip(gravity, normals, strict=True)), -1, 1)))
    return Quantities(1_000 * disparity, _height(disparity, camera, gravity) / 1_000, angle, gravity)


def _height(disparity: Floats, camera: Floats, gravity: Floats) -> Floats:
    """Return `(H, W)` millimetres above the lowest point."""
    y, x = np.ogrid[: disparity.shape[0], : disparity.shape[1]]
    right, down, ahead = np.linalg.solve(camera.T, gravity)  # of a pixel (x, y, 1) at depth 1, along gravity
    height: Floats = -(right * x + down * y + ahead) / disparity
    lowest = np.nanmin(height) if not np.isnan(disparity).all() else 0.0
    return height - (lowest if lowest <= -_LEAST_DROP else -_USUAL_DROP)


def _gravity(normals: Floats, rough: Floats) -> Floats:
    """Estimate gravity from `(3, N)` unit normals: along those of floors and ceilings, across those of walls.

    Unlike the published code, this leaves out windows over the edge of something, whose `rough` is high.
    """
    normals, rough = normals[:, ~np.isnan(rough)], rough[~np.isnan(rough)]
    if rough.size:
        normals = normals[:, rough <= max(_ROUGH, np.median(rough))]
    gravity = np.array([0.0, 1.0, 0.0])
    for degrees, times in _ROUNDS:
        for _ in range(times):
            cosine = np.abs(gravity @ normals)
            along = normals[:, cosine > np.cos(np.radians(degrees))]
            across = normals[:, cosine < np.sin(np.radians(degrees))]
            if not along.size and not across.size:
                return gravity
            values, vectors = np.linalg.eigh(across @ across.T - along @ along.T)
            # Across one wall, and nothing else, are many directions, all as good: of these the nearest to the last one.
            least = vectors[:, values <= values[0] + _EQUAL * np.abs(values).max()]
            nearest = least @ (gravity @ least)
            length = np.linalg.norm(nearest)
            gravity = nearest / length if length > 0 else least[:, 0]
    return gravity


def _normals(
    disparity: Floats, fitted: NDArray[np.bool_], camera: Floats, radius: int, step: int = 1
) -> tuple[Floats, Floats]:
    """Fit planes to square windows around every `step`-th pixel of every `step`-th row.

    Of a plane `normal . point = 1`, disparity is linear in the pixel: `a x + b y + c`, and `normal` is
    `camera.T @ (a, b, c)`; a linear regression over the window's fitted pixels therefore is exact on planes.

    Returns:
        `(3, H / step, W / step)` unit normals that point away from the camera, nan where the window holds no three
        fitted points off a line; and `(H / step, W / step)` how far disparity is from the plane, relative to its mean.
    """
    y, x = (np.arange(size) - size // 2.0 for size in disparity.shape)  # from the middle, to keep the squares small
    y = y[:, None]
    weight, value = fitted.astype(np.float64), np.where(fitted, disparity, 0)
    weight_x, weight_y = weight * x, weight * y
    fields = weight, weight_x, weight_y, weight_x * x, weight_x * y, weight_y * y, value, value * x, value * y, value**2
    count, sx, sy, sxx, sxy, syy, sv, sxv, syv, svv = (_box_sums(field, radius, step) for field in fields)
    with np.errstate(divide="ignore", invalid="ignore"):
        mx, my, mv = sx / count, sy / count, sv / count
        xx, xy, yy = sxx - sx * mx, sxy - sx * my, syy - sy * my
        xv, yv = sxv - sx * mv, syv - sy * mv
        # `count` times this is the sum over all triples of points of their parallelogram's squared area, an integer.
        spread = xx * yy - xy * xy
        spread[~(spread * count > 0.5)] = np.nan
        a, b = (yy * xv - xy * yv) / spread, (xx * yv - xy * xv) / spread
        c = mv - a * mx - b * my
        rough = np.sqrt(np.maximum(svv - sv * mv - a * xv - b * yv, 0) / count) / mv
        facing = np.sign(a * x[::step] + b * y[::step] + c)  # of the plane at the pixel itself
        c += a * x[0] + b * y[0]  # from the corner
        normals = np.stack([row[0] * a + row[1] * b + row[2] * c for row in camera.T])
        return normals * (facing / np.sqrt((normals * normals).sum(0))), rough


def _box_sums(field: Floats, radius: int, step: int) -> Floats:
    """Sum `(H, W)` over windows of `2 * radius + 1` pixels, cut off at the border, around every `step`-th pixel."""
    for _ in range(2):  # down the columns, then along the rows
        size = field.shape[0]
        running = np.zeros((size + 2 * radius + 1, field.shape[1]))
        np.cumsum(field, 0, out=running[radius + 1 : radius + 1 + size])
        running[radius + 1 + size :] = running[radius + size]
        field = (running[2 * radius + 1 :: step] - running[:size:step]).T
    return field
