"""Label one image as the mean over mirrored and rescaled copies of it: test-time augmentation."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_keras.inference.certainty import KINDS
from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.one_pass import run
from fcn_keras.inference.predicting import MEMORY, require_memory
from fcn_keras.inference.stream import Stream, fits
from fcn_keras.inference.tiles import require_tile, run_rows
from fcn_keras.layers import Preprocess
from fcn_keras.probabilities import finish_of_probabilities, softmax

SCALES = (0.75, 1.0, 1.25)
OUTPUTS = ("labels", *KINDS)
_STRIP = 64  # rows of the image whose probabilities are added up at once, where all copies are computed band by band
_Taps = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]


def predict_augmented(
    model: keras.Model,
    image: Image,
    *,
    mirror: bool = True,
    scales: Sequence[float] = SCALES,
    tile: int | None = None,
    output: str = "labels",
    memory: float = MEMORY,
) -> Maps:
    """Label every pixel of one image by the mean of what a model says of several copies of it.

    Each copy's scores are resized to the image bilinearly, with half-pixel centres (pixel `i` of `n` stands at
    `(i + 0.5) / n`), and turned into probabilities by softmax; their mean decides. It costs as many passes as there
    are copies: 2 * (0.75**2 + 1 + 1.25**2) = 6.25 times `predict` by default, and 8 bytes a pixel and class.

    Args:
        model, image: as for `predict`.
        mirror: whether to add to each copy the one that is mirrored left to right. Depth and HHA are mirrored as they
            are: neither tells left from right.
        scales: factors on height and width, a copy each. Colour is resized bilinearly with antialiasing; depth and
            HHA take the nearest pixel and keep their values, as `augment.scale` resizes them in training.
        tile: work on tiles of this side, as `predict_tiled`, and on as many rows at once; None goes by `memory`.
        output: `"labels"`; `"probabilities"` for the mean that the argmax is taken of; or `"confidence"`, `"entropy"`
            and `"certainty"` of that mean, as for `predict`.
        memory: as for `predict`. Where one pass over the largest copy needs more, all copies are computed side by side
            in stages and band by band: the memory grows with the width of the image alone, but for the copies
            themselves. Their number divides the budget.

    Returns:
        `(H, W)` uint8 class ids (uint16 above 256 classes), the lowest id where probabilities tie; `(H, W, C)`
        float32 probabilities, whose sum is 1; or what `predict` returns for the other outputs. A dict of them by head
        where the model has several.

    Raises:
        ValueError: as `predict` and `predict_tiled`, or on scales that are no positive numbers.
    """
    if output not in OUTPUTS:
        raise ValueError(f"`output` is one of {OUTPUTS}. Received: {output!r}.")
    _check_scales(scales)
    require_memory(memory)
    if tile is not None:
        require_tile(model, tile)
    images = as_input(model, image)
    height, width = _size(images)
    copies = [_resized(model, images, scale) for scale in scales]
    if mirror:
        copies += [keras.tree.map_structure(lambda pixels: pixels[:, ::-1], copy) for copy in copies]
    flips = [False] * len(scales) + [True] * (len(copies) - len(scales))
    scored, most = _scorers(model, copies, height, tile, memory * 2**20)
    finish = finish_of_probabilities(output)
    strips = []
    for top in range(0, height, most):
        rows = (top, min(top + most, height))
        scores = (
            _scores(scorer, _size(copy), flip, (height, width), rows)
            for scorer, copy, flip in zip(scored, copies, flips, strict=True)
        )
        strips.append(keras.tree.map_structure(finish, _mean_probabilities(scores)))
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *strips) if len(strips) > 1 else strips[0]


def _scorers(
    model: keras.Model, copies: Sequence[Any], height: int, tile: int | None, memory: float
) -> tuple[list[Callable[[int, int], Any]], int]:
    """Return what scores some rows of each copy, and how many rows of the image are best asked for at once."""
    if tile is not None:
        return [partial(_tiled, model, copy, tile) for copy in copies], tile
    if all(fits(model, copy, memory) for copy in copies):
        return [partial(_whole, model, copy) for copy in copies], height
    streams = [Stream(model, copy, "scores", memory / len(copies)) for copy in copies]
    return [stream.rows for stream in streams], min(height, _STRIP)


def _tiled(model: keras.Model, copy: Any, tile: int, first: int, last: int) -> Any:
    return run_rows(model, copy, (first, last), tile=tile, output="scores")


def _whole(model: keras.Model, copy: Any, first: int, last: int) -> Any:
    return keras.tree.map_structure(lambda scores: scores[first:last], run(model, copy, "scores"))


def _check_scales(scales: Sequence[float]) -> None:
    numbers = [s for s in scales if isinstance(s, (int, float)) and not isinstance(s, bool) and 0 < s < math.inf]
    if not numbers or len(numbers) < len(scales):
        raise ValueError(f"`scales` are positive numbers, such as {SCALES}. Received: {scales!r}.")


def _size(images: Any) -> tuple[int, int]:
    height, width = keras.tree.flatten(images)[0].shape[:2]
    return height, width


def _resized(model: keras.Model, images: Any, scale: float) -> Any:
    """Rescale a checked image, or dict of them; sides are rounded and at least 1."""
    size = tuple(max(1, round(side * scale)) for side in _size(images))
    if size == _size(images):
        return images
    modalities = {id(layer.input): layer.modality for layer in model.layers if isinstance(layer, Preprocess)}

    def resize(pixels: NDArray[Any], tensor: Any) -> NDArray[Any]:
        nearest: NDArray[Any] = ops.convert_to_numpy(ops.image.resize(pixels, size, interpolation="nearest"))
        if modalities.get(id(tensor)) == "hha":
            return nearest.astype(pixels.dtype)
        smooth = ops.image.resize(pixels[..., :3].astype("float32"), size, interpolation="bilinear", antialias=True)
        colour = np.clip(np.rint(ops.convert_to_numpy(smooth)), 0, 255).astype(pixels.dtype)
        return np.concatenate([colour, nearest[..., 3:]], axis=-1)

    return keras.tree.map_structure(resize, images, model.input)


def _scores(
    scorer: Callable[[int, int], Any],
    copy: tuple[int, int],
    flipped: bool,
    size: tuple[int, int],
    rows: tuple[int, int],
) -> Any:
    """Score a copy, whose size is `copy`, and return what it says of `rows[0]..rows[1]` of the image of `size`."""
    vertical, horizontal = _taps(copy[0], size[0], *rows), _taps(copy[1], size[1], 0, size[1])
    first, last = int(vertical[0][0]), int(vertical[1][-1]) + 1
    scores = scorer(first, last)
    lower, upper, weight = vertical
    vertical = lower - first, upper - first, weight

    def at_image(given: NDArray[np.float32]) -> NDArray[np.float32]:
        given = given[:, ::-1] if flipped else given
        return given if copy == size else _mixed(_mixed(given, vertical, 0), horizontal, 1)

    return keras.tree.map_structure(at_image, scores)


def _taps(source: int, target: int, first: int, last: int) -> _Taps:
    """Find between which two pixels of `source` each of `first..last` of `target` lies, and how near to the second."""
    place = np.clip((np.arange(first, last) + 0.5) * (source / target) - 0.5, 0, source - 1)
    lower = place.astype(np.intp)
    return lower, lower + (place > lower), (place - lower).astype(np.float32)


def _mixed(values: NDArray[np.float32], taps: _Taps, axis: int) -> NDArray[np.float32]:
    lower, upper, weight = taps
    weight = np.expand_dims(weight, tuple(other for other in range(values.ndim) if other != axis))
    mixed: NDArray[np.float32] = values.take(upper, axis) * weight
    mixed += values.take(lower, axis) * (1 - weight)
    return mixed


def _mean_probabilities(scores: Iterable[Any]) -> Any:
    """Average the softmax of each of several arrays `(H, W, C)`, or dicts of them."""
    total, count = None, 0
    for count, given in enumerate(scores, 1):  # noqa: B007
        probabilities = keras.tree.map_structure(softmax, given)
        if total is None:
            total = probabilities
        else:
            total = keras.tree.map_structure(np.add, total, probabilities)
    return keras.tree.map_structure(lambda x: x / np.float32(count), total)
