"""Averaged weights of a small net; whole runs are in workdir/test_survival_with_options.py and test_devices.py."""

import keras
import numpy as np
import pytest

from fcn_keras.models import FCN16s, LateFusion
from fcn_keras.optimizers import AdamW
from tests.training.small_run import TINY
from training.train.averaging import KeepRaw, averaged_weights, uncompiled


def net(optimizer=None):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(3, trainable=False), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(optimizer or AdamW(0.1, use_ema=True, ema_momentum=0.75), "mse", run_eagerly=True)
    return model


def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 2)), rng.normal(size=(4, 2))


def test_the_average_takes_the_place_of_what_learns_alone():
    model = net()
    model.train_on_batch(*batch())
    first = model.get_weights()
    for mine, other in zip(averaged_weights(model), first, strict=True):
        np.testing.assert_array_equal(mine, other)  # of one batch
    model.train_on_batch(*batch())
    second = model.get_weights()
    learns = [any(weight is x for x in model.trainable_variables) for weight in model.weights]
    assert sorted(learns) == [False] * 4 + [True] * 4
    for mine, one, two, averaged in zip(averaged_weights(model), first, second, learns, strict=True):
        np.testing.assert_allclose(mine, 0.75 * one + 0.25 * two if averaged else two, rtol=1e-6)


def test_the_loss_scale_of_float16_hides_nothing():
    model = net(keras.optimizers.LossScaleOptimizer(AdamW(0.1, use_ema=True), initial_scale=1.0))
    model.train_on_batch(*batch())
    for mine, other in zip(averaged_weights(model), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_optimizer_that_averages_nothing():
    with pytest.raises(ValueError, match="AdamW keeps no average: it was made without `use_ema`"):
        averaged_weights(net(AdamW(0.1)))


@pytest.mark.parametrize("kept", [False, True])
def test_fit_leaves_the_raw_weights(kept):
    """Keras by itself leaves the averaged ones: two calls of `fit` are then another training than one."""
    once, twice = net(), net()
    once.fit(*batch(), epochs=3, verbose=0, callbacks=[KeepRaw()])
    for first, last in ((0, 2), (2, 3)):
        twice.fit(*batch(), initial_epoch=first, epochs=last, verbose=0, callbacks=[KeepRaw()] if kept else [])
    same = [np.array_equal(a, b) for a, b in zip(once.get_weights(), twice.get_weights(), strict=True)]
    assert all(same) == kept


@pytest.mark.parametrize("build", [FCN16s, LateFusion])
def test_an_uncompiled_model_is_the_same_net_and_shares_its_weights(build, tmp_path):
    model = build(3, channels=TINY)
    model.compile("adam", "mse")
    bare = uncompiled(model)
    assert not bare.compiled
    assert bare.get_config() == model.get_config()
    assert all(mine is other for mine, other in zip(bare.weights, model.weights, strict=True))
    bare.save(tmp_path / "bare.keras")
    again = keras.saving.load_model(tmp_path / "bare.keras")
    for mine, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
