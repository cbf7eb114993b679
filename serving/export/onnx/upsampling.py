"""A network's last upsampling as one convolution: the same sums in a quarter of the time. Imports Keras."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from fcn_keras.layers import CropLike


class Upsampling(NamedTuple):
    """A transposed convolution whose kernel is twice its stride, and the crop behind it.

    Every output pixel then sees 2x2 input pixels. So the `factor**2` pixels between them are channels of a 2x2
    convolution, and labels can be chosen there, before anything is moved.
    """

    features: keras.KerasTensor  # (N, h, w, K)
    kernel: np.ndarray  # (2, 2, K, K * factor**2), or (2, 2, 1, K * factor**2) where no class sees another
    factor: int
    offset: int  # pixels to crop at the top and left of the full result, which has factor * (h + 1) rows

    def scores(self, features, kernel, size):
        """Upsample: (N, h, w, K) to (N, *size, K)."""
        x, (rows, columns) = self._convolve(features, kernel)
        x = tf.reshape(x, [-1, kernel.shape[-1] // self.factor**2, self.factor, self.factor, rows, columns])
        x = tf.transpose(x, [0, 4, 2, 5, 3, 1])  # (N, h + 1, factor, w + 1, factor, K)
        x = tf.reshape(x, [-1, rows * self.factor, columns * self.factor, x.shape[-1]])
        return self._crop(x, size)

    def labels(self, features, kernel, size, dtype):
        """Upsample and choose the class of the highest score: (N, h, w, K) to (N, *size)."""
        x, (rows, columns) = self._convolve(features, kernel)
        x = tf.reshape(x, [-1, kernel.shape[-1] // self.factor**2, self.factor**2, rows * columns])
        # Keras's own argmax tells -0 from 0 by its bits, for which ONNX has no operation.
        x = tf.cast(tf.argmax(x, axis=1), dtype)  # (N, factor**2, (h + 1) * (w + 1))
        x = tf.reshape(x, [-1, self.factor, self.factor, rows, columns])
        x = tf.transpose(x, [0, 3, 1, 4, 2])  # (N, h + 1, factor, w + 1, factor)
        return self._crop(tf.reshape(x, [-1, rows * self.factor, columns * self.factor]), size)

    def _convolve(self, features, kernel):
        x = tf.transpose(features, [0, 3, 1, 2])  # as ONNX has it
        pads = [[0, 0], [0, 0], [1, 1], [1, 1]]
        x = tf.nn.conv2d(x, kernel, 1, pads, data_format="NCHW")  # (N, K * factor**2, h + 1, w + 1)
        return x, tf.unstack(tf.shape(x)[2:])

    def _crop(self, x, size):
        height, width = size
        return x[:, self.offset : self.offset + height, self.offset : self.offset + width]


def find(scores):
    """Find the upsampling that ends in a model's scores.

    Args:
        scores: an output of a model.

    Returns:
        `Upsampling`, or None where the model ends in something else.
    """
    crop = scores._keras_history.operation
    if not isinstance(crop, CropLike):
        return None
    layer = crop.input[0]._keras_history.operation
    if not isinstance(layer, keras.layers.Conv2DTranspose) or layer.use_bias:
        return None
    (factor, other), size = layer.strides, layer.kernel_size
    if factor != other or factor % 2 or size != (2 * factor, 2 * factor):
        return None
    offset = crop.offset + (factor // 2 if layer.padding == "same" else 0)
    return Upsampling(layer.input, _between(np.asarray(layer.kernel), factor), factor, offset)


def _between(kernel, factor):
    """Turn the kernel (2f, 2f, out, in) of a transposed convolution into that of a convolution."""
    *_, classes, inputs = kernel.shape
    parts = kernel.reshape(2, factor, 2, factor, classes, inputs)[::-1, :, ::-1]  # the farther pixel comes first
    parts = parts.transpose(0, 2, 5, 4, 1, 3)  # (2, 2, in, out, f, f)
    own = np.eye(inputs, classes, dtype=bool)
    if inputs == classes and not parts[:, :, ~own].any():
        parts = parts[:, :, own][:, :, None]
    return np.ascontiguousarray(parts).reshape(2, 2, -1, classes * factor**2)
