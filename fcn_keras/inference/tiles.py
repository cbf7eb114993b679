"""Label an image in tiles, each computed by the whole model with a margin of all that its pixels see."""

import itertools
import math
from typing import Any

import keras
import numpy as np

from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.one_pass import run
from fcn_keras.receptive_field import Field, receptive_field


def predict_tiled(model: keras.Model, image: Image, *, tile: int = 1024, output: str = "labels") -> Maps:
    """Label one image part by part, in the memory of one part, with the result of `predict`.

    A tile is computed with a margin of what its pixels see of the image around it, and on the grid of the coarsest
    map, so every pixel gets the whole image's score (up to the order in which the machine adds floats). An FCN-8s adds
    256 pixels to each side of a tile: the default works on 1536x1536 pixels at once, 2.25 times what it keeps.

    Args:
        model: as for `predict`.
        image: as for `predict`.
        tile: side of a tile in pixels, a multiple of the model's largest stride (32).
        output: as for `predict`.

    Returns:
        As `predict`.

    Raises:
        ValueError: on an image as for `predict`, a tile off the grid, or a model with layers of unknown geometry.
    """
    images = as_input(model, image)
    return run_rows(model, images, (0, keras.tree.flatten(images)[0].shape[0]), tile=tile, output=output)


def require_tile(model: keras.Model, tile: int) -> Field:
    """Return what a model's pixels see, or refuse a model or a tile that cannot be computed part by part.

    Raises:
        ValueError: as `predict_tiled`.
    """
    field = receptive_field(model)
    if field.grid.stride != 1 or field.grid.start != 0:
        raise ValueError(f"`predict_tiled` needs a model that scores every pixel. Received: one with {field.grid}.")
    phase = int(field.phase)
    if isinstance(tile, bool) or not isinstance(tile, int) or tile < 1 or tile % phase:
        raise ValueError(f"`tile` is a positive multiple of {phase}, the model's stride. Received: {tile!r}.")
    return field


def run_rows(model: keras.Model, images: Any, rows: tuple[int, int], *, tile: int, output: str) -> Any:
    """Apply the model to one checked image tile by tile, and keep some rows of the result.

    Args:
        model: as for `predict_tiled`.
        images: what `as_input` returns.
        rows: the first one, and the one behind the last.
        tile: as for `predict_tiled`.
        output: as for `predict`.

    Returns:
        What `run` returns, of those rows alone.
    """
    field = require_tile(model, tile)
    phase = int(field.phase)
    margin = math.ceil(field.radius / phase) * phase
    first, last = rows
    width = keras.tree.flatten(images)[0].shape[1]
    whole = None
    for top, left in itertools.product(range(first - first % phase, last, tile), range(0, width, tile)):
        # A margin ends exactly at the image's border, where the whole net pads every map as well.
        y, x = max(top - margin, 0), max(left - margin, 0)
        bottom = min(top + tile, math.ceil(last / phase) * phase)
        part = (slice(y, bottom + margin), slice(x, left + tile + margin))
        result = run(model, keras.tree.map_structure(lambda pixels, part=part: pixels[part], images), output)
        if whole is None:
            whole = keras.tree.map_structure(lambda a: np.empty((last - first, width, *a.shape[2:]), a.dtype), result)
        begin, end = max(top, first), min(bottom, last)
        kept = (slice(begin - y, end - y), slice(left - x, left - x + tile))
        for a, b in zip(keras.tree.flatten(whole), keras.tree.flatten(result), strict=True):
            a[begin - first : end - first, left : left + tile] = b[kept]
    return whole
