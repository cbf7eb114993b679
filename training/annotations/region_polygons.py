"""Outline the regions of a class as polygons, in the coordinates of pixels' corners as CVAT takes them.

A region's holes are cut out: its polygon runs along a slit to each of them and back, which fills nothing. So polygons
of different classes do not overlap, and their order says nothing.
"""

import itertools

import numpy as np


def region_polygons(mask, *, tolerance):
    """Outline the regions of a mask.

    Args:
        mask: `(H, W)` bool. Pixel `(x, y)` spans `x..x+1` and `y..y+1`.
        tolerance: how many pixels an outline may be off, so that it has fewer points; 0 takes every corner.

    Returns:
        list of `(N, 2)` float64, x before y: a polygon a region, without the first point at the end.
    """
    from contourpy import FillType, contour_generator

    padded = np.pad(mask, 1).astype(np.float64)
    generator = contour_generator(z=padded, fill_type=FillType.OuterOffset)
    polygons = []
    for points, offsets in zip(*generator.filled(0.5, np.inf), strict=True):
        rings = [
            _simplified(points[first : last - 1] - 0.5, tolerance)  # without the first point again
            for first, last in itertools.pairwise(offsets)
        ]
        polygons.append(_joined(rings))
    return polygons


def _simplified(ring, tolerance):
    """Leave out points of a closed outline that lie near the line between others, after Douglas and Peucker."""
    straight = (np.roll(ring, -1, axis=0) - ring, ring - np.roll(ring, 1, axis=0))
    ring = ring[_cross(*straight) != 0]
    if not tolerance or len(ring) < 5:
        return ring
    farthest = int(np.argmax(((ring - ring[0]) ** 2).sum(axis=1)))
    closed, kept = np.concatenate([ring, ring[:1]]), {0, farthest}
    parts = [(0, farthest), (farthest, len(ring))]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        distances = _distances(closed[first + 1 : last], closed[first], closed[last])
        middle = first + 1 + int(np.argmax(distances))
        if distances[middle - first - 1] > tolerance:
            kept.add(middle)
            parts += [(first, middle), (middle, last)]
    return ring[sorted(kept)] if len(kept) > 2 else ring


def _distances(points, start, end):
    """Return how far points are from the line through two others, or from both where they are one."""
    line = end - start
    length = np.hypot(*line)
    return np.abs(_cross(line, points - start)) / length if length else np.hypot(*(points - start).T)


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _joined(rings):
    """Join holes to the outline around them.

    A slit leads from the leftmost point of each to what is near and begins farther left: the outline or another hole.
    """
    from scipy.spatial import KDTree

    rings = [rings[0], *sorted(rings[1:], key=lambda ring: ring[:, 0].min())]
    firsts = np.cumsum([0, *map(len, rings)])
    tree = KDTree(np.concatenate(rings))
    joined = [{} for _ in rings]  # by a point's number, what begins and ends there
    for number in range(len(rings) - 1, 0, -1):  # what is joined to a hole comes before it
        start = int(rings[number][:, 0].argmin())
        at = _nearest(tree, rings[number][start], below=firsts[number])
        to = int(np.searchsorted(firsts, at, side="right")) - 1
        whole = _around(rings[number], start, joined[number])
        joined[to].setdefault(at - firsts[to], []).append(np.concatenate([whole, whole[:1]]))
    return _around(rings[0], 0, joined[0])


def _nearest(tree, point, *, below):
    """Return the number of the point of a tree that is nearest to another one, of those with numbers below one."""
    many = 32
    while True:
        _, found = tree.query(point, k=min(many, tree.n))
        fitting = found[found < below]
        if len(fitting):
            return int(fitting[0])
        many *= 4


def _around(ring, start, joined):
    """Go once around a ring, with what is joined to its points."""
    parts = []
    for number in [*range(start, len(ring)), *range(start)]:
        point = ring[number : number + 1]
        parts.append(point)
        for whole in joined.get(number, ()):
            parts += [whole, point]
    return np.concatenate(parts)
