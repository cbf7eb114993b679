"""Score every pixel by shifting the input and interlacing: the paper's alternative to upsampling."""

import itertools
import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.one_pass import run
from fcn_keras.layers import CHANNELS, Preprocess
from fcn_keras.receptive_field import Field, receptive_field


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
