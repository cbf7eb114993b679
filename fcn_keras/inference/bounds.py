"""How large the sums of a network can become, layer by layer, before any of them is computed.

A sum that leaves float32 is infinite, and two of them make NaN. Scores do not tell: ReLU turns minus infinity into 0,
and TensorFlow's convolutions with ReLU in them turn NaN into 0 as well. That nothing overflows is shown by the weights.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from fcn_keras.layers import CropLike, MatrixConv2D, PadToMultiple, Preprocess, local_response_normalization

LIMIT = 2.0**112  # float32 ends at 2**128: what a convolution's transforms add in between has room
LARGEST_LOG = 100.0  # no logarithm of a float32 is larger, nor the mean that is subtracted from it
CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose, MatrixConv2D)
_SAME = (layers.ZeroPadding2D, PadToMultiple, layers.Dropout, CropLike)

Bound = Any  # a number, or an array


class UnknownError(Exception):
    """Nothing is known of how large a layer's results are."""


class Norm(NamedTuple):
    """What stands for the size of a pixel's channels.

    Attributes:
        of: from an array `(C,)` of largest magnitudes to a bound.
        pooled: from a bound and the number of pixels in a window to that of their largest.
        convolved: from a convolution, plain or transposed, and its input's bound to that of its output.
    """

    of: Callable[[Any], Bound]
    pooled: Callable[[Bound, int], Bound]
    convolved: Callable[[keras.Layer, Bound], Bound]


def is_bounded(run: Iterable[keras.Layer], inputs: Sequence[Any], norm: Norm, brightest: float = 255.0) -> bool:
    """Tell whether all that some layers compute is sure to stay within `LIMIT`.

    Args:
        run: layers of a network from its inputs on, in the order that they run in.
        inputs: the network's input tensors.
        norm: how sizes are measured.
        brightest: largest magnitude of a pixel.

    Returns:
        False also where nothing is known of a layer, or a dtype is narrower than float32's exponents.
    """
    values: dict[int, Bound] = {id(x): norm.of(np.full(x.shape[-1], brightest)) for x in inputs}
    try:
        with np.errstate(all="ignore"):
            for layer in run:
                given = [values[id(x)] for x in keras.tree.flatten(layer.input)]
                bound = values[id(layer.output)] = _through(layer, given, norm, brightest)
                # NaN fails as well.
                if layer.compute_dtype == "float16" or not np.all(np.abs(bound) < LIMIT):
                    return False
    except (UnknownError, AttributeError, KeyError, ValueError):  # a layer that is used several times has no one input
        return False
    return True


def is_sure(model: keras.Model, brightest: float = 255.0) -> bool:
    """Tell whether the weights of a network alone, all of which are read, show that no sum of it leaves float32.

    Args:
        model: a network.
        brightest: largest magnitude of a pixel.

    Returns:
        False also where it is not known, as `is_bounded`.
    """
    run = [x for x in model.layers if not isinstance(x, layers.InputLayer)]
    return is_bounded(run, keras.tree.flatten(model.input), norm_of_channels(), brightest)


def _through(layer: keras.Layer, given: Sequence[Bound], norm: Norm, brightest: float) -> Bound:
    if isinstance(layer, Preprocess):
        return norm.of(_preprocessed(layer, brightest))
    if isinstance(layer, _SAME):
        return given[0]
    if isinstance(layer, layers.MaxPooling2D):
        return norm.pooled(given[0], math.prod(layer.pool_size))
    if isinstance(layer, (layers.Add, layers.Average)):
        return sum(given)
    if type(layer) in CONVOLUTIONS and layer.activation in (keras.activations.linear, keras.activations.relu):
        return norm.convolved(layer, given[0])
    if isinstance(layer, layers.Activation) and layer.activation is local_response_normalization:
        return given[0]  # divides by more than 1
    if isinstance(layer, layers.Rescaling) and not np.ndim(layer.scale) and layer.scale >= 0 and not layer.offset:
        return given[0] * layer.scale
    raise UnknownError(layer.name)


def _preprocessed(layer: Preprocess, brightest: float) -> Any:
    colours = brightest + np.abs(np.asarray(layer.mean, np.float64))
    return np.append(colours, LARGEST_LOG) if layer.modality == "rgbd" else colours


def norm_of_sizes(sizes: Mapping[str, float], observed: Mapping[str, float]) -> Norm:
    """Return the `Norm` that is the root of the sum of a pixel's squares: of a layer, one number has to be known.

    Args:
        sizes: by a layer's name, the root of the sum of its weights' squares.
        observed: of layers that were looked at instead, the root of the sum of the squares of all that they summed up.
    """

    def convolved(layer: keras.Layer, bound: float) -> float:
        if layer.name in observed:
            return observed[layer.name]
        return sizes[layer.name] * (math.sqrt(math.prod(layer.kernel_size)) * bound + 1)

    return Norm(lambda x: float(np.linalg.norm(x)), lambda bound, window: bound * math.sqrt(window), convolved)


def norm_of_channels() -> Norm:
    """Return the `Norm` that is every channel's least and greatest value: tighter, but all weights are read."""
    return Norm(lambda x: np.stack([-x, x]), lambda bound, _: bound, _convolved)


def _convolved(layer: keras.Layer, bound: Any) -> Any:
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else 0.0
    if isinstance(layer, layers.Conv2DTranspose):
        down, across = layer.strides
        windows = [kernel[i::down, j::across].swapaxes(2, 3) for i in range(down) for j in range(across)]
        sums = [_summed(window, bound) for window in windows]
        low, high = np.min([x[0] for x in sums], axis=0), np.max([x[1] for x in sums], axis=0)
    else:
        parts = zip(np.split(kernel, layer.groups, axis=3), np.split(bound, layer.groups, axis=1), strict=True)
        low, high = np.concatenate([_summed(*part) for part in parts], axis=1)
    # With 0 among them, sums that are not complete yet lie between these, too.
    low, high = np.minimum(low + np.minimum(bias, 0), 0), np.maximum(high + np.maximum(bias, 0), 0)
    return np.stack([low * (layer.activation is not keras.activations.relu), high])


def _summed(kernel: Any, bound: Any) -> Any:
    """Return the least and the greatest sum that a kernel `(h, w, C, K)` makes of values within a bound: `(2, K)`."""
    total = magnitude = 0.0
    for tap in kernel.reshape(-1, *kernel.shape[2:]):  # a copy of fc6 would take 400 MB
        total, magnitude = total + tap, magnitude + np.abs(tap)
    positive, negative = (np.maximum(x, 0) / 2 for x in (magnitude + total, magnitude - total))
    return np.stack([bound[0] @ positive - bound[1] @ negative, bound[1] @ positive - bound[0] @ negative])
