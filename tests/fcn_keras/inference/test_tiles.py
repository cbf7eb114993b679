"""Tiles of the whole model, with a margin of what its pixels see."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict, predict_tiled, tiles
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import HEADS, NARROW, NARROWEST, picture, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("build", [FCN32s, FCN8s])
def test_tiles_give_the_whole_images_result(build, padding):
    net = randomize(build(7, padding=padding, channels=NARROWEST))
    for size, tile in [((577, 33), 32), ((545, 577), 288), ((1, 330), 96), ((40, 40), 1024)]:
        image = picture(*size)
        scores = predict(net, image, output="scores")
        tiled = predict_tiled(net, image, tile=tile, output="scores")
        np.testing.assert_allclose(tiled, scores, rtol=0, atol=1e-5 * np.abs(scores).max())
        labels = predict_tiled(net, image, tile=tile)
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, scores.argmax(-1))


@pytest.mark.parametrize("padding", ["same", "caffe"])
def test_a_tile_sees_all_that_its_pixels_see(padding):
    # Positive weights and a single bright pixel: whatever it reaches in the whole image is above zero.
    net = FCN32s(1, padding=padding, mean=(0, 0, 0), channels=NARROWEST)
    for variable in net.trainable_variables:
        variable.assign(np.full(variable.shape, 0.5 if variable.path.endswith("kernel") else 0.0))
    for column in (320, 328, 344, 351):
        image = np.zeros((1, 672, 3), "uint8")
        image[0, column] = 255
        whole = predict(net, image, output="scores")
        tiled = predict_tiled(net, image, tile=32, output="scores")
        np.testing.assert_allclose(tiled, whole, rtol=1e-4)


def test_tiles_of_heads_and_of_two_backbones():
    net = randomize(FCN16s(HEADS, channels=NARROW))
    image = picture(600, 40)
    tiled = predict_tiled(net, image, tile=128)
    for head, labels in predict(net, image).items():
        np.testing.assert_array_equal(tiled[head], labels)
    late = randomize(LateFusion(4, skips=1, padding="caffe", channels=NARROW))
    images = {"rgb": image, "hha": picture(600, 40, seed=1)}
    np.testing.assert_array_equal(predict_tiled(late, images, tile=128), predict(late, images))


def test_a_tile_is_computed_in_bounded_memory(net, monkeypatch):
    sizes = []
    run = tiles.run
    monkeypatch.setattr(tiles, "run", lambda m, x, output: sizes.append(x.shape[:2]) or run(m, x, output))
    predict_tiled(net, picture(1200, 40), tile=96)
    assert max(sizes) == (96 + 2 * 256, 40)  # radius 245 of FCN-8s, on the grid of 32
    assert len(sizes) == 13


@pytest.mark.parametrize("tile", [0, -32, 33, 64.0, True])
def test_tiles_lie_on_the_stride(net, tile):
    with pytest.raises(ValueError, match=r"`tile` is a positive multiple of 32.*Received: "):
        predict_tiled(net, picture(5, 5), tile=tile)


def test_tiling_needs_a_dense_model(net):
    coarse = keras.Model(net.input, net.get_layer("score_fr").output)
    with pytest.raises(ValueError, match=r"needs a model that scores every pixel. .*stride=32"):
        predict_tiled(coarse, picture(5, 5))
