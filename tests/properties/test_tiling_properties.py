"""`predict_tiled` gives the whole image's result, for random nets, image sizes and tile sizes."""

from functools import cache

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from fcn_keras.inference import predict, predict_tiled
from fcn_keras.layers import CropLike, PadToMultiple
from fcn_keras.models import FCN8s, FCN16s, FCN32s

NARROWEST = (((4, 1), (4, 1), (6, 3), (6, 3), (8, 3)), 12)
GATE = settings(deadline=None, derandomize=True, database=None)


def dilated():
    """Stride 1 with a dilated convolution: sees 3 + 1 pixels to each side, unlike any FCN."""
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(5, 3, padding="same", dilation_rate=3, activation="relu")(image)
    return keras.Model(image, layers.Conv2D(4, 3, padding="same")(x)), 1


def strided(depth, skip):
    """`depth` poolings and one upsampling back, with a skip from the first pooling if wanted."""
    factor = 2**depth
    image = keras.Input((None, None, 3))
    x = PadToMultiple(factor)(image)
    maps = []
    for _ in range(depth):
        x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
        maps.append(x)
    x = layers.Conv2D(5, 5, padding="same")(x)
    if skip:
        x = layers.Conv2DTranspose(5, factor, strides=factor // 2, padding="same")(x)
        x = layers.Add()([x, layers.Conv2D(5, 1)(maps[0])])
        factor = 2
    x = layers.Conv2DTranspose(4, 2 * factor, strides=factor, padding="same")(x)
    return keras.Model(image, CropLike(0)([x, image])), 2**depth


NETS = {
    "dilated": dilated,
    "stride 2": lambda: strided(1, skip=False),
    "stride 4": lambda: strided(2, skip=False),
    "stride 8 with a skip": lambda: strided(3, skip=True),
    "FCN-32s caffe": lambda: (FCN32s(4, padding="caffe", channels=NARROWEST), 32),
    "FCN-16s same": lambda: (FCN16s(4, padding="same", channels=NARROWEST), 32),
    "FCN-8s caffe": lambda: (FCN8s(4, padding="caffe", channels=NARROWEST), 32),
}


@cache
def network(name):
    net, phase = NETS[name]()
    generator = np.random.default_rng(0)
    for variable in net.trainable_variables:
        fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 9
        variable.assign(generator.normal(0, np.sqrt(2 / fan_in), variable.shape))
    return net, phase


def check(name, height, width, tiles, seed):
    net, phase = network(name)
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tile = tiles * phase
    scores = predict(net, image, output="scores")
    tiled = predict_tiled(net, image, tile=tile, output="scores")
    bound = 1e-5 * np.abs(scores).max()
    assert tiled.shape == scores.shape == (height, width, 4)
    np.testing.assert_allclose(tiled, scores, rtol=0, atol=bound)
    best = np.sort(scores, -1)
    clear = best[..., -1] - best[..., -2] > 2 * bound  # elsewhere rounding decides
    labels = predict_tiled(net, image, tile=tile)
    np.testing.assert_array_equal(labels[clear], predict(net, image)[clear])
    assert clear.mean() > 0.9 or clear.size < 20


@settings(GATE, max_examples=16)
@given(
    st.sampled_from(["dilated", "stride 2", "stride 4", "stride 8 with a skip"]),
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(2, 9),
    st.integers(0, 99),
)
def test_small_nets(name, height, width, tiles, seed):
    check(name, height, width, tiles if network(name)[1] > 2 else 4 * tiles, seed)


@settings(GATE, max_examples=3)
@given(
    st.sampled_from(["FCN-32s caffe", "FCN-16s same", "FCN-8s caffe"]),
    st.integers(1, 40),
    st.integers(300, 480),
    st.integers(3, 12),
    st.booleans(),
)
def test_the_networks(name, short, long, tiles, upright):
    check(name, *((long, short) if upright else (short, long)), tiles, seed=long)
