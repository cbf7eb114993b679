"""Which files TensorFlow may decode; that it then finds Pillow's pixels, `test_decoding.py` shows."""

import io

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.encoded import encoded_pair, grey_png, jpeg_size
from tests.fcn_keras.datasets.test_folder import turned, write

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 17, 3), np.uint8)
IDS = np.random.default_rng(0).integers(0, 256, (11, 17), np.uint8)


def file_of(pixels, mode, kind, **options):
    image = Image.fromarray(pixels)
    if mode == "P":
        image.putpalette(np.repeat(range(256), 3).tolist())
    file = io.BytesIO()
    (image if mode in ("P", image.mode) else image.convert(mode)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "options",
    [{}, {"subsampling": 0}, {"subsampling": 1}, {"exif": turned(1)}, {"comment": b"\xff\xd9"}],
)
def test_usual_photographs(options):
    assert jpeg_size(file_of(PIXELS, "RGB", "JPEG", **options)) == (11, 17)


PHOTOGRAPH = file_of(PIXELS, "RGB", "JPEG")


@pytest.mark.parametrize(
    "data",
    [
        file_of(PIXELS, "L", "JPEG"),
        file_of(PIXELS, "CMYK", "JPEG"),
        file_of(PIXELS, "RGB", "JPEG", exif=turned(6)),
        file_of(PIXELS, "RGB", "MPO", save_all=True, append_images=[Image.fromarray(PIXELS)]),
        file_of(PIXELS, "RGB", "PNG"),
        file_of(PIXELS, "RGB", "JPEG", progressive=True),
        PHOTOGRAPH[:2] + b"\xff" + PHOTOGRAPH[2:],
        PHOTOGRAPH[:2] + b"\xff\xd0" + PHOTOGRAPH[2:],
        PHOTOGRAPH[:-9],
        PHOTOGRAPH[:30] + b"\xff\xd9",
        b"",
    ],
    ids=[
        "grey",
        "CMYK",
        "turned",
        "MPO",
        "PNG",
        "progressive",
        "a byte that fills",
        "no length",
        "cut",
        "cut before the frame",
        "empty",
    ],
)
def test_other_photographs_are_left_to_pillow(data):
    assert jpeg_size(data) is None


@pytest.mark.parametrize("options", [{}, {"transparency": 3}, {"compress_level": 0}])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_values_and_indices_become_grey(mode, options):
    data = grey_png(file_of(IDS, mode, "PNG", **options))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.info) == ("L", {})
        np.testing.assert_array_equal(image, IDS)


MASK = file_of(IDS, "L", "PNG")


@pytest.mark.parametrize(
    "data",
    [
        file_of(IDS % 2, "1", "PNG"),
        file_of(IDS % 4, "P", "PNG", bits=2),
        file_of(IDS.astype(np.uint16), "I;16", "PNG"),
        file_of(PIXELS, "RGB", "PNG"),
        file_of(IDS, "L", "PNG", save_all=True, append_images=[Image.fromarray(IDS // 2)]),
        MASK[:-20],
        MASK[:60] + bytes([MASK[60] ^ 1]) + MASK[61:],
        PHOTOGRAPH,
        b"",
    ],
    ids=["1 bit", "2 bits", "16 bits", "RGB", "APNG", "cut", "damaged", "JPEG", "empty"],
)
def test_other_masks_are_left_to_pillow(data):
    assert grey_png(data) is None


def test_a_pair_is_of_one_size_and_there(tmp_path):
    write(tmp_path / "a.jpg", PIXELS)
    write(tmp_path / "a.png", IDS)
    write(tmp_path / "b.png", IDS[:-1])
    assert encoded_pair(tmp_path / "a.jpg", tmp_path / "a.png").image == (tmp_path / "a.jpg").read_bytes()
    for mask in ("b.png", "c.png", "."):
        assert encoded_pair(tmp_path / "a.jpg", tmp_path / mask) is None
