"""Images are turned as EXIF says, by each orientation."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.exif import orientation_of, turned_upright
from fcn_keras.datasets.images import read_image, read_size
from tests.fcn_keras.datasets.test_images import turned, write


def test_an_orientation_in_xmp_alone_does_not_count(tmp_path):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(pixels).save(tmp_path / "a.webp", lossless=True, xmp=b'<x:xmpmeta tiff:Orientation="6"/>')
    with Image.open(tmp_path / "a.webp") as opened:
        assert opened.getexif()[0x0112] == 6  # Pillow would turn it
    np.testing.assert_array_equal(read_image(tmp_path / "a.webp"), pixels)
    assert read_size(tmp_path / "a.webp") == (2, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(tmp_path, orientation):
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    write(tmp_path / "a.png", stored, exif=turned(orientation))
    expected = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: stored[::-1].T,
        7: stored[::-1, ::-1].T,
        8: stored.T[::-1],
    }[orientation]
    assert np.array_equal(read_image(tmp_path / "a.png")[..., 0], expected)
    assert read_size(tmp_path / "a.png") == expected.shape
    with Image.open(tmp_path / "a.png") as image:
        assert orientation_of(image) == orientation
        assert np.array_equal(np.asarray(turned_upright(image)), expected)
