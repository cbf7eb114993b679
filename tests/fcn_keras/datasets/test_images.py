import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from fcn_keras.datasets import images
from fcn_keras.datasets.images import (
    extensions,
    extensions_to_install,
    orientation,
    pixels_allowed,
    read_image,
    read_mask,
    read_size,
)
from tests.color_profile import display_p3
from tests.tiff_files import tiff


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
    write(tmp_path / "a.tif", np.zeros((1, 1, 3), np.uint8), "CMYK")
    with pytest.raises(ValueError, match=r"Received: mode CMYK in .*a.tif. Save it as 8-bit grey PNG"):
        read_mask(tmp_path / "a.tif")


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


def test_sizes_come_from_headers(tmp_path):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 32), np.uint8)
    Image.fromarray(noise).save(file, "PNG", exif=turned(6))
    (tmp_path / "a.png").write_bytes(file.getvalue()[:1000])
    assert read_size(tmp_path / "a.png") == (32, 64)
    with pytest.raises(ValueError, match=r"a.png cannot be read as an image: .*truncated"):
        read_image(tmp_path / "a.png")


def halves(height=48, width=64):
    """White above, black below: what a photograph of a turned camera looks like upright."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = 255
    return pixels


@pytest.fixture
def heic(tmp_path):
    """A photograph that its file stores lying, and tells to turn, as an iPhone's does; whatever its name says."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif: pip install 'fcn_keras[heif]'")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.rot90(halves()))
    pillow_heif.from_pillow(lying).save(tmp_path / "IMG_1.jpg", quality=90, exif=exif.tobytes())
    return tmp_path / "IMG_1.jpg"


def is_upright(pixels):
    """Tell `halves`, but for what lossy files change."""
    middle = len(pixels) // 2
    return pixels[: middle - 4].min() > 230 and pixels[middle + 4 :].max() < 25


def test_heic_is_read_upright_by_its_bytes(heic):
    assert heic.read_bytes()[4:12] == b"ftypheic"
    assert read_size(heic) == (48, 64)
    assert orientation(heic) == 1  # its reader has turned it
    pixels = read_image(heic)
    assert pixels.shape == (48, 64, 3)
    assert is_upright(pixels)
    assert {".heic", ".heif", ".hif"} <= extensions()
    assert extensions_to_install() == {}


@pytest.mark.parametrize("brand", [b"mif1", b"heix", b"msf1"])
def test_heic_of_other_brands(heic, brand):
    contents = heic.read_bytes()
    heic.write_bytes(contents[:8] + brand + contents[12:])
    assert is_upright(read_image(heic))


def test_heic_of_ten_bits_keeps_the_high_ones(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif: pip install 'fcn_keras[heif]'")
    deep = halves().astype(np.uint16) * 257
    pillow_heif.encode("RGB;16", deep.shape[1::-1], deep.tobytes(), tmp_path / "deep.heic", quality=90)
    assert is_upright(read_image(tmp_path / "deep.heic"))


def test_heic_that_is_cut_off(heic):
    heic.write_bytes(heic.read_bytes()[:-40])
    with pytest.raises(
        ValueError, match=r"IMG_1.jpg cannot be read as an image: it is HEIC, damaged or cut off\. Save it"
    ):
        read_image(heic)


def test_without_pillow_heif_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(images.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(ValueError, match=r'a.heic .*: it is HEIC, .* package: pip install "fcn_keras\[heif\]"\. Save'):
        read_size(tmp_path / "a.heic")
    assert {".heic", ".avif"} <= extensions()
    assert extensions_to_install()[".heic"] == 'pip install "fcn_keras[heif]"'


DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 4), dtype=np.uint16)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (tiff(DEEP[..., :3]), DEEP[..., :3] >> 8),
        (tiff(DEEP, extra=[2]), DEEP[..., :3] >> 8),  # transparency is dropped
        (tiff(DEEP, extra=[0]), DEEP[..., :3] >> 8),  # such as infrared
        (tiff((DEEP >> 8).astype(np.uint8), extra=[2]), DEEP[..., :3] >> 8),
        (tiff((DEEP[..., [0, 1, 2, 3, 0]] >> 8).astype(np.uint8), extra=[0, 0]), DEEP[..., :3] >> 8),
        (tiff(DEEP[..., :1], interpretation=1), DEEP[..., [0, 0, 0]] >> 8),
        (tiff(DEEP[..., :1], interpretation=0), 255 - (DEEP[..., [0, 0, 0]] >> 8)),
        (tiff((DEEP[..., :1] >> 8).astype(np.uint8), interpretation=0), 255 - (DEEP[..., [0, 0, 0]] >> 8)),
    ],
    ids=["rgb", "rgba", "rgb and one", "rgba 8", "rgb and two 8", "grey", "grey, 0 is white", "grey 8, 0 is white"],
)
def test_the_high_bytes_and_the_colours_of_a_tiff(tmp_path, contents, expected):
    (tmp_path / "a.tif").write_bytes(contents)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


