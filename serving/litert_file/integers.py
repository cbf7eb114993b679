"""8-bit integers in place of floats: their ranges, and the operators that tell the converter of them."""

import numpy as np
import tensorflow as tf

from .graph import Floats, apply

LEAST_RANGE = 1e-6  # of a kernel that is all zeros, as of a scoring layer that was not trained


class Observed(Floats):
    """Compute with floats, and note the least and greatest of every layer's output."""

    def __init__(self):
        self.extremes = {}

    def activation(self, name, x, bounds=None):
        if bounds is None:
            self.extremes[name] = tf.stack([tf.reduce_min(x), tf.reduce_max(x)])
        return x


class Integers(Floats):
    """Compute with floats that 8-bit integers can hold: kernels by output channel, activations by layer.

    Args:
        ranges: `{layer: (least, greatest)}` of the activations, as `observe` finds them.
    """

    def __init__(self, ranges):
        self.ranges = ranges

    def activation(self, name, x, bounds=None):
        least, greatest = self.ranges[name] if bounds is None else bounds
        return tf.quantization.fake_quant_with_min_max_args(x, min(least, 0.0), max(greatest, LEAST_RANGE))

    def kernel(self, x):
        bound = np.maximum(np.abs(x).max(axis=(0, 1, 2)), LEAST_RANGE)
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(x, -bound, bound, narrow_range=True)


def observe(model, images):
    """Find the range of every layer's output over images, each at its own size.

    Args:
        model: a network of this package, in float32, of inputs of whole numbers 0-255.
        images: iterable of (H, W, C) uint8 arrays; of dicts of them by input for a model of several.

    Returns:
        `{layer: (least, greatest)}`.
    """
    inputs = model.input if isinstance(model.input, dict) else {"image": model.input}
    specs = [tf.TensorSpec([1, None, None, x.shape[-1]], tf.float32, name) for name, x in inputs.items()]

    @tf.function(input_signature=specs)
    def extremes(*batches):
        observed = Observed()
        apply(model, dict(zip(inputs, batches, strict=True)), observed)
        return observed.extremes

    found = {}
    for image in images:
        named = image if isinstance(image, dict) else {"image": image}
        batches = [tf.constant(named[name][None], tf.float32) for name in inputs]
        for name, (least, greatest) in extremes(*batches).items():
            before = found.get(name, (np.inf, -np.inf))
            found[name] = min(before[0], float(least)), max(before[1], float(greatest))
    return found
