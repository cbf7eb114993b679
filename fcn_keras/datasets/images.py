"""Read image and mask files with Pillow, and turn everything that can go wrong into a `ValueError` naming the file.

What an image is, is decided here: by its first bytes, whatever it is called, one of `FORMATS` or HEIC, and of no more
pixels than Pillow's guard or `pixels_allowed` lets in, which the header tells before anything is decoded. Of several
pictures the first is read: of an MPO, of an Ultra HDR photograph and of a motion photo, without gain map and film.
"""

import functools
import importlib.util
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from .exif import SIDEWAYS, orientation_of, turned_upright
from .file_kinds import is_heic, unread
from .mask_files import MaskFile, mask_of

# Pillow also opens PostScript (which starts Ghostscript), stubs of other programs' files, and formats of no magic.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF")
logging.getLogger("PIL.TiffImagePlugin").addHandler(logging.NullHandler())  # what it logs, our errors say

_INSTALL_HEIF = 'pip install "fcn_keras[heif]"'
_HEIC_EXTENSIONS = frozenset({".heic", ".heif", ".hif"})
_BAND = 1024  # rows
_WEBP_SIDE = 16_383  # libwebp's own limit; an animation may declare more, and libwebp then takes half a minute
_INTERPRETATION = 262  # TIFF's PhotometricInterpretation; 0 is white, which Pillow heeds for 8 bits and not for 16


def extensions() -> frozenset[str]:
    """Return the extensions (lower case, with the dot) by which folders are searched for images.

    Those of HEIC are among them, so that without pillow-heif it is an error, and no gap in a data set.
    """
    known = {ext for ext, kind in Image.registered_extensions().items() if kind in (*FORMATS, "MPO")}
    return frozenset(known | _HEIC_EXTENSIONS)


def extensions_to_install() -> dict[str, str]:
    """Return the extensions of photographs that one more package would read, and the command that installs it."""
    return {} if _reads_heic() else dict.fromkeys(sorted(_HEIC_EXTENSIONS), _INSTALL_HEIF)


@contextmanager
def pixels_allowed(most: int | None) -> Iterator[None]:
    """Let images of at most `most` pixels be read meanwhile, in this process; None leaves Pillow's limit as it is.

    Pillow has one limit for all threads, and warns from half of it on, which it does not meanwhile.

    Returns:
        a context manager, which yields nothing.
    """
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            Image.MAX_IMAGE_PIXELS = before if most is None else -(-most // 2)  # twice as many are refused
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an image file as RGB, turned upright by its EXIF orientation.

    Transparency is dropped, not blended, and so are further channels of a TIFF. Of 16 bits a channel the high byte is
    kept, as libpng and TensorFlow do. CMYK and the other colour spaces go through Pillow's conversion; an ICC profile,
    such as Display P3's, is not applied, here as in exported models. Of several frames (GIF, WebP, APNG, TIFF) the
    first is read.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the file is missing, damaged, too large (`pixels_allowed`), or holds floats.
    """
    return _colours(read_picture(path)[0])


def read_picture(path: str | os.PathLike[str]) -> tuple[Image.Image, int]:
    """Read an image file as `read_image` does, where Pillow works on it further.

    Returns:
        a Pillow image of mode RGB, decoded and upright, and the EXIF orientation (1..8) by which it was turned.

    Raises:
        ValueError: as `read_image`.
    """
    with opened(path) as image:
        turned, decoded = orientation_of(image), _decoded(image)
    return _in_rgb(decoded, path), turned


def rgb_of(image: Image.Image, name: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the pixels of an open Pillow image as `read_image` does those of its file.

    Args:
        name: of the image, for the error.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if it holds floats, or more than 16 bits a channel.
    """
    return _colours(_in_rgb(_decoded(image), name))


def read_mask(path: str | os.PathLike[str], *, colored: bool = False) -> NDArray[Any]:
    """Read a mask file, never through luma: the ids of grey and palette files, the colours of colour files.

    EXIF orientation is left alone: masks come from labelling tools, not from cameras.

    Args:
        colored: look palette files up in their palette and return colours instead of indices.

    Returns:
        `(H, W)` integer ids, or `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the file is missing, damaged, too large (`pixels_allowed`), neither ids nor colours, or holds an
            index that its palette has no colour for.
    """
    return read_mask_file(path).as_pixels(path, colored=colored)


def read_mask_file(path: str | os.PathLike[str]) -> MaskFile:
    """Read a mask file with its palette, otherwise as `read_mask`.

    Returns:
        `MaskFile`.

    Raises:
        ValueError: if the file is missing, damaged, too large (`pixels_allowed`), or neither ids nor colours.
    """
    with opened(path) as image:
        return mask_of(image, path)


def read_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return `(H, W)` of an image from its header, as `read_image` would turn it."""
    with opened(path) as image:
        height, width = image.height, image.width
        return (width, height) if orientation_of(image) in SIDEWAYS else (height, width)


def orientation(path: str | os.PathLike[str]) -> int:
    """Return the EXIF orientation (1..8) by which `read_image` turns a file."""
    with opened(path) as image:
        return orientation_of(image)


def read_header(path: str | os.PathLike[str]) -> tuple[str | None, str, dict[Any, Any]]:
    """Return `(format, mode, info)` of an image or mask, by Pillow's names, without decoding it.

    Raises:
        ValueError: if the file is missing, too large (`pixels_allowed`), or no image.
    """
    with opened(path) as image:
        return image.format, image.mode, dict(image.info)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open a file as one of the formats that are read.

    Returns:
        a context manager, which yields a Pillow image.

    Raises:
        ValueError: if anything goes wrong, within the context too; it names the file.
    """
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
        has, most = (int(number) for number in re.findall(r"\d+", str(error))[:2])
        raise ValueError(
            f"{path} has {has} pixels, and at most {most} are read. Scale it down; fcn-predict --max-pixels reads more "
            "of a file that you trust."
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
    if not is_heic(path):
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


def _reason(path: str | os.PathLike[str], error: Exception) -> str:
    """Say what a file is that is no image, or else what Pillow says."""
    return unread(path) if isinstance(error, UnidentifiedImageError) else str(error).rstrip(".") or type(error).__name__


def _is_white_zero(image: Image.Image) -> bool:
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_INTERPRETATION) == 0


def _decoded(image: Image.Image) -> Image.Image | NDArray[Any]:
    """Return a picture upright: RGB, or the numbers of a grey one of floats or of more than 8 bits."""
    is_negative = image.mode.startswith("I;16") and _is_white_zero(image)
    image = turned_upright(image)
    if image.mode[0] in "IF":
        pixels = np.array(image)
        return 65535 - pixels if is_negative else pixels
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def _in_rgb(decoded: Image.Image | NDArray[Any], path: str | os.PathLike[str]) -> Image.Image:
    if isinstance(decoded, Image.Image):
        return decoded
    if decoded.dtype.kind == "f":
        raise ValueError(f"An image holds 8 or 16 bits a channel. Received: floats in {path}. Save it as 8 bit.")
    return Image.fromarray(_high_byte(decoded, path))


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