def test_a_tiff_of_other_channels_is_told_in_one_line(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(DEEP[..., [0, 1, 2, 3, 0]], extra=[0, 0]))
    with pytest.raises(ValueError, match=r"a.tif .*: it is a TIFF of 5 channels of 16 bits. Expected grey or RGB"):
        read_image(tmp_path / "a.tif")


@pytest.mark.filterwarnings("error")  # Pillow's own, from half of the limit on
def test_more_pixels_are_read_where_they_are_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png has 48 pixels, and at most 40 are read\. Scale it down; fcn-predict"):
        read_image(tmp_path / "a.png")
    with pixels_allowed(48):
        assert read_image(tmp_path / "a.png").shape == (6, 8, 3)
    with pixels_allowed(46), pytest.raises(ValueError, match=r"has 48 pixels, and at most 46 are read"):
        read_image(tmp_path / "a.png")
    with pixels_allowed(None):
        assert Image.MAX_IMAGE_PIXELS == 20
    assert Image.MAX_IMAGE_PIXELS == 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_profile_of_colours_changes_nothing(tmp_path, kind):
    """Numbers go into the net as they stand in the file. Converted, they would be others."""
    picture = Image.new("RGB", (8, 8), (30, 200, 60))
    picture.save(tmp_path / "p3", kind, icc_profile=display_p3())
    picture.save(tmp_path / "plain", kind)
    np.testing.assert_array_equal(read_image(tmp_path / "p3"), read_image(tmp_path / "plain"))
    with Image.open(tmp_path / "p3") as opened:
        source = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        converted = ImageCms.profileToProfile(opened.convert("RGB"), source, ImageCms.createProfile("sRGB"))
    assert np.abs(np.array(converted).astype(int) - read_image(tmp_path / "plain")).max() > 20


def test_a_film_is_called_a_film(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(40))
    with pytest.raises(ValueError, match=r"a.jpg cannot be read as an image: it is a video"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("orientation_code", [1, 3, 6, 8, 2])
def test_avif_is_turned_once(tmp_path, orientation_code):
    """Pillow writes EXIF as the file's own rotation (irot, imir), and tells that as EXIF again."""
    turns = {1: lambda x: x, 3: lambda x: x[::-1, ::-1], 6: np.rot90, 8: lambda x: np.rot90(x, -1), 2: lambda x: x}
    lying = np.ascontiguousarray(turns[orientation_code](halves()))
    Image.fromarray(lying).save(tmp_path / "a.avif", quality=95, exif=turned(orientation_code))
    assert read_size(tmp_path / "a.avif") == (48, 64)
    assert is_upright(read_image(tmp_path / "a.avif"))


def test_the_first_picture_of_an_mpo(tmp_path):
    first, second = (Image.fromarray(pixels) for pixels in (halves(), halves()[::-1]))
    first.save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=[second], quality=95)
    assert is_upright(read_image(tmp_path / "a.mpo"))
    assert ".mpo" in extensions()


@pytest.mark.parametrize("behind", ["a film, as in a motion photo", "a gain map, as in Ultra HDR"])
def test_what_stands_behind_a_jpeg_is_left_alone(tmp_path, behind):
    file, more = io.BytesIO(), io.BytesIO()
    Image.fromarray(halves()).save(file, "JPEG", quality=95)
    Image.fromarray(halves()[:16, :16, 0]).save(more, "JPEG")
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(5000)
    alone, whole = tmp_path / "alone.jpg", tmp_path / "whole.jpg"
    alone.write_bytes(file.getvalue())
    whole.write_bytes(file.getvalue() + (film if "film" in behind else more.getvalue()))
    assert is_upright(read_image(whole))
    np.testing.assert_array_equal(read_image(whole), read_image(alone))
