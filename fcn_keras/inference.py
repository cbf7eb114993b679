"""Label whole images: in one pass, tile by tile with the same result, and by shift-and-stitch."""

import functools
import itertools
import logging
import math
import weakref
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from fcn_keras.layers import CHANNELS, Preprocess
from fcn_keras.receptive_field import Field, receptive_field

Image = ArrayLike | Mapping[str, ArrayLike]
Maps = Any  # an array, or a dict of them by head: the model decides which

OUTPUTS = ("labels", "scores")
LOG = logging.getLogger("fcn_keras")
# model -> {output: compiled model on the same layers}
_runners: weakref.WeakKeyDictionary[keras.Model, dict[str, keras.Model]] = weakref.WeakKeyDictionary()


def predict(model: keras.Model, image: Image, *, output: str = "labels") -> Maps:
    """Label every pixel of one image.

    The first call for a model compiles it (once for all sizes on TensorFlow); later calls do not.

    Args:
        model: a network of this package, or any functional model from one image batch to scores.
        image: `(H, W, 3)` uint8 RGB (HHA for an HHA net); `(H, W, 4)` RGB and depth in millimetres for an `"rgbd"`
            net, of any dtype that holds both; `{"rgb", "hha"}` for a `LateFusion`.
        output: `"labels"`, or `"scores"` for what the argmax is taken of.

    Returns:
        `(H, W)` uint8 class ids (uint16 above 256 classes), the lowest id where scores tie; or `(H, W, C)` float32
        scores. A dict of them by head where the model has several.

    Raises:
        ValueError: if `image` is not what the model takes, or `output` is unknown.

    Example:
        >>> import numpy as np
        >>> import fcn_keras as fcn
        >>> model = fcn.FCN8s(21, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8))
        >>> fcn.predict(model, np.zeros((33, 50, 3), np.uint8)).shape
        (33, 50)
    """
    return run(model, as_input(model, image), output)


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


def shift_and_stitch(model: keras.Model, image: Image, *, stride: int) -> Maps:
    """Score every pixel by shifting the input `stride**2` times and interlacing.

    Dense without interpolation, at `stride**2` times the cost of `predict`. Score `o` of the input shifted by `s`
    pixels to the right and down is centred on pixel `centre + stride * o - s` of the image, and is put there. Between
    two pixels, the upper left one gets it: `centre` is 15.5 at stride 32 of a `"same"` net (12.5 of a `"caffe"` net),
    so dense scores lie half a pixel to the upper left of what they see. The border that a shift uncovers is the mean
    colour. What a net does at its borders (ceil pooling, zeros around every map) moves with the shift.

    Args:
        model: scores at `stride`, its last upsampling absent:
            `keras.Model(net.input, net.get_layer("score_fr").output)` of an FCN-32s.
        image: as for `predict`.
        stride: output stride of `model` in pixels.

    Returns:
        `(H, W, C)` float32 scores at the input's size; a dict of them where the model has several outputs.

    Raises:
        ValueError: if `stride` is not positive, or not the model's; if the model's maps leave a part of the image out.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 3.2.
    """
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise ValueError(f"`stride` is a positive int. Received: {stride!r}.")
    field = receptive_field(model)
    if field.grid.stride != stride:
        raise ValueError(
            f"`model` scores at stride {field.grid.stride:g}. Received: stride={stride}. Cut the last upsampling off: "
            'keras.Model(net.input, net.get_layer("score_fr").output).'
        )
    images, fills = as_input(model, image), _mean_pixels(model)
    height, width = keras.tree.flatten(images)[0].shape[:2]
    dense = None
    for down, right in itertools.product(range(stride), repeat=2):
        shifted = keras.tree.map_structure(lambda *x, by=(down, right): _shift(*x, *by), images, fills)
        scores = run(model, shifted, "scores")
        if dense is None:
            dense = keras.tree.map_structure(lambda a: np.empty((height, width, a.shape[-1]), a.dtype), scores)
        for a, b in zip(keras.tree.flatten(dense), keras.tree.flatten(scores), strict=True):
            rows, from_rows = _interlace(height, down, field, b.shape[0])
            columns, from_columns = _interlace(width, right, field, b.shape[1])
            a[rows, columns] = b[from_rows, from_columns]
    return dense


