"""What a mask file holds: values of grey, indices with their palette, or colours; never luma."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..examples import VOID

_IN_COLORS = ("RGB", "RGBA", "RGBX")


@dataclass(frozen=True)
class MaskFile:
    """A mask as it lies in its file.

    Attributes:
        pixels: `(H, W)` integers, or `(H, W, 3)` uint8 RGB. Of grey files of 2 and 4 bits the values in the file, where
            readers of images say 85 and 17 times as much. Of palette files of fewer than 8 bits the highest index is
            255 if the palette has no colour for it: 255 was written there, and cut off.
        palette: `(N, 3)` uint8 RGB of a palette file, else None.
        mode: Pillow's, such as `L`, `P`, `RGB`.
        bits: of a value in the file, 1 to 32.
        kind: the format, by Pillow's name.
    """

    pixels: NDArray[Any]
    palette: NDArray[np.uint8] | None
    mode: str
    bits: int
    kind: str | None

    def without_color(self) -> list[int]:
        """Return the indices that the palette has no colour for, ascending; none of a file without palette."""
        if self.palette is None or len(self.palette) > VOID:
            return []
        return [int(index) for index in np.flatnonzero(np.bincount(self.pixels.ravel())) if index >= len(self.palette)]

    def as_pixels(self, path: object, *, colored: bool) -> NDArray[Any]:
        """Return the pixels, those of a palette file as colours if `colored`; `path` is for the error.

        Raises:
            ValueError: if the palette lacks a colour.
        """
        if not colored or self.palette is None:
            return self.pixels
        if lacking := self.without_color():
            raise ValueError(lacking_color(path, lacking, len(self.palette)))
        pixels: NDArray[Any] = self.palette[self.pixels]
        return pixels


def mask_of(image: Image.Image, path: str | os.PathLike[str]) -> MaskFile:
    """Take an open Pillow image as a mask; `path` is for the error.

    Returns:
        `MaskFile`.

    Raises:
        ValueError: if it is neither ids nor colours.
    """
    mode, layout = image.mode, _layout(image)
    bits = _bits(mode, layout)
    if layout == "LA;16B" or not (mode in (*_IN_COLORS, "1", "L", "LA", "P") or mode[0] == "I"):
        what = "grey of 16 bits with transparency" if layout == "LA;16B" else f"mode {mode}"
        raise ValueError(
            f"A mask is 8-bit or 16-bit grey, palette or RGB. Received: {what} in {path}. Save it as 8-bit grey PNG."
        )
    palette = None
    if mode in _IN_COLORS:
        pixels = np.array(image.convert("RGB"))
    else:
        pixels = np.array(image.getchannel(0) if mode == "LA" else image)
    if mode == "1":
        pixels = pixels.astype(np.uint8)
    elif mode == "L" and bits < 8:
        pixels //= VOID // (2**bits - 1)
    elif mode == "P":
        palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        if bits < 8 and len(palette) < 2**bits:
            pixels[pixels == 2**bits - 1] = VOID
    return MaskFile(pixels, palette, mode, bits, image.format)


def lacking_color(path: object, indices: list[int], number: int) -> str:
    """Return the sentence on a file that holds `indices` beyond the `number` of its palette's colours."""
    named = f"palette {'indices' if len(indices) > 1 else 'index'} {', '.join(map(str, indices[:5]))}"
    return (
        f"{path} holds the {named}, and its palette has {number} colours, 0 to {number - 1}. Write it anew with a "
        "palette of 256 colours, or as 8-bit grey of ids."
    )


def _layout(image: Image.Image) -> str:
    """Return how values lie in the file, such as `L;4`, before it is decoded."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0].args if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _bits(mode: str, layout: str) -> int:
    bare, _, bits = layout.partition(";")
    if bare in ("L", "P") and bits[:1] in ("1", "2", "4") and not bits[1:2].isdigit():
        return int(bits[0])
    return {"1": 1, "I": 32, "F": 32}.get(mode, 16 if mode.startswith("I;16") else 8)
