"""Draw which colour means which class: a strip for below a picture, and a file of all classes."""

import unicodedata
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_INK, _GROUND, _EDGE = (36, 41, 47), (255, 255, 255), (140, 149, 159)
_SHARE, _SMALLEST = 1 / 46, 11  # of a picture's width is a letter's size; pixels
_FILE, _ROWS = 22, 20  # a letter's size in a file of its own; rows of one column there
_NO_CHARACTER = "\U0010fffe"  # which every font draws as it does those that it lacks


def present(labels, names, background=None):
    """Return the ids of the classes that are painted somewhere.

    Args:
        labels: arrays of class ids, 255 (void) among them.
        names: of the classes.
        background: the class that is not painted, or None.
    """
    found = np.zeros(65536, bool)
    for each in labels:
        found[np.unique(each)] = True
    return [index for index in range(len(names)) if found[index] and index != background]


def strip(entries, width):
    """Draw a legend as wide as the picture that it is put below; its letters grow with it.

    Args:
        entries: `(name, (R, G, B))` of each class.
        width: in pixels.

    Returns:
        `(h, width, 3)` uint8; h is 0 where there is no entry.
    """
    size = max(_SMALLEST, round(width * _SHARE))
    gap, line = size, round(1.7 * size)
    place, row, placed = gap, 0, []
    for name, color in entries:
        name = _fitting(name, size, width - 3.4 * gap)
        length = 1.4 * size + _font(size).getlength(name)
        if place > gap and place + length > width - gap:
            place, row = gap, row + 1
        placed.append((place, gap // 2 + row * line, name, color))
        place += length + 1.4 * gap
    return _drawn(placed, size, (width, gap + (row + 1) * line if placed else 0))


def below(picture, entries):
    """Return an `(H, W, 3)` uint8 picture with its legend below it."""
    return np.concatenate([picture, strip(entries, picture.shape[1])])


def entries_of(ids, names, colors):
    """Return `(name, (R, G, B))` of some classes; one that the font has no letters for is called by its id."""
    return [(_writable(names[index], index), tuple(map(int, colors[index]))) for index in ids]


def write_legend(path, names, colors, background=None, **options):
    """Write a PNG of all classes and their colours.

    Args:
        names: of the classes.
        colors: `(K, 3)` uint8 RGB.
        background: the class that overlays do not paint, which is said, or None.
        options: for Pillow's `Image.save`.
    """
    entries = entries_of(range(len(names)), names, colors)
    if background is not None:
        entries[background] = (f"{entries[background][0]} (not painted)", entries[background][1])
    size, line = _FILE, round(1.7 * _FILE)
    rows = -(-len(entries) // -(-len(entries) // _ROWS))  # columns as long as each other
    placed, left = [], size
    for start in range(0, len(entries), rows):
        column = entries[start : start + rows]
        placed += [(left, size // 2 + row * line, *entry) for row, entry in enumerate(column)]
        left += 3 * size + max(round(_font(size).getlength(name)) for name, _ in column)
    Image.fromarray(_drawn(placed, size, (left, size + rows * line))).save(path, "PNG", **options)


def _drawn(placed, size, canvas):
    """Draw `(left, top, name, color)` on white."""
    picture = Image.new("RGB", canvas, _GROUND)
    pen, line = ImageDraw.Draw(picture), round(1.7 * size)
    for left, top, name, color in placed:
        middle = top + line / 2
        box = left, middle - size / 2, left + size, middle + size / 2
        pen.rounded_rectangle(box, size / 5, color, _EDGE, max(1, size // 16))
        pen.text((left + 1.4 * size, middle), name, _INK, _font(size), anchor="lm")
    return np.asarray(picture)


def _fitting(name, size, width):
    """Leave out the end of a name that is wider than the picture."""
    font, whole = _font(size), name
    while len(name) > 1 and font.getlength(name) > width:
        name = f"{whole[: len(name) - 2].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return name


def _writable(name, index):
    """Return a name in letters that Pillow's font has, without accents where it lacks them, or else the class's id."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    for written in (name, bare):
        if all(c.isspace() or _mask(c) != _mask(_NO_CHARACTER) for c in set(written)):
            return written
    return f"class {index}"


@lru_cache
def _mask(character):
    return bytes(_font(_FILE).getmask(character))


@lru_cache
def _font(size):
    return ImageFont.load_default(size)
