"""Winograd's convolution, beside one of float64, alone and within a network."""

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from fcn_keras.inference import parts, winograd
from fcn_keras.inference.predicting import predict
from fcn_keras.models import FCN32s
from tests.fcn_keras.inference.small_nets import WIDE, picture, randomize


def convolved(x, kernel, padding):
    """Sum up windows in float64."""
    pad = 1 if padding == "same" else 0
    x = np.pad(x.astype(np.float64), [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    windows = sliding_window_view(x, (3, 3), axis=(1, 2))  # (B, H, W, C, 3, 3)
    return np.einsum("bhwcij,ijck->bhwk", windows, kernel.astype(np.float64))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(2, 13, 22), (1, 4, 4), (1, 3, 5), (1, 16, 3)])
def test_sums_are_those_of_a_plain_convolution(shape, padding):
    rng = np.random.default_rng(sum(shape))
    x = rng.normal(size=(*shape, 8)).astype(np.float32)
    kernel, bias = rng.normal(size=(3, 3, 8, 6)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    expected = convolved(x, kernel, padding)
    for given, more in ((bias, bias), (None, 0)):
        found = keras.ops.convert_to_numpy(winograd.convolve(x, kernel, given, padding))
        np.testing.assert_allclose(found, expected + more, rtol=0, atol=4e-6 * np.abs(expected).max())


def test_which_layers_it_is_for():
    def answer(channels=128, filters=256, size=3, **options):
        layer = keras.layers.Conv2D(filters, size, **options)
        layer.build((None, None, None, channels))
        return winograd.can_be_used(layer)

    is_tensorflow = keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")
    assert answer() is answer(padding="same") is answer(512, 512) is is_tensorflow
    others = ({"strides": 2}, {"dilation_rate": 2}, {"groups": 2}, {"size": 1}, {"size": 5}, {"dtype": "bfloat16"})
    assert not any(answer(**options) for options in (*others, {"channels": 127}, {"filters": 255}))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends choose forms themselves")
@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_scores_are_the_network_s_in_one_pass_and_in_stages(padding, monkeypatch):
    net = randomize(FCN32s(3, padding=padding, channels=WIDE))
    used = {x.name for x in net.layers if winograd.can_be_used(x)}
    assert used == {"conv4_1", "conv4_2", "conv5_1", "conv5_2"}
    calls, plain = [], winograd.convolve
    monkeypatch.setattr(parts.winograd, "convolve", lambda *args: calls.append(0) or plain(*args))
    image = picture(100, 150)
    expected = np.asarray(net(image[None].astype("float32"), training=False))[0]
    for memory in (512, 1):
        found = predict(net, image, output="scores", memory=memory)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        assert len(calls) >= len(used)  # more, where a graph is traced for another size
        calls.clear()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends choose forms themselves")
def test_who_looks_for_overflow_gets_the_layers_own_sums(monkeypatch):
    monkeypatch.setattr(parts.winograd, "convolve", None)  # to call it would be an error
    net = randomize(FCN32s(3, channels=WIDE))
    image = np.zeros((1, 32, 32, 3), "float32")
    *_, is_finite = parts.part_of_all(net, "scores", None).predict_on_batch([image])
    assert is_finite.all()
