"""8-bit integers in place of floats: their ranges, and the operators that tell the converter of them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from .graph import Floats, array

LEAST_RANGE = 1e-6  # of a kernel that is all zeros, as of a scoring layer that was not trained


class Integers(Floats):
    """Compute with floats that 8-bit integers can hold: kernels by output channel, activations by layer.

    Args:
        ranges: `{layer: (least, greatest)}` of the activations, as `calibrate` finds them.
    """

    def __init__(self, ranges):
        super().__init__()
        self.ranges = ranges

    def activation(self, name, x, bounds=None):
        least, greatest = self.ranges[name] if bounds is None else bounds
        return tf.quantization.fake_quant_with_min_max_args(x, min(least, 0.0), max(greatest, LEAST_RANGE))

    def kernel(self, name, weights):
        kept = super().kernel(name, weights)
        values = array(weights)
        bound = np.maximum(np.maximum(values.max(axis=(0, 1, 2)), -values.min(axis=(0, 1, 2))), LEAST_RANGE)
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(kept, -bound, bound, narrow_range=True)


def calibrate(model, images):
    """Find the range of every layer's output over images, each at its own size.

    Args:
        model: a network of this package, in float32.
        images: iterable of (H, W, C) uint8 arrays; of dicts of them by input for a model of several.

    Returns:
        `{layer: (least, greatest)}`; `<layer>/sum` is what an average divides.
    """
    ends = {layer.name: ops.stack([ops.min(layer.output), ops.max(layer.output)]) for layer in model.layers}
    probe = keras.Model(model.input, ends)
    probe.jit_compile = False  # or it would be compiled anew for every size
    ranges = {}
    for image in images:
        batch = keras.tree.map_structure(lambda pixels: pixels[None], image)
        for name, (least, greatest) in probe.predict_on_batch(batch).items():
            before = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(before[0], float(least)), max(before[1], float(greatest))
    averages = [layer for layer in model.layers if isinstance(layer, layers.Average)]
    sums = {f"{layer.name}/sum": [len(layer.input) * end for end in ranges[layer.name]] for layer in averages}
    return {**ranges, **sums}
