"""Pictures in a page are what was drawn."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from training.pages.graphics import heat, image, jpeg, measured, png, swatch


def decoded(uri):
    kind, _, contents = uri.partition(";base64,")
    return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(contents))))


def test_png_is_exact_and_jpeg_near():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.uint8)
    kind, read = decoded(png(pixels))
    assert kind == "data:image/png"
    np.testing.assert_array_equal(read, pixels)
    kind, read = decoded(jpeg(np.full((16, 24, 3), (200, 30, 90), np.uint8)))
    assert (kind, read.shape) == ("data:image/jpeg", (16, 24, 3))
    assert np.abs(read.astype(int) - (200, 30, 90)).max() <= 3


def test_heat_is_opaque_where_most_is():
    _, read = decoded(heat(np.array([[0.0, 0.1], [0.2, 0.05]])))
    np.testing.assert_array_equal(read[..., 3], [[0, 128], [255, 64]])
    assert decoded(heat(np.zeros((2, 2))))[1][..., 3].max() == 0


def test_an_image_has_its_size_and_words():
    made = image("data:x", (3, 5, 3), 'a"b', "small")
    assert {**made.attrib} == {"src": "data:x", "alt": 'a"b', "width": "5", "height": "3", "class": "small"}


def test_swatches_and_bars():
    assert swatch(np.array([0, 128, 255])).get("style") == "background: #0080ff"
    bar, number = measured(0.256)
    assert bar[0].get("style") == "width: 25.6%"
    assert number.text == "25.60"
    assert measured(None)[0][0].get("style") == "width: 0.0%"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3)])
def test_thin_pictures(shape):
    assert decoded(jpeg(np.zeros(shape, np.uint8)))[1].shape == shape
