import numpy as np
import pytest

from fcn_keras.datasets.file_kinds import is_heic, unread
from tests.tiff_files import tiff


def base_media(*brands):
    """Return the beginning of an ISO base media file: its size, what it is, its version, what else it is."""
    head = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(head) + 4).to_bytes(4, "big") + head + b"heic" * 5  # behind the box, where it says nothing


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        ((b"heic", b"mif1", b"heic"), True),
        ((b"heix", b"mif1"), True),
        ((b"mif1", b"heic"), True),
        ((b"msf1", b"hevc"), True),
        ((b"avif", b"mif1"), False),
        ((b"mif1", b"avif"), False),
        ((b"mp42", b"isom"), False),
        ((b"qt  ",), False),
    ],
)
def test_heic_is_told_by_its_brands(tmp_path, brands, expected):
    (tmp_path / "a").write_bytes(base_media(*brands))
    assert is_heic(tmp_path / "a") is expected


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf  <svg xmlns='x'/>", "it is an SVG drawing"),
        (b"%PDF-1.7", "it is a PDF file"),
        (base_media(b"mp42", b"isom"), "it is a video"),
        (base_media(b"avif"), "it is AVIF, damaged or cut off"),
        (b"\xff\xd8\xff" + bytes(9), "its header is damaged"),
        (b"II*\0" + bytes(40), "its header is damaged"),
        (
            tiff(np.zeros((2, 3, 7), np.uint8), extra=[0] * 4),
            "it is a TIFF of 7 channels of 8 bits. Expected grey or RGB",
        ),
        (tiff(np.zeros((2, 3, 3), np.float32), numbers=3), "it is a TIFF of 3 channels of 32 bits (floats). Expected"),
        (b"hello", "it begins with b'hello'. Expected JPEG, PNG"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(tmp_path, contents, expected):
    (tmp_path / "a.jpg").write_bytes(contents)
    assert unread(tmp_path / "a.jpg").startswith(expected)
