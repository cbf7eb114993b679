"""Fill polygons of whole numbers as OpenCV's `fillPoly` does, which Supervisely and Ultralytics draw with.

Pixels are those between every second crossing of a row and the outline, and the outline itself, of lines of eight
neighbours. OpenCV counts in 2^-16 of a pixel, and so does this.
"""

import numpy as np

from .drawn_shapes import Patch
from .shape_tally import ShapeFault
from .shape_values import check_in_reach, coordinates

_SHIFT = 16
_ONE = 1 << _SHIFT


def fill(rings, size):
    """Fill polygons together, so that one within another is a hole.

    Args:
        rings: list of lists of `[x, y]`, whose fractions are cut off.
        size: `(H, W)` of the image.

    Returns:
        `Patch` within the image.

    Raises:
        ShapeFault: if a ring has fewer than three points, or nothing of them is in the image.
    """
    rings = [_ring(ring, size) for ring in rings]
    low = np.clip(np.min([ring.min(axis=0) for ring in rings], axis=0), 0, size[::-1])
    high = np.minimum(np.max([ring.max(axis=0) for ring in rings], axis=0) + 1, size[::-1])
    if (high <= low).any():
        raise ShapeFault("shape outside of the image")
    ends = np.concatenate([np.stack([np.roll(ring, 1, axis=0), ring], axis=1) for ring in rings])  # (edges, 2, xy)
    clipped = _clipped(ends, size)
    mask = _between(*_crossings(ends, clipped), low, high)
    x, y = _outline(clipped[_inside(clipped, size).all(axis=1)])
    mask[y - low[1], x - low[0]] = True
    return Patch(int(low[1]), int(low[0]), mask)


def _ring(points, size):
    points = coordinates(points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeFault("points that are not x and y")
    if len(points) < 3:
        raise ShapeFault("polygon of fewer than three points", f"{len(points)} points")
    check_in_reach(points, size)
    return points.astype(np.int64)


def _inside(points, size):
    return ((points >= 0) & (points < size[::-1])).all(axis=-1)


def _clipped(ends, size):
    """Move ends that lie out of the image to its border, along their edge, as `clipLine` does, which cuts fractions."""
    clipped, most = ends.copy(), np.array(size[::-1]) - 1
    for axis in (1, 0):  # y first
        low, high = clipped < 0, clipped > most
        beyond = (low[:, 0] & low[:, 1]) | (high[:, 0] & high[:, 1])  # both ends on one side: nothing to see
        for end in range(2):
            out = (low | high)[:, end, axis] & ~beyond.any(axis=1)
            here, there = clipped[out, end], clipped[out, 1 - end]
            border = np.where(here[:, axis] < 0, 0, most[axis])
            run, rise = there[:, axis] - here[:, axis], there[:, 1 - axis] - here[:, 1 - axis]
            moved = np.trunc((border - here[:, axis]).astype(np.float64) * rise / run).astype(np.int64)
            clipped[out, end, 1 - axis] += moved
            clipped[out, end, axis] = border
    return clipped


def _crossings(ends, clipped):
    """Return the rows that edges cross, without their lower ends, and the places there, in 2^-16 of a pixel.

    The slope of an edge that was clipped is that of what is left of it; if that lies in one row, of its own two rows.
    """
    slanted = ends[:, 0, 1] != ends[:, 1, 1]
    ends, clipped = ends[slanted], clipped[slanted]
    in_one_row = clipped[:, 0, 1] == clipped[:, 1, 1]
    clipped[in_one_row, :, 1] = ends[in_one_row, :, 1]
    run, rise = (clipped[:, 1] - clipped[:, 0]).T
    slopes = np.sign(rise) * np.sign(run) * ((np.abs(run) << _SHIFT) // np.abs(rise))  # cut off, as C divides
    upper = ends[..., 1].min(axis=1)
    heights = np.abs(ends[:, 1, 1] - ends[:, 0, 1])
    first = np.where(ends[:, 0, 1] < ends[:, 1, 1], 0, 1)
    known = clipped[np.arange(len(clipped)), first]
    starts = (known[:, 0] << _SHIFT) + (upper - known[:, 1]) * slopes
    below = np.arange(heights.sum()) - np.repeat(np.cumsum(heights) - heights, heights)
    return np.repeat(upper, heights) + below, np.repeat(starts, heights) + np.repeat(slopes, heights) * below


def _between(rows, places, low, high):
    """Return the pixels of a box that lie between every second crossing of their row."""
    order = np.lexsort((places, rows))
    rows, places = rows[order] - low[1], places[order]
    first, last = (places[0::2] + _ONE - 1 >> _SHIFT) - low[0], (places[1::2] >> _SHIFT) + 1 - low[0]
    width, height = (high - low).tolist()
    kept = (rows[0::2] >= 0) & (rows[0::2] < height) & (last > first)
    changes = np.zeros((height, width + 1), np.int32)
    np.add.at(changes, (rows[0::2][kept], np.clip(first[kept], 0, width)), 1)
    np.add.at(changes, (rows[0::2][kept], np.clip(last[kept], 0, width)), -1)
    return np.cumsum(changes, axis=1)[:, :-1] > 0


def _outline(ends):
    """Return the pixels of edges, each drawn from its left end: (x, y)."""
    swapped = (ends[:, 1, 0] < ends[:, 0, 0])[:, None]
    start, end = np.where(swapped, ends[:, 1], ends[:, 0]), np.where(swapped, ends[:, 0], ends[:, 1])
    across, down = (end - start).T
    steep = np.abs(down) > across
    longer, shorter = np.where(steep, np.abs(down), across), np.where(steep, across, np.abs(down))
    counts = longer + 1
    edge = np.repeat(np.arange(len(ends)), counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    twice = np.maximum(2 * longer, 1)[edge]
    side = np.maximum(-((longer[edge] - 2 * shorter[edge] * step) // twice), 0)
    along_x, along_y = np.where(steep[edge], side, step), np.where(steep[edge], step, side)
    return start[edge, 0] + along_x, start[edge, 1] + np.where(down[edge] < 0, -along_y, along_y)
