"""Find the parts of a mask that are nowhere two pixels wide: islands of one pixel, and slivers."""

from typing import NamedTuple

import numpy as np

_DOWN, _RIGHT = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]).T
_ROWS, _MOST = 1 << 16, 1_000_000


class ThinParts(NamedTuple):
    """How many thin parts one class has in one mask. A part is what hangs together, also over corners.

    Attributes:
        id: of the class.
        islands: parts of one pixel.
        slivers: parts of several pixels without a block of 2x2 pixels.
        sliver_pixels: of all slivers together.
    """

    id: int
    islands: int
    slivers: int
    sliver_pixels: int


def differences(ids):
    """Mark the pixels of `(H, W)` that differ from the one below, `(H - 1, W)`, and from the next, `(H, W - 1)`."""
    return ids[1:] != ids[:-1], ids[:, 1:] != ids[:, :-1]


def thin_parts(ids, down, across, *, void):
    """Count the islands and slivers of a mask, class by class.

    Takes a few passes over the pixels, and time only for those outside of every block of 2x2 equal ones.

    Args:
        ids: `(H, W)` integers.
        down, across: their `differences`.
        void: the id that is not counted: void is drawn thin along borders on purpose.

    Returns:
        tuple of `ThinParts`, of the classes that have any, by ascending id; none of what has more than a million
        pixels outside of blocks, which is no mask of regions.
    """
    places, values, parts = _parts(ids, down, across, void)
    if not len(places):
        return ()
    sizes = np.bincount(parts)
    values = values[np.unique(parts, return_index=True)[1]]
    classes, of_class = np.unique(values, return_inverse=True)
    islands, slivers, pixels = (
        np.bincount(of_class, weights).astype(int).tolist()
        for weights in (sizes == 1, sizes > 1, np.where(sizes > 1, sizes, 0))
    )
    return tuple(map(ThinParts, classes.tolist(), islands, slivers, pixels))


def thin_places(ids, void):
    """Return `(N, 2)` rows and columns of one pixel of every island and sliver that `thin_parts` counts."""
    places, _, parts = _parts(ids, *differences(ids), void)
    first = np.unique(parts, return_index=True)[1]
    return np.stack(np.divmod(places[first], max(1, ids.shape[1])), axis=1).reshape(-1, 2)


def _parts(ids, down, across, void):
    """Return the pixels of all thin parts: places in the flat mask, ids, and numbers of the parts from 0 on."""
    flat, lone = ids.reshape(-1), _outside_blocks(down, across)
    lone = lone[flat[lone] != void]
    if not 0 < len(lone) <= _MOST:
        return lone[:0], flat[:0], lone[:0]
    attached, ends = np.zeros(len(lone), bool), []
    for start in range(0, len(lone), _ROWS):  # so many at a time, for memory
        beside = _neighbours(lone[start : start + _ROWS], *ids.shape)  # (N, 8)
        row, column = np.nonzero(flat[beside] == flat[lone[start : start + _ROWS], None])
        beside = beside[row, column]
        place = np.searchsorted(lone, beside).clip(0, len(lone) - 1)
        is_lone = lone[place] == beside
        attached[row[~is_lone] + start] = True  # to a block
        ends.append((row[is_lone] + start, place[is_lone]))
    root = _joined(len(lone), *map(np.concatenate, zip(*ends, strict=True)))
    whole = np.bincount(root, attached, len(lone)) == 0  # no pixel of the part touches a block
    kept = whole[root]
    return lone[kept], flat[lone[kept]], np.unique(root[kept], return_inverse=True)[1]


def _outside_blocks(down, across):
    """Return the places in the flat mask of the pixels that are in no block of 2x2 equal ids."""
    height, width = len(across), down.shape[1]
    broken = np.ones((height + 1, width + 1), bool)  # blocks that are not of equal ids, by their lower right pixels
    inside = broken[1:-1, 1:-1]
    np.logical_or(across[1:], across[:-1], out=inside)
    inside |= down[:, 1:]
    lone = np.flatnonzero(broken[:-1, :-1] & broken[1:, 1:])
    row, column = np.divmod(lone, max(1, width))
    return lone[broken[row, column + 1] & broken[row + 1, column]]


def _neighbours(places, height, width):
    """Return `(N, 8)` places around each in the flat mask; where one lies outside, another of them, or itself."""
    rows, columns = np.divmod(places, width)
    rows = (rows[:, None] + _DOWN).clip(0, height - 1)
    return rows * width + (columns[:, None] + _RIGHT).clip(0, width - 1)


def _joined(number, some, others):
    """Return `(number,)` the lowest index of each index's group, where `some[i]` and `others[i]` are in one."""
    root = np.arange(number)
    while (root[some] != root[others]).any():
        lowest = np.minimum(root[some], root[others])
        np.minimum.at(root, root[some], lowest)
        np.minimum.at(root, root[others], lowest)
        while (root[root] != root).any():
            root = root[root]
    return root
