"""Read image and mask files with Pillow, and turn everything that can go wrong into a `ValueError` naming the file."""

from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image, ImageOps

_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that exchange height and width


def extensions():
    """Return the file name extensions (lower case, with the dot) that Pillow can read."""
    return frozenset(ext for ext, kind in Image.registered_extensions().items() if kind in Image.OPEN)


def read_image(path):
    """Read an image file as RGB, turned upright by its EXIF orientation.

    Transparency is dropped, not blended. Of 16-bit grey the high byte is kept, as libpng and TensorFlow do. CMYK and
    the other colour spaces go through Pillow's conversion. Of several frames the first is read.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the file is missing, damaged, too large for Pillow's guard, or holds floats.
    """
    with _opened(path) as image:
        if _orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        mode = image.mode
        pixels = np.array(image if mode[0] in "IF" else image.convert("RGB"))
    if mode == "F":
        raise ValueError(f"An image holds 8 or 16 bits a channel. Received: floats in {path}. Save it as 8 bit.")
    return pixels if pixels.ndim == 3 else _high_byte(pixels, path)


def read_mask(path, *, colored=False):
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


def read_size(path):
    """Return `(H, W)` of an image from its header, as `read_image` would turn it."""
    with _opened(path) as image:
        height, width = image.height, image.width
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def orientation(path):
    """Return the EXIF orientation (1..8) by which `read_image` turns a file."""
    with _opened(path) as image:
        return _orientation(image)


@contextmanager
def _opened(path):
    try:
        with Image.open(path) as image:
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
            f"{path} cannot be read as an image: {error}. Save it again as PNG or JPEG, or take it out."
        ) from error


def _orientation(image):
    if image.format == "TIFF":  # Pillow turns these by itself, in their size as well
        return 1
    # EXIF alone, as browsers and the exported model read it: `getexif` would also believe an XMP packet, and for PNG
    # decodes every pixel to look for EXIF behind them.
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    return exif.get(ExifTags.Base.Orientation, 1)


def _high_byte(grey, path):
    if grey.size and (grey.min() < 0 or grey.max() > 65535):
        raise ValueError(
            f"An image holds 8 or 16 bits a channel. Received: {grey.min()}..{grey.max()} in {path}. Save it as 8 bit."
        )
    return np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2)  # (H, W, 3)
