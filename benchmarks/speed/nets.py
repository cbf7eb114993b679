"""Draw the network that every contender computes, and write it where they read it."""

from pathlib import Path

import keras
import numpy as np

import fcn_keras as fcn
from fcn_keras.datasets.synthetic import Synthetic

CLASSES = 21
SEED = 0
SCORES = 0.01  # of the scoring kernels' He deviation: scores of a few units, labels that change from place to place


def narrowed(width):
    """Return VGG16's table of channels times `width`."""
    blocks, last = fcn.VGG16
    return tuple((max(4, round(width * filters)), count) for filters, count in blocks), max(8, round(width * last))


def build(width, padding="same", **options):
    """Build a fresh FCN-8s; scores are float32."""
    return fcn.FCN8s(CLASSES, padding=padding, channels=narrowed(width), **options)


def drawn(width):
    """Build the one network of the benchmark: He-normal backbone, scoring layers drawn too, the same at every call."""
    keras.utils.set_random_seed(SEED)
    model = build(width)
    generator = np.random.default_rng(SEED)
    for layer in model.layers:
        if layer.name.startswith("score_") and layer.weights:
            kernel, bias = layer.get_weights()
            deviation = SCORES * np.sqrt(2 / kernel.shape[2])
            layer.set_weights([generator.normal(0, deviation, kernel.shape), bias])
    return model


def centre(model):
    """Move the scores so that each class has the mean 0 over an image: or one class has all pixels of a narrow net."""
    scene = Synthetic(1, seed=3, height=128, width=160)[0]["image"]
    scores = fcn.predict(model, scene, output="scores")
    layer = model.get_layer("score_fr")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - scores.mean((0, 1))])


class Nets:
    """Write the network with both paddings as `.keras` files, and its arrays as `.npz` for PyTorch."""

    def __init__(self, width):
        self.model, self.width = drawn(width), width
        centre(self.model)

    def write(self, same, caffe, arrays):
        framed = build(self.width, "caffe")
        fcn.transplant(self.model, framed)
        self.model.save(same)
        framed.save(caffe)
        found = {f"{layer.name}/{i}": w for layer in self.model.layers for i, w in enumerate(layer.get_weights())}
        np.savez(arrays, **found)


def load(path):
    """Read one of the networks, without a compiled loss."""
    return keras.saving.load_model(Path(path), compile=False)


def under(policy, model):
    """Copy a network under a dtype policy of Keras's; its weights stay float32 in the mixed ones."""
    config = model.get_config()
    for layer in config["layers"]:
        if layer["class_name"] not in ("InputLayer", "Preprocess") and layer["name"] != "score":
            layer["config"]["dtype"] = policy
    copy = type(model).from_config(config)
    copy.set_weights(model.get_weights())
    return copy


class Operations:
    """Count a network's nominal operations."""

    def __init__(self, path):
        self.model = load(path)

    def count(self, height, width):
        return operations(self.model, height, width)


def operations(model, height, width):
    """Count the operations of one forward pass from the layers' shapes, two for every multiply-add.

    Convolutions and transposed convolutions only, as if every kernel were dense and every pixel computed.

    Returns:
        int.
    """
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    convolutions = [layer for layer in model.layers if isinstance(layer, kinds)]
    taps = {layer.name: [layer.input, layer.output] for layer in convolutions}
    shapes = keras.Model(model.input, taps).compute_output_spec(keras.KerasTensor((1, height, width, 3)))
    total = 0
    for layer in convolutions:
        before, after = shapes[layer.name]
        # A transposed convolution multiplies its kernel by every input pixel, a convolution for every output pixel.
        pixels = before.shape if isinstance(layer, keras.layers.Conv2DTranspose) else after.shape
        total += 2 * int(np.prod(layer.kernel.shape)) * pixels[1] * pixels[2]
    return total
