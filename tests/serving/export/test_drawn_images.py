"""Drawn images: always the same, of no flat colour, as a network takes them."""

import numpy as np
import pytest

from serving.export.drawn_images import draw_inputs, drawn, for_predict


@pytest.mark.parametrize("size", [(1, 1), (32, 48), (97, 131)])
def test_an_image_is_always_the_same(size):
    image = drawn(*size)
    assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
    np.testing.assert_array_equal(image, drawn(*size))
    assert size == (1, 1) or image.std(axis=(0, 1)).min() > 20


def test_inputs_are_what_a_network_takes():
    rgb = draw_inputs({"image": 3}, 20, 30)
    assert for_predict(rgb) is rgb["image"]
    rgbd = for_predict(draw_inputs({"image": 4}, 20, 30))
    assert (rgbd.shape, rgbd.dtype) == ((20, 30, 4), np.uint16)
    assert rgbd[..., :3].max() <= 255 < rgbd[..., 3].max() < 4096  # millimetres
    pair = draw_inputs({"rgb": 3, "hha": 3}, 20, 30)
    assert for_predict(pair) is pair
    assert {name: x.dtype for name, x in pair.items()} == {"rgb": np.uint8, "hha": np.uint8}
