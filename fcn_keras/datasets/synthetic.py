"""Toy scenes drawn from a seed, with every kind of label, so that anything trains anywhere without a download.

A level camera looks over a ground plane: walls and objects stand on it, upright and facing the camera, in front of a
sky that is a backdrop at `FAR`. Depth, height and angle are exact for that world.
"""

from collections.abc import Sequence
from operator import index as as_index
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .scenery import GROUND, Canvas

FAR = 10_000.0  # millimetres to the backdrop
CAMERA_HEIGHT = 1_500.0  # millimetres above the ground
HORIZON = 0.36  # of the image's height; the focal length is the image's height, in pixels

SEM = ("sky", "ground", "wall", "crate", "ball", "post", "hoop", "cross")
GEO = ("sky", "horizontal", "vertical")
_GEO_OF_SEM = np.array([0, 1, 2, 2, 2, 2, 2, 2], np.uint8)
_OBJECTS = SEM[3:]


class Synthetic(Sequence[dict[str, Any]]):
    """Draw scenes of crates, balls, posts, hoops and crosses before walls, on the ground, under the sky.

    Example `i` depends on `(seed, i)` and the size only. An example holds `image` (H, W, 3) uint8; `label` (H, W)
    uint8 or, with `heads`, `{"sem", "geo"}`; `depth` (H, W) uint16 in millimetres; `hha` (H, W, 3) uint8. One pixel
    around each object is void, on the farther side of its border. A scene takes about 4 ms at 128x160.

    Args:
        count: number of scenes.
        seed: not negative; take different ones for training and validation.
        height: of the images, in pixels. The scene's scale follows it.
        width: of the images, in pixels.
        heads: whether `label` is the mapping of semantic and geometric labels.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        count: SupportsIndex,
        *,
        seed: SupportsIndex,
        height: SupportsIndex = 128,
        width: SupportsIndex = 160,
        heads: bool = False,
    ) -> None:
        for name, value, least in (("count", count, 0), ("seed", seed, 0), ("height", height, 1), ("width", width, 1)):
            if as_index(value) < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {value}.")
        self.seed, self.height, self.width, self.heads = int(seed), int(height), int(width), heads
        self.class_names = {"sem": SEM, "geo": GEO} if heads else SEM
        self.num_classes = {"sem": len(SEM), "geo": len(GEO)} if heads else len(SEM)
        self.ids = tuple(f"{self.seed}-{index:06d}" for index in range(count))
        self.sizes = [(self.height, self.width)] * count

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        index = range(len(self))[as_index(index)]
        rng = np.random.default_rng([self.seed, index])
        canvas = Canvas(rng, self.height, self.width, horizon=HORIZON, camera_height=CAMERA_HEIGHT, far=FAR)
        _furnish(canvas, rng)
        void = _border(canvas.instance)
        sem = np.where(void, np.uint8(VOID), canvas.label)
        label = {"sem": sem, "geo": np.where(void, np.uint8(VOID), _GEO_OF_SEM[canvas.label])} if self.heads else sem
        return {
            "image": canvas.developed(),
            "label": label,
            "depth": np.rint(canvas.depth).astype(np.uint16),
            "hha": _hha(canvas.depth, canvas.rows, canvas.label == GROUND),
        }


def _furnish(canvas: Canvas, rng: np.random.Generator) -> None:
    """Put walls and objects into the scene, the farthest first."""
    distances = np.sort(rng.uniform(4_500, 9_000, rng.integers(1, 4)))[::-1]
    for distance in distances:
        canvas.wall(distance, SEM.index("wall"))
    nearest = distances[-1]
    for distance in np.sort(rng.uniform(2_400, min(nearest - 300, 6_000), rng.integers(5, 10)))[::-1]:
        kind = _OBJECTS[rng.integers(len(_OBJECTS))]
        canvas.object(kind, distance, SEM.index(kind))


def _border(instance: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mark the pixels next to a nearer object; objects are numbered from far to near."""
    nearest = instance.copy()
    for axis in (0, 1):
        ahead = tuple(slice(1 if axis == along else None, None) for along in (0, 1))
        behind = tuple(slice(None, -1 if axis == along else None) for along in (0, 1))
        np.maximum(nearest[ahead], instance[behind], out=nearest[ahead])
        np.maximum(nearest[behind], instance[ahead], out=nearest[behind])
    border: NDArray[np.bool_] = nearest > instance
    return border


def _hha(depth: NDArray[Any], rows: NDArray[Any], ground: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Encode exact geometry as rcnn-depth's saveHHA does; `rows` are pixels below the horizon, (H, 1)."""
    hha = np.empty((*depth.shape, 3), np.uint8)
    hha[..., 0] = np.minimum(31_000 / np.maximum(depth / 10, 100), 255)
    hha[..., 1] = np.clip((CAMERA_HEIGHT - rows * depth / depth.shape[0]) / 10 + 1e-3, 0, 255)
    hha[..., 2] = np.where(ground, 0 + 128 - 90, 90 + 128 - 90)
    return hha
