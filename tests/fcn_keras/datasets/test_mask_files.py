import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.images import read_mask, read_mask_file


def png(path, depth, kind, row, width, palette=b""):
    """Write one row of packed values by hand, as the PNG specification has it."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    parts = {b"IHDR": header, b"PLTE": palette, b"IDAT": zlib.compress(b"\0" + row)}
    written = b"".join(chunk(name, data) for name, data in parts.items() if data)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + written + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    ("depth", "row", "ids"),
    [
        (8, b"\0\1\2\xff", [0, 1, 2, 255]),
        (4, b"\x01\x2f", [0, 1, 2, 15]),
        (2, b"\x1b", [0, 1, 2, 3]),
        (1, b"\x50", [0, 1, 0, 1]),
    ],
)
def test_grey_of_few_bits_holds_ids(tmp_path, depth, row, ids):
    mask = read_mask_file(png(tmp_path / "a.png", depth, 0, row, 4))
    assert mask.pixels.tolist() == [ids]
    assert mask.pixels.dtype == np.uint8
    assert mask.bits == depth


def test_grey_with_transparency(tmp_path):
    assert read_mask(png(tmp_path / "a.png", 8, 4, bytes([7, 255, 2, 0]), 2)).tolist() == [[7, 2]]
    with pytest.raises(ValueError, match=r"Received: grey of 16 bits with transparency in .*a.png"):
        read_mask(png(tmp_path / "a.png", 16, 4, bytes([0, 7, 255, 255]), 1))


@pytest.mark.parametrize(
    ("number", "last"), [(2, 1), (3, 255), (4, 3), (5, 255), (11, 255), (16, 15), (21, 255), (256, 255)]
)
def test_palettes_that_pillow_cuts_off(tmp_path, number, last):
    """Of 3, 5 and 11 colours, 255 is written as an index beyond them; of 2, 4 and 16 as one of theirs."""
    image = Image.frombytes("P", (3, 1), bytes([0, 1, 255]))
    image.putpalette(bytes(i % 256 for i in range(3 * number)))
    image.save(tmp_path / "a.png")
    mask = read_mask_file(tmp_path / "a.png")
    assert mask.pixels.tolist() == [[0, 1, last]]
    assert len(mask.palette) == number
    assert mask.without_color() == ([255] if number in (3, 5, 11, 21) else [])


def test_an_index_without_color_is_never_black(tmp_path):
    path = png(tmp_path / "a.png", 8, 3, bytes([0, 1, 7]), 3, bytes([9, 9, 9, 8, 8, 8]))
    assert read_mask(path).tolist() == [[0, 1, 7]]
    with pytest.raises(ValueError, match=r"a.png holds the palette index 7, and its palette has 2 colours, 0 to 1"):
        read_mask(path, colored=True)
    path = png(tmp_path / "b.png", 8, 3, bytes([0, 1, 0]), 3, bytes([9, 9, 9, 8, 8, 8]))
    assert read_mask(path, colored=True).tolist() == [[[9] * 3, [8] * 3, [9] * 3]]
