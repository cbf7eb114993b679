"""One compiled model for all images, freed with its network; scores that are no numbers are refused."""

import gc
import weakref

import keras
import numpy as np
import pytest

from fcn_keras.inference import overflow, parts, predict, predict_tiled
from fcn_keras.inference.overflow import watch_of
from fcn_keras.models import FCN8s, FCN32s
from fcn_keras.scaled_inference import predict_scaled
from fcn_keras.tta import predict_augmented
from tests.fcn_keras.inference.small_nets import NARROW, NARROWEST, picture, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


def test_new_weights_are_seen_and_one_model_is_compiled_for_all_calls(net):
    image = picture(33, 40)
    before = predict(net, image)
    randomize(net, seed=1)
    after = predict(net, image)
    assert (before != after).any()
    randomize(net, seed=0)
    np.testing.assert_array_equal(predict(net, image), before)
    (part,) = [part for (kind, *_), part in parts._parts[net].items() if kind == "all"]
    assert not part.jit_compile


def test_a_dropped_model_is_freed():
    net = FCN32s(2, channels=NARROW)
    predict(net, picture(8, 8))
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


def grown(layer, factor, name="kernel"):
    variable = getattr(layer, name)
    variable.assign(np.asarray(variable, np.float64) * factor)


def largest(layer):
    """Let a layer's weights be as large as float32 holds."""
    grown(layer, 3e38 / float(np.abs(np.asarray(layer.kernel)).max()))


WAYS = {
    "one pass": predict,
    "stages": lambda net, image: predict(net, image, memory=0.05),
    "scores": lambda net, image: predict(net, image, output="scores"),
    "tiles": lambda net, image: predict_tiled(net, image, tile=64),
    "copies": predict_augmented,
    "copies in stages": lambda net, image: predict_augmented(net, image, memory=0.05),
    "scaled": lambda net, image: predict_scaled(net, image, scale=0.5),
}


@pytest.mark.parametrize("layer", ["conv1_1", "conv5_1", "fc6", "score_fr", "upscore"])
def test_sums_that_overflow_are_refused(layer):
    net = randomize(FCN32s(3, channels=NARROWEST))
    largest(net.get_layer(layer))
    with pytest.raises(ValueError, match=rf"Received: sums of {layer} that leave float32, of fcn32s: its weights are"):
        predict(net, picture(70, 90))


@pytest.fixture(scope="module")
def overflowing():
    net = randomize(FCN32s(3, channels=NARROWEST))
    largest(net.get_layer("conv3_1"))
    return net


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_look_for_what_overflows(overflowing, way):
    with pytest.raises(ValueError, match="sums of conv3_1 that leave float32"):
        WAYS[way](overflowing, picture(70, 90))


@pytest.mark.parametrize("way", ["one pass", "stages"])
def test_large_sums_that_are_numbers_give_what_they_give(way):
    """No number shows that they are: all sums are looked at."""
    net, image = randomize(FCN32s(3, channels=NARROWEST)), picture(70, 90)
    for layer in net.layers:
        if hasattr(layer, "bias") and layer.bias is not None:
            layer.bias.assign(layer.bias * 0)
    expected = WAYS[way](net, image)
    grown(net.get_layer("conv5_1"), 1e30)
    grown(net.get_layer("score_fr"), 1e-30)
    assert not watch_of(net).accepts(watch_of(net).weigh(), 0.0)
    assert (WAYS[way](net, image) != expected).mean() < 0.01


def test_new_weights_are_weighed_anew():
    net, image = randomize(FCN32s(3, channels=NARROWEST)), picture(40, 50)
    expected = predict(net, image)
    for _ in range(2):
        grown(net.get_layer("conv2_1"), 2.0**126)
        with pytest.raises(ValueError, match="sums of conv2_1"):
            predict(net, image)
        grown(net.get_layer("conv2_1"), 2.0**-126)
        np.testing.assert_array_equal(predict(net, image), expected)
        assert not watch_of(net).is_doubtful


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_weights_are_named(value):
    net = randomize(FCN32s(3, channels=NARROWEST))
    net.get_layer("fc6").kernel.assign(np.full(net.get_layer("fc6").kernel.shape, value))
    with pytest.raises(ValueError, match=r"Weights must be finite. Received: NaN or infinity in layer fc6 of fcn32s"):
        predict(net, picture(40, 50))


@pytest.mark.parametrize("factor", [3e37, 1e20])
def test_large_layers_are_looked_at(monkeypatch, factor):
    """As fc6 and fc7 of full width, which are not weighed."""
    monkeypatch.setattr(overflow, "LARGEST_WEIGHED", 400)
    net, image = randomize(FCN8s(3, channels=NARROWEST)), picture(70, 90)
    assert watch_of(net).observed >= {"fc6", "conv5_1"}
    expected = predict(net, image, output="scores")
    for way in ("one pass", "stages"):
        WAYS[way](net, image)
    assert not watch_of(net).is_doubtful
    grown(net.get_layer("fc6"), factor)
    grown(net.get_layer("fc6"), factor, "bias")
    for way in ("one pass", "stages"):
        if factor > 1e30:
            with pytest.raises(ValueError, match="sums of fc"):
                WAYS[way](net, image)
        else:
            WAYS[way](net, image)
    if factor < 1e30:
        grown(net.get_layer("fc7"), 1 / factor)
        np.testing.assert_allclose(predict(net, image, output="scores"), expected, rtol=1e-3, atol=1e-4)


def test_half_precision_overflows_sooner():
    net = randomize(FCN32s(3, channels=NARROWEST, name="half"))
    config = net.get_config()
    for layer in config["layers"]:
        layer["config"]["dtype"] = "mixed_float16" if layer["name"].startswith(("conv", "fc")) else "float32"
    half = keras.Model.from_config(config)
    half.set_weights(net.get_weights())
    predict(half, picture(40, 50))
    grown(half.get_layer("conv3_1"), 1e5)
    with pytest.raises(ValueError, match=r"sums of conv3_1 that leave float16, of half: .* Take float32"):
        predict(half, picture(40, 50))


def test_layers_of_others_and_layers_that_are_used_twice_are_looked_at():
    image = keras.Input((None, None, 3))
    twice = keras.layers.Conv2D(3, 3, padding="same", name="twice")
    x = keras.layers.BatchNormalization(name="norm")(twice(twice(image)))
    shared = keras.Model(image, x, name="shared")
    once = keras.Model(image, keras.layers.BatchNormalization(name="norm")(image), name="once")
    for net, named in ((shared, "sums"), (once, "sums of norm")):
        assert predict(net, picture(9, 8)).shape == (9, 8)
        np.testing.assert_array_equal(
            predict(net, picture(9, 8), output="scores").argmax(-1), predict(net, picture(9, 8))
        )
        net.get_layer("norm").gamma.assign([1e38, 1, 1])
        with pytest.raises(ValueError, match=f"Received: {named} that leave float32"):
            predict(net, picture(9, 8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused(value):
    image = np.zeros((8, 9, 4), np.float32)
    image[3, 4, 3] = value
    with pytest.raises(ValueError, match=r"`image` must hold finite depths\. Received: NaN or infinity\. Write 0"):
        predict(FCN32s(2, channels=NARROWEST, modality="rgbd"), image)
    image = image[..., 1:]
    with pytest.raises(ValueError, match="`image` must hold 0-255"):
        predict(FCN32s(2, channels=NARROWEST), image)
