"""Bounds hold for what networks compute, and are tight enough for networks of full width."""

import keras
import numpy as np
import pytest

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference.bounds import LIMIT, Norm, is_bounded, is_sure, norm_of_channels, norm_of_sizes
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import NARROWEST, randomize

NETS = {
    "8s": lambda: FCN8s(3, channels=NARROWEST),
    "8s caffe": lambda: FCN8s(3, channels=NARROWEST, padding="caffe"),
    "16s rgbd at once": lambda: FCN16s(3, channels=NARROWEST, modality="rgbd", at_once=True, skip_channels=(5, 4)),
    "32s hha": lambda: FCN32s({"a": 3, "b": 2}, channels=NARROWEST, modality="hha"),
    "late fusion": lambda: LateFusion(3, channels=NARROWEST, skips=1),
    "alexnet": lambda: FCNAlexNet(3, channels=((4, 6, 6, 6, 4), 8)),
}


def run_of(net):
    return [x for x in net.layers if not isinstance(x, keras.layers.InputLayer)]


def sizes_of(net):
    return {x.name: float(np.sqrt(sum(np.square(np.asarray(w)).sum() for w in x.weights))) for x in run_of(net)}


def bounds_of(net, norm):
    """Note what is said of every convolution, by its name."""
    found = {}

    def convolved(layer, bound):
        found[layer.name] = norm.convolved(layer, bound)
        return found[layer.name]

    assert is_bounded(run_of(net), keras.tree.flatten(net.input), Norm(norm.of, norm.pooled, convolved))
    return found


def values_of(net):
    """Compute what every convolution gives, of drawn images of black, white and noise."""
    generator = np.random.default_rng(0)
    images = keras.tree.map_structure(
        lambda x: generator.choice([0.0, 90.0, 255.0], (2, 70, 50, x.shape[-1])).astype("float32"), net.input
    )
    layers = [x for x in run_of(net) if x.name in sizes_of(net) and x.weights]
    return dict(zip((x.name for x in layers), keras.Model(net.input, [x.output for x in layers])(images), strict=True))


@pytest.mark.parametrize("name", NETS)
def test_nothing_is_larger_than_its_bound(name):
    net = randomize(NETS[name]())
    assert is_sure(net)
    by_channel, by_size = bounds_of(net, norm_of_channels()), bounds_of(net, norm_of_sizes(sizes_of(net), {}))
    for layer, values in values_of(net).items():
        values = np.asarray(values)
        low, high = by_channel[layer]
        assert (low - 1e-3 <= values.min(axis=(0, 1, 2))).all()
        assert (values.max(axis=(0, 1, 2)) <= high + 1e-3).all()
        assert np.linalg.norm(values, axis=-1).max() <= by_size[layer]


def test_a_bound_by_channels_is_one_that_an_image_reaches():
    """One convolution on pixels of either sign: by the pixels that its weights ask for."""
    image = keras.Input((None, None, 2))
    net = keras.Model(image, keras.layers.Conv2D(1, 1, name="only")(image))
    net.get_layer("only").set_weights([np.array([3.0, -5.0]).reshape(1, 1, 2, 1), np.array([-1.0])])
    low, high = bounds_of(net, norm_of_channels())["only"]
    assert (low[0], high[0]) == (-(3 + 5) * 255 - 1, (3 + 5) * 255)


def test_weights_that_are_too_large_or_none_have_no_bound():
    for value in (1e37, np.nan, np.inf):
        net = randomize(FCN32s(3, channels=NARROWEST))
        net.get_layer("conv3_1").bias.assign(np.full(6, value))
        for norm in (norm_of_channels(), norm_of_sizes(sizes_of(net), {})):
            assert not is_bounded(run_of(net), net.inputs, norm)
        assert not is_sure(net)
    assert np.finfo(np.float32).max / 2**15 > LIMIT


def test_unknown_layers_and_float16_have_no_bound():
    image = keras.Input((None, None, 3))
    for layer in (
        keras.layers.GroupNormalization(1),
        keras.layers.Conv2D(2, 1, activation="gelu"),
        keras.layers.Conv2D(2, 1, dtype="mixed_float16"),
    ):
        net = keras.Model(image, layer(image))
        assert not is_bounded(run_of(net), net.inputs, norm_of_channels())
