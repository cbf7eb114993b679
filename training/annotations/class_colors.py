"""Colours of classes, from the class files of several tools, and masks of colours that no class has."""

import re
from collections import Counter

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fcn_keras.datasets.class_file import text_lines
from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.names import is_background, is_void
from fcn_keras.visualize import palette

from .annotations import BACKGROUND, label_text
from .masks import frequent_colors, in_blocks, packed, unpacked, without_mixed

FILES = ("classes.txt", "label_colors.txt", "class_dict.csv", "labelmap.txt", "label_colours.txt", "color_map.txt")
_NEAR, _FLAT = 24, 10  # of 255, in every channel: JPEG at quality 75 leaves flat areas within 10
_KNOWN_SHARE = 0.5  # of a mask's pixels whose colour must be known for the others to follow
_FEW, _OFTEN = 8, 0.25  # pixels of one unknown colour, and their share of the unknown ones, that no mixing explains
_BLOCK = 7  # pixels


def unknown_colors(pixels, table):
    """Count the colours of `(H, W, 3)` uint8 pixels that no class of a `ClassTable` has: Counter of `(R, G, B)`."""
    _, known = table.lookup(pixels)
    colors, counts = frequent_colors(pixels[~known], most=None)
    return Counter(dict(zip(map(tuple, colors.tolist()), counts.tolist(), strict=True)))


def nearest_ids(pixels, table, where):
    """Return `(H, W)` uint8 ids: unknown colours as a class's that is near, others as their neighbours.

    Args:
        pixels: `(H, W, 3)` uint8.
        table: a `ClassTable` with colours.
        where: names the mask, for the error.

    Raises:
        ValueError: if too few colours are known or near to one.
    """
    colors, gaps, _ = _nearest(pixels, table)
    near = gaps <= _NEAR
    if near.mean() < _KNOWN_SHARE:
        raise ValueError(f"{where} holds mostly colours that are near to no class's. Is it the right class file?")
    return table.lookup(without_mixed(np.where(near[..., None], colors, pixels), near))[0]


def ids_without_doubt(pixels, table, known, *, lossy):
    """Return `(H, W)` uint8 ids of a mask that JPEG or smooth resizing gave other colours, and None; or None, and why.

    Unknown colours are a class's that is near while no other is, or else those of neighbours. But a colour that fills a
    3x3 block, or a quarter of the unknown pixels, may be of a class that the class file lacks, and wires of it. JPEG
    leaves that too, but no 7x7 block of unknown colours.

    Args:
        pixels: `(H, W, 3)` uint8.
        table: a `ClassTable` with colours.
        known: `(H, W)` bool, where the colour is known.
        lossy: whether it is a JPEG file.
    """
    colors, gaps, clear = _nearest(pixels, table)
    numbers = packed(pixels)
    flat = in_blocks(numbers) & (not lossy)
    near = known | ((clear | lossy) & (gaps <= np.where(flat, _FLAT, _NEAR)))
    if near.mean() < _KNOWN_SHARE:
        return None, "in colours that stand for no class"
    unknown, counts = np.unique(numbers[~near], return_counts=True)
    often = not lossy and counts.max(initial=0) > max(_FEW, _OFTEN * counts.sum())
    if often or (flat & ~near).any() or _is_thick(~near):
        color = tuple(unpacked(unknown[[counts.argmax()]])[0].tolist())
        return None, f"a colour that may be of a class which the class file lacks, such as {color}"
    colors[known] = pixels[known]
    return table.lookup(without_mixed(np.where(near[..., None], colors, pixels), near))[0], None


def _is_thick(marked):
    """Tell whether `(H, W)` bool holds a block of 7x7."""
    if min(marked.shape) < _BLOCK:
        return False
    for axis in (0, 1):
        marked = sliding_window_view(marked, _BLOCK, axis=axis).all(axis=-1)
    return bool(marked.any())


def _nearest(pixels, table):
    """Return `(H, W, 3)` uint8 nearest colours of classes, how far they are, and where no other is half as near."""
    class_colors = np.array(sorted(table.colors), np.int16)
    numbers, place = np.unique(packed(pixels), return_inverse=True)
    place = place.reshape(pixels.shape[:2])
    colors = unpacked(numbers).astype(np.int16)
    best, far, clear = np.zeros(len(numbers), int), np.zeros(len(numbers), int), np.zeros(len(numbers), bool)
    for start in range(0, len(numbers), 4096):  # (4096, classes, 3) at once
        part = slice(start, start + 4096)
        gaps = np.abs(colors[part, None] - class_colors).max(axis=2)
        best[part] = gaps.argmin(axis=1)
        two = np.sort(np.pad(gaps, ((0, 0), (0, 1)), constant_values=255), axis=1)[:, :2]
        far[part], clear[part] = two[:, 0], 2 * two[:, 0] < two[:, 1]
    return class_colors[best].astype(np.uint8)[place], far[place], clear[place]


def read_colors(path):
    """Read a class file: `name R G B` or `R G B name` a line, CSV `name,r,g,b`, CVAT's `name:r,g,b:parts:actions`.

    `#` starts a comment. A first line that holds no number is a heading. `name:::` is a line of CVAT's kind without a
    colour, as Datumaro writes it where it paints VOC's colours.

    Returns:
        a `ClassTable`, or None if no line has a colour and not all are of CVAT's kind. Classes are in the order of
        their first colours; several colours of one name are one class, those of `void` are void.

    Raises:
        ValueError: naming the line that is wrong.
    """
    entries, plain = [], []
    for number, line in enumerate(_lines(path), 1):
        line = _bare(line)
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
        name = label_text(name, f"{where}: the class")
        entries.append(("void" if is_void(name) else name, color))
    if entries and plain:
        raise ValueError(f"{plain[0]} has no colour, other lines have. Expected such as `road 128 64 128`.")
    if not entries:
        bare = [re.fullmatch(r"(.+?):::", _bare(line)) for line in _lines(path) if _bare(line)]
        return in_voc_colors([match[1] for match in bare]) if bare and all(bare) else None
    if all(name == "void" for name, _ in entries):
        raise ValueError(f"{path} names no class but void.")
    return ClassTable.of_colors(entries)


def in_voc_colors(names):
    """Return a `ClassTable` of names that have no colours, and so VOC's in their order, after background, as Datumaro
    paints them.
    """
    first = [name for name in names if is_background(name)] or [BACKGROUND]
    ordered = [*first[:1], *(name for name in names if name not in first)]
    colors = map(tuple, palette(len(ordered)).astype(int).tolist())
    return ClassTable.of_colors(
        ("void" if is_void(name) else name, color) for name, color in zip(ordered, colors, strict=True)
    )


def _bare(line):
    """Return a line without its comment."""
    return re.sub(r"(^|\s)#.*", "", line).strip()


def _lines(path):
    return text_lines(path, "Expected `name R G B` a line, UTF-8.")


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
