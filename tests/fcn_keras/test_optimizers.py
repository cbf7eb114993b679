"""CaffeSGD against its update written out in float64 numpy."""

import keras
import numpy as np
import pytest

from fcn_keras.optimizers import CaffeSGD


def step_by_hand(w, v, g, rate, momentum, decay):
    v = momentum * v - rate * (g + decay * w)
    return w + v, v


def test_weights_decay_through_momentum_and_biases_learn_twice_as_fast():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    optimizer = CaffeSGD(0.1, momentum=0.9, weight_decay=0.5)
    kernel, bias = (np.asarray(w, "float64") for w in layer.get_weights())
    v_kernel, v_bias = np.zeros_like(kernel), np.zeros_like(bias)
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = [rng.normal(size=(3, 2)), rng.normal(size=2)]
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients], layer.trainable_variables)
        kernel, v_kernel = step_by_hand(kernel, v_kernel, gradients[0], 0.1, 0.9, 0.5)
        bias, v_bias = step_by_hand(bias, v_bias, gradients[1], 0.2, 0.9, 0.0)
    np.testing.assert_allclose(layer.get_weights()[0], kernel, rtol=1e-5)
    np.testing.assert_allclose(layer.get_weights()[1], bias, rtol=1e-5)


def test_differs_from_decoupled_decay():
    """Keras's own weight decay would leave the momentum alone: with no gradient, its second step is no larger."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    layer.build((None, 1))
    optimizer = CaffeSGD(0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.apply([keras.ops.zeros((1, 1))], layer.trainable_variables)
    # v1 = -.01, w1 = .99; v2 = -.009 - .0099
    assert float(layer.get_weights()[0][0, 0]) == pytest.approx(0.99 - 0.0189, rel=1e-6)


def test_schedules_and_accumulation():
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    layer.build((None, 1))
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 10.0])
    optimizer = CaffeSGD(rate, momentum=0.0, weight_decay=0.0, gradient_accumulation_steps=2)
    for gradient in (1.0, 3.0):
        optimizer.apply([keras.ops.full((1, 1), gradient)], layer.trainable_variables)
    # Caffe's iter_size: the mean of the accumulated gradients.
    assert abs(float(layer.get_weights()[0][0, 0])) in (2.0, 20.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1}, r"`momentum` is at least 0 and below 1. Received: 1"),
        ({"weight_decay": -1}, "not negative. Received: -1"),
        ({"bias_multiplier": -1}, "not negative"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        CaffeSGD(1e-3, **options)


def test_config_round_trip():
    optimizer = CaffeSGD(1e-3, momentum=0.99, weight_decay=1e-3, bias_multiplier=1.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert again.weight_decay is None  # the base class must not decay a second time
