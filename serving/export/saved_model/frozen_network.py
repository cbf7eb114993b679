"""A model made ready to serve: float32, its weights constants where that helps. Importing this imports TensorFlow."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from fcn_keras.inference import label_of
from fcn_keras.interface import class_counts, heads_of, in_float32, inputs_of
from fcn_keras.layers import Preprocess

from ..tensors import LARGEST_CONSTANT


class Network(NamedTuple):
    """A model with named inputs and outputs; an only head is named `""`."""

    channels: dict[str, int]  # of every input
    classes: dict[str, int]  # of every head
    scores: Callable  # (N, H, W, C) float32 images in the order of `channels` -> {head: (N, H, W, K)}
    hha: frozenset[str] = frozenset()  # inputs whose channels are no colours

    @property
    def is_rgbd(self):
        return 4 in self.channels.values()

    def colours(self, name):
        """Return how many of an input's channels are colours: the first ones."""
        return 0 if name in self.hha else 3

    def labels(self, images):
        pixels = [tf.cast(image, tf.float32) for image in images]
        return {head: label_of(scores) for head, scores in self.scores(*pixels).items()}

    def specs(self, dtype):
        """Describe a batch of every input."""
        return batch_specs(self.channels, dtype)


def batch_specs(channels, dtype):
    return [tf.TensorSpec([None, None, None, count], dtype, name) for name, count in channels.items()]


def freeze(model):
    """Make the one function that every signature calls.

    Weights become constants of that function, which oneDNN rearranges once instead of at every call. Kernels above
    `LARGEST_CONSTANT` stay variables: those of fc6 and fc7 hold nine tenths of the bytes and are read as they are (see
    `MatrixConv2D`), so they gain no time as constants, but a graph of 538 MB of constants takes 12 GB of memory and a
    minute to its first answer (benchmarks/freezing.py).

    Args:
        model: as `fcn_keras.models` makes them, under any dtype policy.

    Returns:
        `Network`, and a list of the `tf.Variable`s that it reads.
    """
    model = in_float32(model)
    inputs = inputs_of(model)
    channels = {name: x.shape[-1] for name, x in inputs.items()}
    frozen, kept = [], []
    for variable in model.variables:
        if math.prod(variable.shape) <= LARGEST_CONSTANT:
            frozen.append((variable, variable.numpy()))
        else:
            kept.append(variable.value)

    @tf.function(input_signature=batch_specs(channels, tf.float32), autograph=False)
    def scores(*images):
        batch = dict(zip(inputs, images, strict=True)) if isinstance(model.input, dict) else images[0]
        with keras.StatelessScope(state_mapping=[(variable, tf.constant(value)) for variable, value in frozen]):
            scored = model(batch, training=False)
        return heads_of(scored)

    hha = {id(layer.input) for layer in model.layers if isinstance(layer, Preprocess) and layer.modality == "hha"}
    return Network(channels, class_counts(model), scores, frozenset(n for n, x in inputs.items() if id(x) in hha)), kept
