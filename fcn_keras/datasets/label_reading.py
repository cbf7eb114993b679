"""Read masks as the ids of classes, by one rule for every reader: by colour where they hold colours, else as ids."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .classes import ClassTable
from .images import read_mask_file
from .mask_files import MaskFile, lacking_color


class LabelReader:
    """Read the masks of one data set; whether its grey masks hold ids or colours is one question for all of them.

    Where the classes have no colours, grey and palette masks hold ids. Where they have, RGB masks are translated by
    colour, and palette masks by the colours of their palette. Grey masks hold ids, unless one of the data set's holds a
    grey that is no id, and all its greys are colours of classes.

    Args:
        table: the classes.
        ignore_label: the void id besides 255.
        files: all masks of the data set, of which as many are read as it takes to tell.
    """

    def __init__(self, table: ClassTable, ignore_label: int = VOID, files: Iterable[Path] = ()) -> None:
        self._table, self._ignore_label, self._files = table, ignore_label, files

    def __call__(self, path: Path) -> NDArray[Any]:
        """Return the `(H, W)` ids of a mask, void as 255; ids that no class has stay as they are.

        Raises:
            ValueError: if the file cannot be read, or holds colours that no class has.
        """
        mask = read_mask_file(path)
        if self._table.colored and mask.palette is not None:
            return self._by_palette(mask, path)
        if mask.pixels.ndim == 3:
            return self._table.translate(mask.pixels, path)
        if self._table.greys and self._in_colors(mask):
            greys: NDArray[np.uint8] = self._table.grey_ids[mask.pixels]
            return greys
        pixels = mask.pixels
        if self._ignore_label != VOID:
            pixels = np.where(pixels == self._ignore_label, VOID, pixels)
        return pixels

    def _by_palette(self, mask: MaskFile, path: Path) -> NDArray[np.uint8]:
        ids, known = palette_ids(mask, self._table, self._ignore_label)
        used = np.flatnonzero(np.bincount(mask.pixels.ravel(), minlength=256))
        lacking = [int(index) for index in used if index >= len(mask.palette) and not known[index]]  # type: ignore[arg-type]
        if lacking:
            raise ValueError(lacking_color(path, lacking, len(mask.palette)))  # type: ignore[arg-type]
        if not known[used].all():
            try:
                self._table.translate(mask.palette[mask.pixels], path)  # type: ignore[index]
            except ValueError as error:
                fits = are_ids(used, self._table, self._ignore_label)
                raise ValueError(f"{error}{_TWO_READINGS if fits else ''}") from None
        label: NDArray[np.uint8] = ids[mask.pixels]
        return label

    def _in_colors(self, mask: MaskFile) -> bool:
        as_ids, as_colors = self._fits(mask)
        return as_colors and (not as_ids or self._greys_are_colors)

    def _fits(self, mask: MaskFile) -> tuple[bool, bool]:
        return fits(values_of(mask.pixels), self._table, self._ignore_label)

    @cached_property
    def _greys_are_colors(self) -> bool:
        """Look for the first grey mask that tells; ids if none does."""
        if not self._table.greys_differ:
            return False
        for path in self._files:
            try:
                mask = read_mask_file(path)
            except ValueError:
                continue
            if mask.palette is None and mask.pixels.ndim == 2 and (told := self._fits(mask)) in (_IDS, _COLORS):
                return told == _COLORS
        return False


_IDS, _COLORS = (True, False), (False, True)
_TWO_READINGS = (
    " If the indices of the palette are the ids, give the classes no colours, or save the masks as 8-bit grey."
)


def palette_ids(
    mask: MaskFile, table: ClassTable, ignore_label: int = VOID
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Look up each index of a palette file by its colour.

    Args:
        mask: the file.
        table: of the classes.
        ignore_label: the void id besides 255.

    Returns:
        `(256,)` uint8 ids, and `(256,)` whether they are known: an index that the palette has no colour for is, if it
        is void.
    """
    ids, known = np.full(256, VOID, np.uint8), np.zeros(256, bool)
    palette = mask.palette if mask.palette is not None else np.zeros((0, 3), np.uint8)
    number = len(palette)
    (ids[:number],), (known[:number],) = table.lookup(palette[None])
    for void in {VOID, ignore_label} & set(range(number, 256)):
        known[void] = True
    return ids, known


def fits(values: NDArray[Any], table: ClassTable, ignore_label: int = VOID) -> tuple[bool, bool]:
    """Return whether the values of a grey mask can be ids, and whether all of them are greys of the classes in `table`.

    `ignore_label` is the void id besides 255.
    """
    return are_ids(values, table, ignore_label), all(int(value) in table.greys for value in values)


def are_ids(values: NDArray[Any], table: ClassTable, ignore_label: int = VOID) -> bool:
    """Return whether all values can be ids of the classes in `table`, or void: 255 or `ignore_label`."""
    ids = (values >= 0) & (values < len(table.names))
    return bool((ids | (values == VOID) | (values == ignore_label)).all())


def values_of(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the values that occur in `pixels`, ascending."""
    return np.flatnonzero(np.bincount(pixels.ravel())) if pixels.dtype == np.uint8 else np.unique(pixels)
