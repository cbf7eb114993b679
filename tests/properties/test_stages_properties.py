"""Stages give the whole image's result, for random nets, image sizes and budgets."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.inference import predict
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from tests.properties.test_tiling_properties import GATE, NARROWEST, dilated, strided

tf = pytest.importorskip("tensorflow")
OPTIONS = {"channels": NARROWEST}
NETS = {
    "dilated": lambda: dilated()[0],
    "stride 2": lambda: strided(1, skip=False)[0],
    "stride 8 with a skip": lambda: strided(3, skip=True)[0],
    "FCN-32s": lambda: FCN32s(4, padding="caffe", **OPTIONS),
    "FCN-16s": lambda: FCN16s({"": 4, "more": 3}, fc6_kernel=3, skip_channels=(3, 2), **OPTIONS),
    "FCN-8s": lambda: FCN8s(4, **OPTIONS),
    "FCN-8s caffe": lambda: FCN8s(4, padding="caffe", at_once=True, **OPTIONS),
    "late fusion": lambda: LateFusion(4, skips=1, **OPTIONS),
    "AlexNet": lambda: FCNAlexNet(4, channels=((4, 6, 6, 6, 6), 8)),
}
SMALL = ["dilated", "stride 2", "stride 8 with a skip"]


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Graphs of all stages take longer to build than these images to compute."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@cache
def network(name):
    net = NETS[name]()
    generator = np.random.default_rng(0)
    for variable in net.trainable_variables:
        fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 9
        variable.assign(generator.normal(0, np.sqrt(2 / fan_in), variable.shape))
    return net


def check(name, height, width, memory, seed):
    net = network(name)
    generator = np.random.default_rng(seed)
    images = keras.tree.map_structure(
        lambda x: generator.integers(0, 256, (height, width, 3), dtype=np.uint8), net.input
    )
    scores = predict(net, images, output="scores", memory=float("inf"))
    staged = predict(net, images, output="scores", memory=memory)
    labels = predict(net, images, memory=memory)
    for one, other, label in zip(*map(keras.tree.flatten, (scores, staged, labels)), strict=True):
        bound = 1e-5 * np.abs(one).max()
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=bound)
        best = np.sort(one, -1)
        clear = best[..., -1] - best[..., -2] > 2 * bound  # elsewhere rounding decides
        np.testing.assert_array_equal(label[clear], one.argmax(-1)[clear])
        assert clear.mean() > 0.9 or clear.size < 20


@settings(GATE, max_examples=12)
@given(st.sampled_from(SMALL), st.integers(1, 70), st.integers(1, 70), st.floats(0.004, 0.3), st.integers(0, 99))
def test_small_nets(name, height, width, memory, seed):
    check(name, height, width, memory, seed)


@settings(GATE, max_examples=6)
@given(
    st.sampled_from(sorted(set(NETS) - set(SMALL))),
    st.integers(1, 60),
    st.integers(90, 240),
    st.floats(0.2, 2),
    st.booleans(),
)
def test_the_networks(name, short, long, memory, upright):
    check(name, *((long, short) if upright else (short, long)), memory, seed=long)
