"""A convolution of 3x3 that multiplies half as often: Winograd's F(4, 3) along the rows.

Six rows of pixels and the three rows of a kernel are turned into values at the points 0, 1, -1, 2, -2 and infinity.
Their six products, each a convolution of 1x3, are turned back into four rows, for which a plain convolution multiplies
twelve rows with rows (benchmarks/multiplications.py). Along both axes a quarter would do, but kernels would take four
times the bytes instead of two, and much of what is saved would go into additions.

Reference: Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fcn_keras.inference.processor import is_processor

Tensor = Any  # of any backend: Keras names no type for it

ROWS = 4  # of a result, that are computed together
# From the 3 rows of a kernel to its values at the 6 points.
_TO_POINTS = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float64) / 24

# Fewer channels leave little to save, and the values of their larger maps would be most of a network's memory.
LEAST_CHANNELS = 128
LEAST_FILTERS = 256

TAKES = 2.5  # times the bytes of input and output on the way: both padded or stacked, and six rows for every four


def can_be_used(layer: keras.Layer) -> bool:
    """Return whether a layer is a convolution of 3x3 that is quicker by `convolve` on this machine.

    Args:
        layer: of any model, built.
    """
    return is_processor() and suits(layer)


def suits(layer: keras.Layer) -> bool:
    """Return whether a layer is a convolution of 3x3 that `convolve` multiplies less for, by enough.

    Args:
        layer: of any model, built.
    """
    if type(layer) is not keras.layers.Conv2D or layer.compute_dtype != "float32":
        return False
    is_plain = layer.kernel_size == (3, 3) and layer.strides == layer.dilation_rate == (1, 1) and layer.groups == 1
    if not is_plain or layer.padding not in ("same", "valid") or layer.data_format != "channels_last":
        return False
    channels, filters = layer.kernel.shape[2:]
    return bool(channels >= LEAST_CHANNELS and filters >= LEAST_FILTERS)


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None, padding: str, points: Sequence[Tensor] | None = None
) -> Tensor:
    """Convolve maps with a kernel of 3x3, stride 1.

    Its largest error is about 1e-6 of the largest result, where that of a plain convolution is 3e-7.

    Args:
        x: `(B, H, W, C)` float32.
        kernel: `(3, 3, C, K)` float32.
        bias: `(K,)` float32, or None.
        padding: `"same"`, or `"valid"`.
        points: what `points_of` makes of the kernel; by default it is made here, as late as possible.

    Returns:
        `(B, H, W, K)` float32, or `(B, H - 2, W - 2, K)`.
    """
    batch, height, width, channels = ops.shape(x)
    before = 1 if padding == "same" else 0
    rows = height - 2 + 2 * before
    count = (rows + ROWS - 1) // ROWS
    x = ops.pad(x, [[0, 0], [before, ROWS * (count + 1) - before - height], [0, 0], [0, 0]])
    x = ops.reshape(x, (batch, count + 1, ROWS, width, channels))
    values = _values([x[:, i // ROWS : i // ROWS + count, i % ROWS] for i in range(6)])
    # A graph would compute the points of all layers at once, before the first one runs, and keep them until then.
    points = points_of(kernel, wait_for=height) if points is None else points
    products = [ops.conv(value, point, padding=padding) for value, point in zip(values, points, strict=True)]
    if bias is not None:
        products[1] = products[1] + bias  # of which every row gets it once
    found = ops.stack(_results(products), axis=2)  # (B, count, 4, W', K)
    return ops.reshape(found, (batch, ROWS * count, *ops.shape(found)[3:]))[:, :rows]


def points_of(kernel: Tensor, wait_for: Any = 0) -> list[Tensor]:
    """Turn a kernel into its values at the 6 points.

    Args:
        kernel: `(3, 3, C, K)` float32.
        wait_for: an int32 scalar that a graph knows before it begins.

    Returns:
        `(1, 3, C, K)` float32 each.
    """
    rows, *shape = kernel.shape
    to_points = ops.convert_to_tensor(_TO_POINTS, "float32") + ops.cast(0 * wait_for, "float32")
    points = ops.matmul(to_points, ops.reshape(kernel, (rows, -1)))
    return list(ops.unstack(ops.reshape(points, (6, 1, *shape)), 6))


def _values(d: Sequence[Tensor]) -> list[Tensor]:
    """Turn 6 rows of pixels into values at the points."""
    even, odd, even_2, odd_2 = d[4] - 4 * d[2], d[3] - 4 * d[1], d[4] - d[2], 2 * (d[3] - d[1])
    ends = 4 * (d[0] - d[2]) + even_2, d[5] - d[3] - 2 * odd_2
    return [ends[0], even + odd, even - odd, even_2 + odd_2, even_2 - odd_2, ends[1]]


def _results(m: Sequence[Tensor]) -> list[Tensor]:
    """Turn products at the points into 4 rows."""
    even, odd, even_2, odd_2 = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + even + even_2, odd + 2 * odd_2, even + 4 * even_2, odd + 8 * odd_2 + m[5]]
