"""A model's layers in operators that LiteRT runs fast at any size. Importing this imports TensorFlow.

LiteRT hands a graph to its fast kernels (XNNPACK) only if every shape is known as soon as those of the inputs are. Of
the operators that compute with shapes it runs `SHAPE` and `MUL` that early, and lets `STRIDED_SLICE` take its indices
from them; a sum, a remainder or a `PACK` waits for the run. So sizes are found here by slicing, padding and
multiplying.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from fcn_keras.interface import heads_of, inputs_of
from fcn_keras.layers import LOG_DEPTH_MEAN, CeilMaxPooling2D, CropLike, PadToMultiple, Preprocess

from ..tensors import LARGEST_CONSTANT


class Floats:
    """Compute with the numbers as they are.

    Attributes:
        large: `{layer: variable}` of the kernels for which a 1x1 kernel of one value stands in.
    """

    def __init__(self):
        self.large = {}

    def activation(self, name, x, bounds=None):
        """Return a layer's output, as what reads it gets it.

        Args:
            name: of the layer.
            x: the output.
            bounds: least and greatest value that it can have, where they are known.
        """
        return x

    def kernel(self, name, weights):
        """Return the kernel of a convolution, (height, width, in, out).

        Args:
            name: of the layer.
            weights: a Keras variable or an array.
        """
        if isinstance(weights, np.ndarray) or math.prod(weights.shape) <= LARGEST_CONSTANT:
            return array(weights)
        self.large[name] = weights
        # Different ones: equal constants would become one.
        return tf.constant(float(len(self.large)), shape=(1, 1, *weights.shape[2:]))


def array(weights):
    """Read a variable, to be a constant of the graph: a variable would stay one in the file."""
    with tf.init_scope():
        return np.asarray(weights)


def apply(model, images, numbers, finish=tf.identity):
    """Apply a model.

    Args:
        model: a network of this package, in float32.
        images: `{name of an input: (N, H, W, C) float32}`, raw pixels.
        numbers: `Floats`, or what stands for it.
        finish: what to make of the scores (N, H, W, K), pixel by pixel. The last crop follows it, as `STRIDED_SLICE`
            copies number by number.

    Returns:
        `{head: finished scores}`; an only head is named `""`.
    """
    outputs = heads_of(model.output)
    values = {id(x): numbers.activation(name, images[name], (0, 255)) for name, x in inputs_of(model).items()}
    last = {id(x) for x in outputs.values()}
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        given = keras.tree.map_structure(lambda x: values[id(x)], layer.input)
        with tf.name_scope(layer.name):  # by which `weights.fill` finds it in the file
            if id(layer.output) not in last:
                value = _through(layer, given, numbers)
            elif isinstance(layer, CropLike):
                value = _crop_like(finish(given[0]), given[1], layer.offset)
            else:
                value = finish(_through(layer, given, numbers))
        values[id(layer.output)] = value
    return {head: values[id(x)] for head, x in outputs.items()}


def _through(layer, x, numbers):
    if isinstance(layer, Preprocess):
        return _preprocess(layer, x, numbers)
    if isinstance(layer, (layers.Conv2DTranspose, layers.Conv2D)):
        transposed = isinstance(layer, layers.Conv2DTranspose)
        return (_upsample if transposed else _convolve)(layer, x, numbers)
    # These only choose among the values that they are given, so they need no range of their own.
    if isinstance(layer, PadToMultiple):
        return _pad_to_multiple(x, layer.multiple)
    if isinstance(layer, CropLike):
        return _crop_like(*x, layer.offset)
    if isinstance(layer, CeilMaxPooling2D):
        return _pool_ceil(layer, x)
    if isinstance(layer, layers.Average):
        total = numbers.activation(f"{layer.name}/sum", sum(x))
        return numbers.activation(layer.name, total * (1 / len(x)))
    if isinstance(layer, (layers.MaxPooling2D, layers.ZeroPadding2D, layers.Dropout)):
        return layer(x, training=False)
    return numbers.activation(layer.name, layer(x, training=False))


def _preprocess(layer, image, numbers):
    """Reorder the channels and subtract the mean by one 1x1 convolution: exactly, as all terms but one are 0."""
    order = [0, 1, 2] if layer.modality == "hha" else [2, 1, 0]
    mean = np.array(layer.mean, "float32")
    kernel = np.eye(3, dtype="float32")[:, order][None, None]  # (1, 1, 3, 3)
    pixels = tf.nn.bias_add(tf.nn.conv2d(image[..., :3], numbers.kernel(layer.name, kernel), 1, "VALID"), -mean)
    pixels = numbers.activation(layer.name, pixels, (-mean.max(), 255 - mean.min()))
    if layer.modality != "rgbd":
        return pixels
    depth = image[..., 3:]
    known = depth > 0
    log_depth = tf.where(known, tf.math.log(tf.where(known, depth, 1.0)) - LOG_DEPTH_MEAN, 0.0)
    return tf.concat([pixels, log_depth], axis=-1)


def _convolve(layer, x, numbers):
    kernel = numbers.kernel(layer.name, layer.kernel)
    y = tf.nn.conv2d(x, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate)
    return numbers.activation(layer.name, layer.activation(tf.nn.bias_add(y, array(layer.bias))))


def _upsample(layer, x, numbers):
    """Apply a transposed convolution as one of stride 1 whose channels then become pixels.

    The same sums, but with operators that XNNPACK has at any size and in 8 bits.
    """
    kernel = array(layer.kernel)  # (size, size, out, in)
    stride = layer.strides[0]
    alone = _is_diagonal(kernel)  # as interpolation is: each class is made of itself
    if alone:
        kernel = np.einsum("hwcc->hwc", kernel)[..., None]
    if layer.padding == "same":
        # Three taps a side: a pixel is made of its own cell and of the one before or after.
        spread, padding = _spread(kernel, stride, 3, stride + (len(kernel) - stride) // 2), "SAME"
    else:
        spread, padding = _spread(kernel, stride, 2, stride), "VALID"
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    if alone:
        spread = numbers.kernel(layer.name, np.moveaxis(spread, 2, 3))
        y = tf.nn.depthwise_conv2d(tf.tile(x, [1, 1, 1, stride**2]), spread, [1] * 4, padding)
    else:
        y = tf.nn.conv2d(x, numbers.kernel(layer.name, spread), 1, padding)
    return tf.nn.depth_to_space(numbers.activation(layer.name, y), stride)


def _is_diagonal(kernel):
    return not kernel[..., ~np.eye(*kernel.shape[2:], dtype=bool)].any()


def _spread(kernel, stride, taps, ahead):
    """Arrange a transposed convolution's kernel by the pixel of a cell that it writes.

    Args:
        kernel: (size, size, out, in).
        stride: pixels of a cell.
        taps: cells that a pixel sees.
        ahead: row of `kernel` by which the first of these cells writes the first pixel.

    Returns:
        (taps, taps, in, stride * stride * out), pixels before classes as `depth_to_space` wants them.
    """
    size, _, filters, channels = kernel.shape
    rows = np.arange(stride)[None] + ahead - stride * np.arange(taps)[:, None]  # (taps, stride)
    inside = (rows >= 0) & (rows < size)
    rows = np.where(inside, rows, 0)
    spread = kernel[rows[:, None, :, None], rows[None, :, None, :]]  # (taps, taps, stride, stride, out, in)
    spread = spread * (inside[:, None, :, None] & inside[None, :, None, :])[..., None, None]
    return np.moveaxis(spread, -1, 2).reshape(taps, taps, channels, stride**2 * filters)


def _pad_to_multiple(x, multiple):
    cells = tf.shape(x[:, ::multiple, ::multiple])  # (N, H / multiple, W / multiple, C), rounded up
    padded = tf.pad(x, [[0, 0], [0, multiple - 1], [0, multiple - 1], [0, 0]])
    return _crop(padded, 0, cells * multiple)


def _crop_like(x, reference, offset):
    """Crop scores (N, H, W, K) or labels (N, H, W) to the size of `reference`.

    The sum of that size and the offset is the size of a padded channel.
    """
    channel = reference[..., :1] if len(x.shape) == 4 else reference[..., 0]
    end = tf.shape(tf.pad(channel, [[0, 0], [offset, 0], [offset, 0], [0, 0]][: len(x.shape)]))
    return _crop(x, offset, end)


def _crop(x, start, end):
    """Cut height and width from `start` to those of `end`, an integer for every axis."""
    every = 0b1001  # of the images and of the channels
    begin = [0, start, start, 0][: len(x.shape)]
    return tf.strided_slice(x, begin, end, [1] * len(begin), begin_mask=every, end_mask=every)


def _pool_ceil(layer, x):
    """Pad by what the last window may lack; what the windows do not reach does not matter.

    With 0, which is as good as the layer's minus infinity after a ReLU, and which 8 bits can hold.
    """
    pads = [[0, stride - 1] for stride in layer.strides]
    return tf.nn.max_pool2d(tf.pad(x, [[0, 0], *pads, [0, 0]]), layer.pool_size, layer.strides, "VALID")
