"""Tell which files TensorFlow's decoders read to the very pixels that Pillow gives; nothing is decoded here.

TensorFlow decodes without Python, so that a stream's threads do not wait for each other. Everything unusual is left to
Pillow: EXIF that turns an image, grey, CMYK and progressive photographs, rare subsampling, indices of fewer than 8
bits, cut files. Where scans of a progressive file are missing, decoders guess what stood in them each in its own way.
"""

import os
import zlib
from typing import NamedTuple

from PIL import Image

from .exif import orientation_in

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAMES = {0xC0, 0xC1}  # baseline and extended, by Huffman's code
_OTHER_FRAMES = {0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_SCAN, _EXIF, _END = 0xDA, b"Exif\0\0", b"\xff\xd9"
_SAMPLINGS = {(0x11, 0x11, 0x11), (0x21, 0x11, 0x11), (0x22, 0x11, 0x11)}  # 4:4:4, 4:2:2, 4:2:0
_GREY, _PALETTE = 0, 3


class Encoded(NamedTuple):
    """A pair that TensorFlow decodes.

    Attributes:
        image: a JPEG file.
        mask: a PNG file of 8-bit grey.
    """

    image: bytes
    mask: bytes


def encoded_pair(image: str | os.PathLike[str], mask: str | os.PathLike[str]) -> Encoded | None:
    """Read an image and a mask of ids without decoding them.

    Args:
        image: path of a photograph.
        mask: path of its mask; an index of a palette file is an id.

    Returns:
        `Encoded`, whose pixels are those of `read_image` and `read_mask`; None where Pillow has to read, or where
        something is wrong, which `read_image` and `read_mask` then say.
    """
    pixels, ids = _read(image), _read(mask)
    size = jpeg_size(pixels)
    if size is None or size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or 0):
        return None
    grey = grey_png(ids)
    return Encoded(pixels, grey) if grey is not None and _png_size(grey) == size else None


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        if not os.path.isfile(path):  # to open a pipe would wait for ever
            return b""
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return `(H, W)` of a JPEG file that every decoder reads alike; None of another file.

    Args:
        data: the file.
    """
    if not data.startswith(b"\xff\xd8\xff") or not data.endswith(_END):
        return None
    size, exif, start = None, 0, 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker, length = data[start + 1], int.from_bytes(data[start + 2 : start + 4], "big")
        body = data[start + 4 : start + 2 + length]
        if marker == _SCAN:
            return size
        if marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # has no length, which others may take from what follows
            return None
        if marker == 0xE1 and body.startswith(_EXIF):
            exif += 1
            if exif > 1 or orientation_in(body[len(_EXIF) :]) != 1:
                return None
        elif marker in _FRAMES:
            size = _frame_size(body)
        if marker in _OTHER_FRAMES or (marker == 0xE2 and body.startswith(b"MPF\0")):
            return None
        start += 2 + length
    return None


def _frame_size(frame: bytes) -> tuple[int, int] | None:
    """Return `(H, W)` of a frame of 8 bits and three components of a usual sampling."""
    if len(frame) != 15 or frame[0] != 8 or frame[5] != 3 or (frame[7], frame[10], frame[13]) not in _SAMPLINGS:
        return None
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return (height, width) if height and width else None


def grey_png(data: bytes) -> bytes | None:
    """Return a PNG file of 8-bit grey with the values or indices of one; None of another file.

    The stream of compressed bytes is the same: only the header calls indices grey, and what else is said of colours is
    left out.

    Args:
        data: the file.
    """
    if not data.startswith(_SIGNATURE):
        return None
    start, first, header, name = len(_SIGNATURE), 0, b"", b""
    while start + 12 <= len(data) and name != b"IEND":
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        name = data[start + 4 : start + 8]
        if end > len(data) or zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return None
        if name == b"IHDR":
            header = data[start + 8 : end - 4]
        elif name in (b"acTL", b"fcTL", b"fdAT"):
            return None
        elif name == b"IDAT" and not first:
            first = start
        start = end
    if name != b"IEND" or not first or len(header) != 13 or header[8] != 8 or header[9] not in (_GREY, _PALETTE):
        return None
    if header[10:] != b"\0\0\0":
        return None
    chunk = b"IHDR" + header[:9] + bytes([_GREY, 0, 0, 0])
    return b"".join((_SIGNATURE, b"\0\0\0\r", chunk, zlib.crc32(chunk).to_bytes(4, "big"), data[first:]))


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    return height, width
