"""Divide a network's scores by a temperature, so that its probabilities can be believed."""

import keras
from keras import layers

from fcn_keras.calibration import require_temperature
from fcn_keras.layers import CropLike

_CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose)
_LINEAR = (CropLike, layers.Average, layers.Add, layers.Dropout)


def apply_temperature(model: keras.Model, temperature: float) -> None:
    """Divide the scores of a network by a temperature, for good: the weights of its last convolutions are divided.

    Labels stay as they are, up to ties; probabilities, confidence and entropy change. Whatever is made of the network
    afterwards has the temperature in it.

    Args:
        model: a network of this package, or any functional model whose outputs are sums of convolutions. Its weights
            change.
        temperature: above 1 for less sure, below 1 for surer. `fcn_keras.calibration.fit_temperature` finds one.

    Raises:
        ValueError: if `temperature` is no number from 0.001 to 1000, or the scores come out of another layer.
    """
    require_temperature(temperature)
    last: dict[int, keras.Layer] = {}
    for output in keras.tree.flatten(model.output):
        last |= _last_convolutions(model, output)
    for layer in last.values():
        for variable in layer.weights:
            variable.assign(variable / temperature)


def _last_convolutions(model: keras.Model, output: keras.KerasTensor) -> dict[int, keras.Layer]:
    """Find the convolutions whose results an output is the sum of, by their `id`."""
    made_by = {id(x): layer for layer in model.layers for x in keras.tree.flatten(layer.output)}
    found, left = {}, [output]
    while left:
        layer = made_by[id(left.pop())]
        if isinstance(layer, CropLike):
            left.append(keras.tree.flatten(layer.input)[0])  # the other says the size
        elif isinstance(layer, _LINEAR):
            left += keras.tree.flatten(layer.input)
        elif isinstance(layer, _CONVOLUTIONS) and layer.activation is keras.activations.linear:
            found[id(layer)] = layer
        else:
            raise ValueError(
                "A temperature divides the weights of the convolutions that scores are sums of. "
                f"Received: {model.name}, whose scores come out of {layer.name}, a {type(layer).__name__}."
            )
    return found
