"""The last upsampling as a convolution gives what the model's own layers do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.models import FCN8s, FCN16s
from serving.export.onnx import upsampling
from tests.serving.image_files import picture
from tests.serving.nets import TINY, randomize


@pytest.fixture
def channels_first(monkeypatch):
    """Give TensorFlow what it lacks on processors: convolutions of (N, C, H, W)."""
    convolve = tf.nn.conv2d

    def conv2d(x, kernel, strides, pads, data_format):
        pads = [pads[axis] for axis in (0, 2, 3, 1)]
        return tf.transpose(convolve(tf.transpose(x, [0, 2, 3, 1]), kernel, strides, pads), [0, 3, 1, 2])

    monkeypatch.setattr(tf.nn, "conv2d", conv2d)


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("learned", [False, True])
def test_scores_and_labels_are_those_of_the_layers(padding, learned, channels_first):
    if learned:  # no longer interpolation: classes mix
        net = randomize(FCN16s(3, padding=padding, learn_upsampling="all", channels=TINY))
        kernel = net.get_layer("upscore16").kernel
        kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    else:
        net = randomize(FCN8s(3, padding=padding, channels=TINY))
    ending = upsampling.find(net.output)
    assert ending.kernel.shape == (2, 2, 3 if learned else 1, 3 * ending.factor**2)
    probe = keras.Model(net.input, [ending.features, net.output])
    for size in [(1, 1), (31, 40), (64, 32)]:
        features, expected = probe(tf.constant(picture(*size)[None].astype("float32")), training=False)
        scores = ending.scores(features, ending.kernel, size)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        labels = ending.labels(features, ending.kernel, size, "uint8")
        np.testing.assert_array_equal(labels, tf.argmax(expected, axis=-1))


def test_other_endings_are_none():
    image = keras.Input((None, None, 3))
    assert upsampling.find(keras.layers.Conv2D(4, 3, padding="same")(image)) is None