def as_input(model: keras.Model, image: Image) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Check an image against what `model` takes.

    Args:
        model: as for `predict`.
        image: as for `predict`.

    Returns:
        `(H, W, C)` array, uint8 or float32; a dict of them for a model of several inputs.

    Raises:
        ValueError: on a wrong rank, dtype, range or number of channels, naming what was expected.
    """
    shapes = _input_shapes(model)
    if not isinstance(shapes, Mapping):
        if isinstance(image, Mapping):
            raise ValueError(f"This model takes one image. Received a dict with keys {sorted(image)}.")
        return _pixels("image", image, shapes[-1])
    if not isinstance(image, Mapping) or set(image) != set(shapes):
        keys = sorted(image) if isinstance(image, Mapping) else type(image).__name__
        raise ValueError(f"This model takes a dict of images with keys {sorted(shapes)}. Received: {keys}.")
    images = {key: _pixels(key, image[key], shape[-1]) for key, shape in shapes.items()}
    sizes = {key: pixels.shape[:2] for key, pixels in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"Images of one scene have one height and width. Received: {sizes}.")
    return images


def _input_shapes(model: keras.Model) -> Any:
    """Shape of the input, or a dict of shapes."""
    try:
        return keras.tree.map_structure(lambda x: _Shape(x.shape), model.input)
    except (AttributeError, ValueError):
        raise ValueError(
            "`model` must be a functional model with its inputs defined, such as `fcn_keras.FCN8s(21)`. "
            f"Received: {type(model).__name__}."
        ) from None


class _Shape(tuple[int | None, ...]):
    """A leaf for `keras.tree`, which would walk into a plain tuple."""


def _pixels(name: str, image: ArrayLike, channels: int) -> NDArray[Any]:
    pixels = np.asarray(image)
    expected = f"(H, W, {channels}) {'RGB and depth in mm' if channels == 4 else 'uint8'}"
    if pixels.ndim == 2:
        advice = f"Repeat a grey image {channels} times: np.stack([image] * {channels}, axis=-1)."
    elif pixels.ndim == 4:
        advice = "Pass one image at a time, without the batch axis."
    elif pixels.ndim == 3 and pixels.shape[-1] == 4 and channels == 3:
        advice = "Drop the alpha channel: image[..., :3]."
    else:
        advice = "Channels come last."
    if pixels.ndim != 3 or pixels.shape[-1] != channels or 0 in pixels.shape:
        raise ValueError(f"`{name}` must be {expected}, at least 1x1. Received shape {pixels.shape}. {advice}")
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be {expected}. Received dtype {pixels.dtype}. Convert it to uint8.")
    _check_range(name, pixels[..., :3])
    return pixels.astype("float32")


def _check_range(name: str, colour: NDArray[Any]) -> None:
    low, high = colour.min(), colour.max()
    if colour.dtype.kind == "f" and low >= 0 and 0 < high <= 1:
        raise ValueError(
            f"`{name}` must hold 0-255. Received {colour.dtype} from {low:g} to {high:g}. "
            "Multiply by 255, or pass the uint8 pixels as they were read."
        )
    if not (low >= 0 and high <= 255):  # NaN fails as well
        raise ValueError(
            f"`{name}` must hold 0-255. Received {colour.dtype} from {low:g} to {high:g}. "
            "Pass raw pixels: the model subtracts the mean itself."
        )


def run(model: keras.Model, images: Any, output: str) -> Any:
    """Apply the model to one checked image, or dict of them.

    Args:
        model: as for `predict`.
        images: what `as_input` returns.
        output: as for `predict`.

    Returns:
        As `predict`.

    Raises:
        ValueError: if `output` is unknown.
    """
    if output not in OUTPUTS:
        raise ValueError(f"`output` is one of {OUTPUTS}. Received: {output!r}.")
    batch = keras.tree.map_structure(lambda x: x[None], images)
    return keras.tree.map_structure(lambda y: y[0], _runner(model, output).predict_on_batch(batch))


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


def _runner(model: keras.Model, output: str) -> keras.Model:
    """Build, once per model and output, a model on the same layers that ends in labels or float32 scores."""
    runners = _runners.setdefault(model, {})
    if output not in runners:
        finish = label_of if output == "labels" else lambda scores: ops.cast(scores, "float32")
        runner = keras.Model(model.input, keras.tree.map_structure(finish, model.output))
        if keras.backend.backend() == "tensorflow":
            # Keras would choose XLA, which compiles anew for every image size.
            runner.jit_compile = False
        elif keras.backend.backend() == "openvino":
            _warn_of_bfloat16()
        runners[output] = runner
    return runners[output]


@functools.cache
def _warn_of_bfloat16() -> None:
    """Say once that OpenVINO is less exact on this processor; Keras passes no setting of OpenVINO's on."""
    import openvino

    precision = openvino.Core().get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name()
    if precision != "f32":
        LOG.warning(
            "OpenVINO computes in half precision (%s) on this processor, whatever the dtype policy. Scores are off by "
            "up to a hundredth of the largest, and some labels differ. Set KERAS_BACKEND=tensorflow for float32.",
            precision,
        )


def label_of(scores: Any) -> Any:
    """Take the class of the highest score, the first of equals.

    Args:
        scores: `(..., C)` of any float.

    Returns:
        `(...)` uint8 class ids, or uint16 above 256 classes.
    """
    dtype = "uint8" if scores.shape[-1] <= 256 else "uint16"
    return ops.cast(ops.argmax(ops.cast(scores, "float32"), axis=-1), dtype)


def _mean_pixels(model: keras.Model) -> Any:
    """Find the pixel that preprocessing turns into zeros, for every input."""
    pixel_of = {}
    for layer in model.layers:
        if isinstance(layer, Preprocess):
            pixel = layer.mean if layer.modality == "hha" else layer.mean[::-1]  # RGB; of depth, 0 is unknown
            pixel_of[id(layer.input)] = np.array([*pixel, 0][: CHANNELS[layer.modality]], "float32")
    return keras.tree.map_structure(lambda x: pixel_of.get(id(x), np.zeros(x.shape[-1], "float32")), model.input)


def _shift(pixels: NDArray[Any], fill: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    height, width, channels = pixels.shape
    shifted = np.empty((height + down, width + right, channels), "float32")
    shifted[:] = fill
    shifted[down:, right:] = pixels
    return shifted


def _interlace(length: int, shift: int, field: Field, count: int) -> tuple[slice, slice]:
    """Match the pixels of one axis to the scores that are centred on them: two slices."""
    stride, centre = int(field.grid.stride), math.floor(field.grid.start)
    pixels = range((centre - shift) % stride, length, stride)
    first = (pixels.start + shift - centre) // stride
    if len(pixels) and not 0 <= first <= first + len(pixels) <= count:
        raise ValueError(
            f"`model` must score the whole image. Received: one whose scores 0..{count - 1} are centred on pixels "
            f"{centre - shift}, {centre - shift + stride}, ... of {length}. Let it pad its input, as FCN32s does."
        )
    return slice(pixels.start, length, stride), slice(first, first + len(pixels))
