"""The optimizers against their updates written out in float64 numpy."""

import keras
import numpy as np
import pytest

from fcn_keras.optimizers import SGDW, AdamW, CaffeSGD


def step_by_hand(w, v, g, rate, momentum, decay):
    v = momentum * v - rate * (g + decay * w)
    return w + v, v


def test_weights_decay_through_momentum_and_biases_learn_twice_as_fast():
    layer = keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=0))
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


def net():
    """Two layers that learn and one that upsamples, with their names."""
    layers = [
        keras.layers.Dense(2, name="conv1"),
        keras.layers.Dense(2, name="conv12"),
        keras.layers.Dense(2, use_bias=False, name="upscore2"),
    ]
    model = keras.Sequential([keras.Input((2,)), *layers])
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def gradients(model, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=w.shape) for w in model.trainable_variables]


def learn(model, optimizer, seeds):
    for seed in seeds:
        given = [keras.ops.convert_to_tensor(g, "float32") for g in gradients(model, seed)]
        optimizer.apply(given, model.trainable_variables)


def adam_by_hand(w, m, v, g, step, rate):
    """Algorithm 1 of Kingma and Ba, as Keras has it: epsilon beside the root of the biased second moment."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * m / (np.sqrt(v) + 1e-7), m, v


FACTORS = {"conv1/kernel": 0.1, "conv1/bias": 0.1, "conv12/kernel": 0.5, "conv12/bias": 0.5, "upscore2/kernel": 1.0}
DECAYS = {"conv1/kernel", "conv12/kernel"}


@pytest.mark.parametrize("seeds", [range(1), range(6)])
def test_adamw_decays_kernels_alone_and_learns_by_layer(seeds):
    model = net()
    expected = {w.path.split("/", 1)[-1] if w.path.count("/") > 1 else w.path: w for w in model.trainable_variables}
    assert set(expected) == set(FACTORS)
    hand = {path: np.asarray(w, "float64") for path, w in expected.items()}
    moments = {path: (np.zeros_like(w), np.zeros_like(w)) for path, w in hand.items()}
    for seed in seeds:
        for path, gradient in zip(FACTORS, gradients(model, seed), strict=True):
            rate = 0.01 * FACTORS[path]
            decayed = hand[path] * (1 - rate * 0.2) if path in DECAYS else hand[path]
            hand[path], *moments[path] = adam_by_hand(decayed, *moments[path], gradient, seed + 1, rate)
    learn(model, AdamW(0.01, weight_decay=0.2, rate_factors={"conv1": 0.1, "conv12": 0.5}), seeds)
    for path, w in expected.items():
        np.testing.assert_allclose(np.asarray(w), hand[path], rtol=2e-5, atol=1e-7, err_msg=path)


def test_sgdw_decays_beside_the_momentum():
    model = net()
    kernel, bias = (np.asarray(w, "float64") for w in model.trainable_variables[:2])
    v_kernel, v_bias = np.zeros_like(kernel), np.zeros_like(bias)
    for seed in range(4):
        of_kernel, of_bias = gradients(model, seed)[:2]
        v_kernel, v_bias = 0.5 * v_kernel - 0.1 * of_kernel, 0.5 * v_bias - 0.1 * of_bias
        kernel, bias = kernel * (1 - 0.1 * 0.2) + v_kernel, bias + v_bias
    learn(model, SGDW(0.1, momentum=0.5, weight_decay=0.2), range(4))
    np.testing.assert_allclose(np.asarray(model.trainable_variables[0]), kernel, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(model.trainable_variables[1]), bias, rtol=1e-5)


def test_without_decay_and_factors_it_is_adam():
    ours, theirs = net(), net()
    learn(ours, AdamW(0.01, weight_decay=0.0), range(3))
    learn(theirs, keras.optimizers.Adam(0.01), range(3))
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_decay_waits_for_the_update_of_accumulated_gradients():
    model = net()
    optimizer = AdamW(0.01, weight_decay=0.2, gradient_accumulation_steps=2)
    start = model.get_weights()
    learn(model, optimizer, [0])
    for before, after in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    once = net()
    both = [(a + b) / 2 for a, b in zip(gradients(once, 0), gradients(once, 1), strict=True)]
    AdamW(0.01, weight_decay=0.2).apply([keras.ops.convert_to_tensor(g, "float32") for g in both], once.weights)
    learn(model, optimizer, [1])
    for mine, other in zip(model.get_weights(), once.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


@pytest.mark.parametrize("optimizer", [AdamW, SGDW])
def test_a_saved_optimizer_goes_on_with_its_decay_factors_and_average(optimizer, tmp_path):
    """In the middle of training, saved and read again: the same bits as if it had gone on."""
    model = net()
    options = {"weight_decay": 0.2, "rate_factors": {"conv1": 0.1}, "global_clipnorm": 0.5, "use_ema": True}
    model.compile(optimizer(0.01, **options), "mse")
    learn(model, model.optimizer, range(3))
    model.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, again):
        learn(each, each.optimizer, range(3, 5))
    held, read = ([*each.weights, *each.optimizer.variables] for each in (model, again))
    assert len(held) == len(read)
    for mine, other in zip(read, held, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


@pytest.mark.parametrize("optimizer", [AdamW, SGDW])
@pytest.mark.parametrize(
    "options", [{"weight_decay": -1}, {"weight_decay": float("nan")}, {"rate_factors": {"conv1": float("inf")}}]
)
def test_decays_and_factors_out_of_range(optimizer, options):
    with pytest.raises(ValueError, match=r"are finite, from 0 on\. Received: (weight_decay|conv1)="):
        optimizer(1e-3, **options)
