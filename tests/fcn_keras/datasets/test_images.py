import io

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets import images
from fcn_keras.datasets.images import read_image, read_mask, read_size


def write(path, pixels, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(pixels))
    if mode == "P":
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, *[200] * 759])
    elif mode is not None:
        picture = picture.convert(mode)
    picture.save(path, **options)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def test_masks_of_other_kinds(tmp_path):
    write(tmp_path / "a.png", np.zeros((1, 1, 2), np.uint8))
    with pytest.raises(ValueError, match=r"Received: mode LA in .*a.png. Save it as 8-bit grey PNG"):
        read_mask(tmp_path / "a.png")


def test_grey_palette_alpha_and_cmyk_become_rgb(tmp_path):
    write(tmp_path / "grey.png", np.array([[7]], np.uint8))
    assert read_image(tmp_path / "grey.png").tolist() == [[[7, 7, 7]]]
    write(tmp_path / "palette.png", np.array([[1]], np.uint8), "P")
    assert read_image(tmp_path / "palette.png").tolist() == [[[128, 0, 0]]]
    write(tmp_path / "alpha.png", np.array([[(9, 8, 7, 0)]], np.uint8))
    assert read_image(tmp_path / "alpha.png").tolist() == [[[9, 8, 7]]]
    write(tmp_path / "cmyk.tif", np.array([[(255, 0, 0)]], np.uint8), "CMYK")
    assert read_image(tmp_path / "cmyk.tif").tolist() == [[[255, 0, 0]]]
    write(tmp_path / "deep.png", np.array([[0x12FF, 0xFF00]], np.uint16))
    assert read_image(tmp_path / "deep.png").tolist() == [[[0x12] * 3, [0xFF] * 3]]
    write(tmp_path / "deeper.tif", np.array([[0x12FF]], np.int32))
    assert read_image(tmp_path / "deeper.tif").tolist() == [[[0x12] * 3]]


def test_bands_of_an_image_are_the_image(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (23, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "_BAND", 10)
    read = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read, pixels)
    assert read.flags.writeable


def test_images_of_floats_or_too_deep(tmp_path):
    write(tmp_path / "floats.tif", np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match=r"Received: floats in .*floats.tif. Save it as 8 bit"):
        read_image(tmp_path / "floats.tif")
    write(tmp_path / "deep.tif", np.array([[-1, 70000]], np.int32))
    with pytest.raises(ValueError, match=r"Received: -1..70000 in .*deep.tif. Save it as 8 bit"):
        read_image(tmp_path / "deep.tif")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_exif_turns_images(tmp_path, name):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255  # white on the left: turned clockwise (6), it is on top
    write(tmp_path / name, pixels, exif=turned(6))
    assert read_size(tmp_path / name) == (32, 16)
    image = read_image(tmp_path / name)
    assert image.shape == (32, 16, 3)
    assert image[:12].min() > 200
    assert image[20:].max() < 50


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


def test_sizes_come_from_headers(tmp_path):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 32), np.uint8)
    Image.fromarray(noise).save(file, "PNG", exif=turned(6))
    (tmp_path / "a.png").write_bytes(file.getvalue()[:1000])
    assert read_size(tmp_path / "a.png") == (32, 64)
    with pytest.raises(ValueError, match=r"a.png cannot be read as an image: .*truncated"):
        read_image(tmp_path / "a.png")
