import keras
import numpy as np
import pytest

from fcn_keras.finite import broken_layers, require_finite, require_finite_arrays


def network(dtype="float32", count=2):
    layers = [keras.layers.Dense(3, name=f"fc{i}", dtype=dtype) for i in range(count)]
    return keras.Sequential([keras.Input((3,)), *layers])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_layers_with_other_weights_than_numbers(value):
    model = network()
    require_finite(model, "net.keras")
    model.get_layer("fc1").bias.assign([0, value, 0])
    assert broken_layers(model) == ["fc1"]
    with pytest.raises(ValueError, match=r"NaN or infinity in layer fc1 of net\.keras\. Its training diverged"):
        require_finite(model, "net.keras")


def test_infinities_that_cancel_in_a_sum():
    model = network()
    model.get_layer("fc0").bias.assign([np.inf, -np.inf, 0])
    assert broken_layers(model) == ["fc0"]


@pytest.mark.parametrize(("dtype", "large"), [("float16", 6e4), ("bfloat16", 3e38), ("float32", 3e38)])
def test_sums_that_overflow_are_of_numbers(dtype, large):
    model = network(dtype)
    model.get_layer("fc0").bias.assign([large] * 3)
    assert broken_layers(model) == []
    model.get_layer("fc0").bias.assign([large, large, np.inf])
    assert broken_layers(model) == ["fc0"]


def test_many_broken_layers_are_counted():
    model = network(count=7)
    model.set_weights([np.full(x.shape, np.nan) for x in model.weights])
    with pytest.raises(ValueError, match="in layers fc0, fc1, fc2, fc3, fc4 and 2 more of the net"):
        require_finite(model, "the net")


def test_arrays_of_files():
    whole = [("conv1", [np.full((2, 3), 3e38, np.float32), np.zeros(0)]), ("fc7", [np.ones(3, np.float16)])]
    require_finite_arrays(whole, "a.h5")
    with pytest.raises(ValueError, match=r"in layer fc8 of a\.h5"):
        require_finite_arrays([*whole, ("fc8", [np.ones(2), np.array([1, np.nan])])], "a.h5")


def test_layers_of_nested_models_and_the_optimizers_state():
    inner = network()
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.BatchNormalization(name="norm")])
    inner.get_layer("fc1").kernel.assign(np.full((3, 3), np.inf))
    model.get_layer("norm").moving_variance.assign([1, np.nan, 1])
    assert broken_layers(model) == [f"{inner.name}/fc1", "norm"]
    model = network()
    model.compile(keras.optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)
    require_finite(model, "last.keras")
    model.optimizer.variables[-1].assign([0, np.nan, 0])
    with pytest.raises(ValueError, match=r"in the Adam of last\.keras\. Its training diverged"):
        require_finite(model, "last.keras")
