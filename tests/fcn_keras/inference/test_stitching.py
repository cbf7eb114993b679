"""Shift-and-stitch, against the patch around each pixel."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict, shift_and_stitch, stitching
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import HEADS, NARROW, picture, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


def stride_4_net(pad):
    """A net of stride 4 whose scores see 10x10 pixels."""
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(pad)(image)
    x = layers.Conv2D(6, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(7, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    return keras.Model(image, layers.Conv2D(5, 1, name="score")(x))


@pytest.mark.parametrize("size", [(13, 9), (1, 1), (4, 18)])
def test_stitched_scores_are_those_of_the_patch_around_each_pixel(size):
    keras.utils.set_random_seed(0)
    net, bare = stride_4_net(8), stride_4_net(0)
    bare.set_weights(net.get_weights())
    image = picture(*size)
    around = np.pad(image.astype("float32"), ((4, 5), (4, 5), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(around, (10, 10), (0, 1))  # (H, W, 3, 10, 10)
    patches = patches.reshape(-1, 3, 10, 10).transpose(0, 2, 3, 1)
    expected = bare(patches).numpy().reshape(*size, 5)  # one score a patch
    dense = shift_and_stitch(net, image, stride=4)
    assert dense.dtype == np.float32
    np.testing.assert_allclose(dense, expected, atol=1e-3)


@pytest.mark.parametrize(("padding", "first", "pixel"), [("same", 0, 3), ("caffe", 3, 0)])
def test_stitched_scores_hold_the_coarse_ones_at_their_centres(padding, first, pixel):
    # Score 0 is centred on pixel 3.5, or -23.5 with the released padding.
    net = randomize(FCN8s(HEADS, padding=padding, channels=NARROW))
    fused = {head: net.get_layer(f"fuse_pool3_{head}").output for head in HEADS}
    coarse = keras.Model(net.input, fused)
    image = picture(33, 20)
    dense = shift_and_stitch(coarse, image, stride=8)
    for head, scores in predict(coarse, image, output="scores").items():
        assert dense[head].shape == (33, 20, HEADS[head])
        found = dense[head][pixel::8, pixel::8]
        scores = scores[first : first + found.shape[0], first : first + found.shape[1]]
        np.testing.assert_allclose(found, scores, rtol=0, atol=1e-5 * np.abs(scores).max())


def test_shifts_uncover_what_preprocessing_turns_into_zeros():
    late, early = LateFusion(2, mean=(1, 2, 3), channels=NARROW), FCN32s(2, modality="rgbd", channels=NARROW)
    pixels = stitching._mean_pixels(late)
    for key, name in (("rgb", "preprocesscolor"), ("hha", "preprocesshha")):
        assert not late.get_layer(name)(pixels[key][None, None, None]).numpy().any()
    assert not early.get_layer("preprocess")(stitching._mean_pixels(early)[None, None, None]).numpy().any()
    np.testing.assert_array_equal(stitching._mean_pixels(stride_4_net(0)), np.zeros(3))


def test_wrong_strides_and_unpadded_nets_are_named(net):
    for stride in (0, -4, 4.0, True):
        with pytest.raises(ValueError, match=r"`stride` is a positive int. Received"):
            shift_and_stitch(stride_4_net(8), picture(9, 9), stride=stride)
    with pytest.raises(ValueError, match=r"scores at stride 1. Received: stride=8. Cut the last upsampling off"):
        shift_and_stitch(net, picture(9, 9), stride=8)
    with pytest.raises(ValueError, match=r"must score the whole image.*Let it pad its input"):
        shift_and_stitch(stride_4_net(0), picture(30, 30), stride=4)
