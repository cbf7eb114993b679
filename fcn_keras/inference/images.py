"""What a model takes, checked before any of it is computed."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = ArrayLike | Mapping[str, ArrayLike]
Maps = Any  # an array, or a dict of them by head: the model decides which


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
    if not np.isfinite(pixels[..., 3:]).all():
        raise ValueError(f"`{name}` must hold finite depths. Received: NaN or infinity. Write 0 where it is unknown.")
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
