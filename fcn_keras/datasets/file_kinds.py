"""Tell what a file is by its first bytes, whatever it is called: HEIC, and what `images` does not read."""

import os

from PIL import TiffImagePlugin

EXPECTED = "JPEG, PNG, BMP, WebP, TIFF, GIF, PPM, JPEG 2000, AVIF or HEIC"
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEAD = 512  # bytes, which tell what a file is
_TIFF = (b"II*\0", b"MM\0*")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"BM", b"RIFF", b"GIF8", b"\0\0\0\x0cjP  ", *_TIFF)
_STRANGERS = (  # first bytes in lower case, after white space -> what begins with them
    ((b"<svg",), "an SVG drawing"),
    ((b"<!doctype html", b"<html", b"<head", b"<body", b"<script"), "an HTML page, as a failed download leaves it"),
    ((b"<?xml",), "an XML file"),
    ((b"version https://git-lfs",), "a pointer of Git LFS; fetch the file itself with git lfs pull"),
    ((b"%pdf",), "a PDF file"),
    ((b"%!ps", b"\xc5\xd0\xd3\xc6"), "a PostScript file"),
    ((b"pk\x03\x04",), "a zip archive"),
    ((b"\x1f\x8b",), "a gzip file"),
    ((b"8bps",), "a Photoshop file"),
    ((b"\x89hdf", b"matlab"), "a file of arrays (HDF5 or MATLAB)"),
)
_CHANNELS, _BITS, _NUMBERS = 277, 258, 339  # TIFF's tags: SamplesPerPixel, BitsPerSample, SampleFormat
_NUMBERS_ARE = {2: " (signed)", 3: " (floats)"}  # by SampleFormat


def is_heic(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is HEIC or HEIF, by the brands at its beginning."""
    brands = _brands(_head(path))
    return bool(brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS)


def unread(path: str | os.PathLike[str]) -> str:
    """Return what a file is that cannot be read as an image: `it is a PDF file`."""
    head = _head(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "the file is empty"
    if text.startswith(b"<") and b"<svg" in text:
        return "it is an SVG drawing"
    for beginnings, what in _STRANGERS:
        if text.startswith(beginnings):
            return f"it is {what}"
    if brands := _brands(head):
        kind = "AVIF" if brands & _AVIF_BRANDS else "HEIC" if brands & _HEIC_BRANDS else None
        return f"it is {kind}, damaged or cut off" if kind else "it is a video"
    if head.startswith(_TIFF) and (layout := _tiff_layout(path)):
        return f"it is a TIFF of {layout}. Expected grey or RGB of 8 or 16 bits"
    if head.startswith(_MAGIC):
        return "its header is damaged"
    return f"it begins with {head[:12]!r}. Expected {EXPECTED}, whatever it is called"


def _head(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD)


def _brands(head: bytes) -> set[bytes]:
    """Return what an ISO base media file says that it is, which HEIC, AVIF and MP4 are; nothing of any other."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[start : start + 4] for start in (8, *range(16, end - 3, 4))}


def _tiff_layout(path: str | os.PathLike[str]) -> str:
    """Describe the channels of a TIFF file's first picture; empty where its directory is damaged."""
    try:
        with open(path, "rb") as file:
            directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
            file.seek(directory.next)
            directory.load(file)
        channels, bits, numbers = directory.get(_CHANNELS, 1), directory[_BITS], directory.get(_NUMBERS, (1,))
        return f"{int(channels)} channels of {int(bits[0])} bits{_NUMBERS_ARE.get(numbers[0], '')}"
    except Exception:  # a damaged file makes Pillow raise nearly anything
        return ""
