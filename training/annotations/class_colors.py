"""Colours of classes, from the class files of several tools."""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from .annotations import IGNORED, VOID, label_text
from .masks import without_mixed

FILES = ("classes.txt", "label_colors.txt", "class_dict.csv", "labelmap.txt", "label_colours.txt", "color_map.txt")
_NEAR = 24  # of 255, in every channel: JPEG at quality 75 leaves flat areas within 10
_KNOWN_SHARE = 0.5  # of a mask's pixels whose colour must be known for the others to follow, as in `fcn-doctor --fix`


class Colors:
    """Translate colours to ids.

    Args:
        entries: `(name, (R, G, B))`; several colours of one name are one class, those of `void` are void.

    Attributes:
        names: tuple of the classes, in the order of their first colours.
    """

    def __init__(self, entries):
        self.names = tuple(dict.fromkeys(name for name, _ in entries if name.lower() not in IGNORED))
        ids = {name: self.names.index(name) if name in self.names else VOID for name, _ in entries}
        table = sorted((_packed(np.array(color)).item(), ids[name], color) for name, color in entries)
        self._packed = np.array([packed for packed, *_ in table])
        self._ids = np.array([value for _, value, _ in table], np.uint8)
        self._colors = np.array([color for *_, color in table], np.int16)

    def translate(self, pixels):
        """Return `(H, W)` uint8 ids and `(H, W)` bool, whether the colour is known, of `(H, W, 3)` uint8 colours."""
        packed = _packed(pixels)
        place = np.searchsorted(self._packed, packed).clip(0, len(self._packed) - 1)
        known = self._packed[place] == packed
        return np.where(known, self._ids[place], np.uint8(VOID)), known

    def unknown(self, pixels):
        """Count the colours that no class has: Counter of `(R, G, B)`."""
        _, known = self.translate(pixels)
        if known.all():
            return Counter()
        packed, counts = np.unique(_packed(pixels[~known]), return_counts=True)
        colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)
        return Counter(dict(zip(map(tuple, colors.tolist()), counts.tolist(), strict=True)))

    def nearest(self, pixels, where):
        """Return `(H, W)` uint8 ids: unknown colours as a class's that is near, others as their neighbours.

        Raises:
            ValueError: if too few colours are known or near to one.
        """
        packed, place = np.unique(_packed(pixels), return_inverse=True)
        colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.int16)
        ids, near = np.zeros(len(packed), np.uint8), np.zeros(len(packed), bool)
        for start in range(0, len(packed), 4096):  # (4096, classes, 3) at once
            gaps = np.abs(colors[start : start + 4096, None] - self._colors).max(axis=2)
            best = gaps.argmin(axis=1)
            ids[start : start + 4096] = self._ids[best]
            near[start : start + 4096] = gaps[np.arange(len(best)), best] <= _NEAR
        ids, near = ids[place].reshape(pixels.shape[:2]), near[place].reshape(pixels.shape[:2])
        if near.mean() < _KNOWN_SHARE:
            raise ValueError(f"{where} holds mostly colours that are near to no class's. Is it the right class file?")
        return ids if near.all() else without_mixed(ids, near)


def read_colors(path):
    """Read a class file: `name R G B` or `R G B name` a line, CSV `name,r,g,b`, CVAT's `name:r,g,b:parts:actions`.

    `#` starts a comment. A first line that holds no number is a heading.

    Returns:
        `Colors`, or None if no line has a colour.

    Raises:
        ValueError: naming the line that is wrong.
    """
    entries, plain = [], []
    for number, line in enumerate(_lines(path), 1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line:
            continue
        where = f"{path}:{number}"
        name, color = _entry(line)
        if color is None:
            plain += [] if not entries and not plain and re.search(r"[,;\t]", line) else [where]  # a heading
            continue
        if max(color) > 255:
            raise ValueError(f"{where} has the colour {color}. Expected 0..255.")
        if any(color == known for _, known in entries):
            raise ValueError(f"{where} gives the colour {color} a second time. Each belongs to one class.")
        entries.append((label_text(name, f"{where}: the class"), color))
    if entries and plain:
        raise ValueError(f"{plain[0]} has no colour, other lines have. Expected such as `road 128 64 128`.")
    if not entries:
        return None
    found = Colors(entries)
    if not found.names:
        raise ValueError(f"{path} names no class but void.")
    return found


def _lines(path):
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a readable class file. Expected `name R G B` a line, UTF-8.") from error


def _entry(line):
    """Return name and colour of a line; None where it has no colour."""
    cvat = re.fullmatch(r"(.+?):\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*:.*", line)
    after = re.fullmatch(r"(.+?)[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})", line)
    before = re.fullmatch(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(.+)", line)
    if cvat or (after and not before):
        name, *color = (cvat or after).groups()
    elif before:
        *color, name = before.groups()
    else:
        return line, None
    return name.strip("\"' "), tuple(map(int, color))


def _packed(colors):
    red, green, blue = np.moveaxis(colors, -1, 0).astype(np.int64)
    return red << 16 | green << 8 | blue
