"""Label whole images: in one pass, and tile by tile with the same result."""

import weakref
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

OUTPUTS = ("labels", "scores")
_runners = weakref.WeakKeyDictionary()  # model -> {output: compiled model on the same layers}


def predict(model, image, *, output="labels"):
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
        ValueError: if `image` is not what the model eats, or `output` is unknown.
    """
    return _run(model, as_input(model, image), output)


def as_input(model, image):
    """Check an image against what `model` eats.

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


def _input_shapes(model):
    """Shape of the input, or a dict of shapes."""
    try:
        return keras.tree.map_structure(lambda x: _Shape(x.shape), model.input)
    except (AttributeError, ValueError):
        raise ValueError(
            "`model` must be a functional model with its inputs defined, such as `fcn_keras.FCN8s(21)`. "
            f"Received: {type(model).__name__}."
        ) from None


class _Shape(tuple):
    """A leaf for `keras.tree`, which would walk into a plain tuple."""


def _pixels(name, image, channels):
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


def _check_range(name, colour):
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


def _run(model, images, output):
    """Apply the model to one checked image, or dict of them."""
    if output not in OUTPUTS:
        raise ValueError(f"`output` is one of {OUTPUTS}. Received: {output!r}.")
    batch = keras.tree.map_structure(lambda x: x[None], images)
    return keras.tree.map_structure(lambda y: y[0], _runner(model, output).predict_on_batch(batch))


def _runner(model, output):
    """Build, once per model and output, a model on the same layers that ends in labels or float32 scores."""
    runners = _runners.setdefault(model, {})
    if output not in runners:
        finish = label_of if output == "labels" else lambda scores: ops.cast(scores, "float32")
        runner = keras.Model(model.input, keras.tree.map_structure(finish, model.output))
        if keras.backend.backend() == "tensorflow":
            # Keras would choose XLA, which compiles anew for every image size.
            runner.jit_compile = False
        runners[output] = runner
    return runners[output]


def label_of(scores):
    """Take the class of the highest score, the first of equals: uint8, or uint16 above 256 classes."""
    dtype = "uint8" if scores.shape[-1] <= 256 else "uint16"
    return ops.cast(ops.argmax(ops.cast(scores, "float32"), axis=-1), dtype)
