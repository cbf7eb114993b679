"""Read image and mask files with Pillow, and turn everything that can go wrong into a `ValueError` naming the file.

What an image is, is decided here: by its first bytes, whatever it is called, one of `FORMATS` or HEIC, and of no more
pixels than Pillow's guard allows, which the header tells before anything is decoded. Of a file of several pictures the
first is read: of an MPO, of an Ultra HDR photograph (its gain map is left alone) and of a motion photo (so is its film).
"""

import functools
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

# Pillow also opens PostScript (which starts Ghostscript), stubs of other programs' files, and formats of no magic.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF")
EXPECTED = "JPEG, PNG, BMP, WebP, TIFF, GIF, PPM, JPEG 2000, AVIF or HEIC"
_INSTALL_HEIF = 'pip install "fcn_keras[heif]"'
_HEIC_EXTENSIONS = frozenset({".heic", ".heif", ".hif"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"GIF8", b"\0\0\0\x0cjP  ")
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
_HEAD = 512  # bytes, which tell what a file is
_BAND = 1024  # rows
_WEBP_SIDE = 16_383  # libwebp's own limit; an animation may declare more, and libwebp then takes half a minute
_ORIENTATION, _SHORT = 0x0112, 3  # EXIF's tag, and TIFF's type of two bytes
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that exchange height and width
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def extensions() -> frozenset[str]:
    """Return the extensions (lower case, with the dot) by which folders are searched for images.

    Those of HEIC are among them where pillow-heif is installed.
    """
    known = {ext for ext, kind in Image.registered_extensions().items() if kind in (*FORMATS, "MPO")}
    return frozenset(known | _HEIC_EXTENSIONS if _reads_heic() else known)


def extensions_to_install() -> dict[str, str]:
    """Return the extensions of photographs that one more package would read, and the command that installs it."""
    return {} if _reads_heic() else dict.fromkeys(sorted(_HEIC_EXTENSIONS), _INSTALL_HEIF)


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an image file as RGB, turned upright by its EXIF orientation.

    Transparency is dropped, not blended. Of 16-bit grey the high byte is kept, as libpng and TensorFlow do. CMYK and
    the other colour spaces go through Pillow's conversion. Of several frames (GIF, WebP, APNG, TIFF) the first is read.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the file is missing, damaged, too large for Pillow's guard, or holds floats.
    """
    with _opened(path) as image:
        image = turned_upright(image)
        mode = image.mode
        pixels = np.array(image) if mode[0] in "IF" else _colours(image if mode == "RGB" else image.convert("RGB"))
    if mode == "F":
        raise ValueError(f"An image holds 8 or 16 bits a channel. Received: floats in {path}. Save it as 8 bit.")
    return pixels if pixels.ndim == 3 else _high_byte(pixels, path)


def read_mask(path: str | os.PathLike[str], *, colored: bool = False) -> NDArray[Any]:
    """Read a mask file, never through luma: the ids of grey and palette files, the colours of colour files.

    EXIF orientation is left alone: masks come from labelling tools, not from cameras.

    Args:
        colored: look palette files up in their palette and return colours instead of indices.

    Returns:
        `(H, W)` integer ids, or `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the file is missing, damaged, too large for Pillow's guard, or neither ids nor colours.
    """
    with _opened(path) as image:
        mode = image.mode
        in_colors = mode in ("RGB", "RGBA", "RGBX") or (colored and mode == "P")
        pixels = np.array(image.convert("RGB") if in_colors else image)
    if not (in_colors or mode in ("1", "L", "P") or mode[0] == "I"):
        raise ValueError(
            f"A mask is 8-bit or 16-bit grey, palette or RGB. Received: mode {mode} in {path}. "
            "Save it as 8-bit grey PNG."
        )
    return pixels.astype(np.uint8) if mode == "1" else pixels


def read_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return `(H, W)` of an image from its header, as `read_image` would turn it."""
    with _opened(path) as image:
        height, width = image.height, image.width
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def orientation(path: str | os.PathLike[str]) -> int:
    """Return the EXIF orientation (1..8) by which `read_image` turns a file."""
    with _opened(path) as image:
        return _orientation(image)


def read_header(path: str | os.PathLike[str]) -> tuple[str | None, str, dict[Any, Any]]:
    """Return `(format, mode, info)` of an image or mask, by Pillow's names, without decoding it.

    Raises:
        ValueError: if the file is missing, too large for Pillow's guard, or no image.
    """
    with _opened(path) as image:
        return image.format, image.mode, dict(image.info)


def turned_upright(image: Image.Image) -> Image.Image:
    """Turn an open Pillow image by its EXIF orientation.

    Returns:
        an image of the same mode; `image` itself where nothing is to be turned.
    """
    turn = _UPRIGHT.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    try:
        if not os.path.isfile(path) and os.path.exists(path):
            raise ValueError("it is no file")  # to open a pipe would wait for ever
        with Image.open(path, formats=_formats_of(path)) as image:
            if not image.width * image.height:
                raise ValueError(f"it has {image.width}x{image.height} pixels")
            if image.format == "WEBP" and max(image.size) > _WEBP_SIDE:
                raise ValueError(f"a WebP side has at most {_WEBP_SIDE} pixels, not {max(image.size)}")
            yield image
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. Was it moved while it was in use?") from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path} is larger than Pillow allows: {error} "
            "Scale it down, or raise `PIL.Image.MAX_IMAGE_PIXELS` if you trust the file."
        ) from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise ValueError(
            f"{path} cannot be read as an image: {_reason(path, error)}. Save it again as PNG or JPEG, or take it out."
        ) from error


def _formats_of(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Name the formats that a file may have; HEIC has to be told, as Pillow's reader of AVIF takes some of it for its.

    Raises:
        ValueError: of HEIC, where pillow-heif is missing.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if not _is_heic(head):
        return FORMATS
    if not _reads_heic():
        raise ValueError(f"it is HEIC, as iPhones write it, which takes one more package: {_INSTALL_HEIF}")
    _teach_pillow_heic()
    return ("HEIF",)


def _reads_heic() -> bool:
    return importlib.util.find_spec("pillow_heif") is not None


@functools.cache
def _teach_pillow_heic() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _is_heic(head: bytes) -> bool:
    brands = _brands(head)
    return bool(brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS)


def _brands(head: bytes) -> set[bytes]:
    """Return what an ISO base media file says that it is, which HEIC, AVIF and MP4 are; nothing of any other."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[start : start + 4] for start in (8, *range(16, end - 3, 4))}


def _reason(path: str | os.PathLike[str], error: Exception) -> str:
    """Say what a file is that is no image, or else what Pillow says."""
    if not isinstance(error, UnidentifiedImageError):
        return str(error).rstrip(".") or type(error).__name__
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "the file is empty"
    if text.startswith(b"<") and b"<svg" in text:
        return "it is an SVG drawing"
    for beginnings, what in _STRANGERS:
        if text.startswith(beginnings):
            return f"it is {what}"
    if brands := _brands(head):
        return "it is a video" if not brands & (_HEIC_BRANDS | _AVIF_BRANDS) else "it is damaged or cut off"
    if head.startswith(_MAGIC):
        return "its header is damaged"
    return f"it begins with {head[:12]!r}. Expected {EXPECTED}, whatever it is called"


def _orientation(image: Image.Image) -> int:
    if image.format in ("TIFF", "HEIF"):  # their readers turn these by themselves, in their size as well
        return 1
    # EXIF alone, as browsers and the exported model read it: Pillow's `getexif` would also believe an XMP packet, for
    # PNG decodes every pixel to look for EXIF behind them, and refuses an image whose EXIF is damaged.
    return _orientation_in((image.info.get("exif") or b"").removeprefix(b"Exif\0\0"))


def _orientation_in(tiff: bytes) -> int:
    """Return the orientation that the first directory of a TIFF structure says, or 1; nothing else is followed."""
    order: Literal["big", "little"] = "big" if tiff[:2] == b"MM" else "little"

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)

    start = number(4, 4)
    entries = range(start + 2, min(start + 2 + 12 * number(start, 2), len(tiff) - 11), 12)
    orientations = [entry for entry in entries if number(entry, 2) == _ORIENTATION]
    value = number(orientations[-1] + 8, 2) if orientations and number(orientations[-1] + 2, 2) == _SHORT else 1
    return value if value in _UPRIGHT else 1


def _colours(image: Image.Image) -> NDArray[np.uint8]:
    """Copy a picture band by band: at once, Pillow would make bytes of all of it first."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _BAND):
        bottom = min(top + _BAND, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _high_byte(grey: NDArray[Any], path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    if grey.size and (grey.min() < 0 or grey.max() > 65535):
        raise ValueError(
            f"An image holds 8 or 16 bits a channel. Received: {grey.min()}..{grey.max()} in {path}. Save it as 8 bit."
        )
    return np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2)  # (H, W, 3)
