"""The initializer that makes a transposed convolution interpolate."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


@keras.saving.register_keras_serializable("fcn_keras")
class Bilinear(keras.initializers.Initializer):
    """Initialise a `Conv2DTranspose` kernel to bilinear interpolation, each channel to itself.

    The kernel `(kh, kw, out, in)` holds the 2-D triangle filter on the channel diagonal and 0 elsewhere. With
    `kernel = 2 * stride` (even) or `2 * stride - 1` (odd) the layer upsamples by `stride`.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 3.3; `surgery.interp` of the released code. Caffe's
    own `bilinear` filler fills every channel pair, which is right for grouped layers only.
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return the kernel.

        Raises:
            ValueError: if `shape` is not `(kh, kw, channels, channels)`.
        """
        if len(shape) != 4 or shape[2] != shape[3]:
            raise ValueError(
                f"`Bilinear` fills kernels of shape (kh, kw, channels, channels). Received: {tuple(shape)}. "
                "Give the Conv2DTranspose as many filters as its input has channels."
            )
        kernel = np.zeros(shape, "float32")
        diagonal = np.arange(shape[2])
        kernel[:, :, diagonal, diagonal] = np.outer(triangle(shape[0]), triangle(shape[1]))[:, :, None]
        return keras.ops.convert_to_tensor(kernel, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {}


def triangle(size: int) -> NDArray[np.float64]:
    """Sample the 1-D interpolation filter of `size` taps: its peak is 1 (odd) or straddled by two taps (even).

    Returns:
        `(size,)` float64.
    """
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    taps: NDArray[np.float64] = 1 - np.abs(np.arange(size) - centre) / factor
    return taps
