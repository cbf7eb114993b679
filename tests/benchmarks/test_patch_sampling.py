"""The paper's filter rarefaction: shift-and-stitch of a strided net is the net with strides 1 and rarefied filters."""

import keras
import numpy as np
import pytest
from keras import layers

from fcn_keras.inference import shift_and_stitch

SEES = 10  # pixels to a side that a score of the net below sees


def strided(pad):
    """conv 3, pool 2/2, conv 3, pool 2/2, conv 1: stride 4, nothing padded but the image."""
    image = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(pad)(image)
    x = layers.Conv2D(6, 3, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(2, 2)(x)
    x = layers.Conv2D(7, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, 2)(x)
    return keras.Model(image, layers.Conv2D(5, 1, name="score")(x))


def rarefied():
    """The same weights with every stride 1: what follows a stride of s takes every s-th value of what it sees."""
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="conv1")(image)
    x = layers.Lambda(lambda y: spread_maximum(y, 1))(x)
    x = layers.Conv2D(7, 3, dilation_rate=2, activation="relu", name="conv2")(x)
    x = layers.Lambda(lambda y: spread_maximum(y, 2))(x)
    return keras.Model(image, layers.Conv2D(5, 1, dilation_rate=4, name="score")(x))


def spread_maximum(x, gap):
    """The maximum over the 2x2 values that lie `gap` apart, at every place where all four are."""
    rows = keras.ops.maximum(x[:, :-gap], x[:, gap:])
    return keras.ops.maximum(rows[:, :, :-gap], rows[:, :, gap:])


def zeros_between(kernel, gap):
    """f'_ij = f_(i/s, j/s) where s divides i and j, else 0."""
    height, width, *channels = kernel.shape
    spread = np.zeros(((height - 1) * gap + 1, (width - 1) * gap + 1, *channels), kernel.dtype)
    spread[::gap, ::gap] = kernel
    return spread


@pytest.fixture(scope="module")
def weights():
    keras.utils.set_random_seed(3)
    return [value.copy() for value in strided(0).get_weights()]


@pytest.mark.parametrize("size", [(24, 24), (33, 21), (13, 40)])
def test_stitching_is_the_rarefied_net(weights, size):
    pad = 8
    net, dense = strided(pad), rarefied()
    net.set_weights(weights)
    dense.set_weights(weights)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    stitched = shift_and_stitch(net, image, stride=4)
    # A score sees 10 pixels and is put on the fifth of them: 4 of zeros before the image, and 5 behind.
    around = np.pad(image.astype("float32"), ((4, 5), (4, 5), (0, 0)))
    expected = dense(around[None]).numpy()[0]
    assert stitched.shape == expected.shape == (*size, 5)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(stitched, expected, rtol=0, atol=2e-6 * largest)
    assert np.abs(expected - expected.mean(axis=(0, 1))).max() > 0.1 * largest  # they differ from pixel to pixel


def test_dilation_is_rarefaction(weights):
    kernel = weights[2]
    x = np.random.default_rng(1).normal(size=(1, 17, 14, 6)).astype("float32")
    dilated = keras.ops.conv(x, kernel, dilation_rate=2)
    written_out = keras.ops.conv(x, zeros_between(kernel, 2))
    np.testing.assert_allclose(dilated, written_out, atol=1e-5)


def test_the_strided_nets_scores_are_every_fourth_of_the_rarefied_nets(weights):
    net, dense = strided(0), rarefied()
    net.set_weights(weights)
    dense.set_weights(weights)
    x = np.random.default_rng(2).normal(size=(2, 38, 30, 3)).astype("float32")
    np.testing.assert_allclose(net(x), dense(x)[:, ::4, ::4], atol=1e-5)
    assert dense(x).shape[1:3] == (38 - SEES + 1, 30 - SEES + 1)
