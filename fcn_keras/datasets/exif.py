"""How EXIF says that an image is turned. The graph of an exported model does the same."""

from typing import Literal

from PIL import Image

_ORIENTATION, _SHORT = 0x0112, 3  # EXIF's tag, and TIFF's type of two bytes
SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that exchange height and width
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turned_upright(image: Image.Image) -> Image.Image:
    """Turn an open Pillow image by its EXIF orientation.

    Returns:
        an image of the same mode; `image` itself where nothing is to be turned.
    """
    turn = _UPRIGHT.get(orientation_of(image))
    return image if turn is None else image.transpose(turn)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation (1..8) by which an open Pillow image is yet to be turned."""
    if image.format in ("TIFF", "HEIF"):  # their readers turn these by themselves, in their size as well
        return 1
    # EXIF alone, as browsers and the exported model read it: Pillow's `getexif` would also believe an XMP packet, for
    # PNG decodes every pixel to look for EXIF behind them, and refuses an image whose EXIF is damaged.
    return orientation_in((image.info.get("exif") or b"").removeprefix(b"Exif\0\0"))


def orientation_in(tiff: bytes) -> int:
    """Return the orientation that the first directory of a TIFF structure says, or 1; nothing else is followed.

    Args:
        tiff: bytes of EXIF, without what comes before them in an image file.
    """
    order: Literal["big", "little"] = "big" if tiff[:2] == b"MM" else "little"

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)

    start = number(4, 4)
    entries = range(start + 2, min(start + 2 + 12 * number(start, 2), len(tiff) - 11), 12)
    orientations = [entry for entry in entries if number(entry, 2) == _ORIENTATION]
    value = number(orientations[-1] + 8, 2) if orientations and number(orientations[-1] + 2, 2) == _SHORT else 1
    return value if value in _UPRIGHT else 1
