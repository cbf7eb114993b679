"""Outline the regions of a label map as polygons that a painter turns back into the same map."""

import numpy as np

_QUARTER = 0.25  # of a pixel: a polygon of one or two pixels needs three different points


def outlines(labels, *, background=None):
    """Outline every region: the 4-connected pixels of one class.

    A polygon goes through the centres of its region's outermost pixels, and is filled with its outline included. What
    lies in a hole comes later than what surrounds it: the regions are ordered by the size of their bounding boxes, and
    what is surrounded has the smaller one. Painted in this order, the polygons give the label map. Pixel `(x, y)` spans
    `x..x+1` and `y..y+1`, so a centre is at a half; Pillow, which LabelMe draws with, rounds coordinates down.

    Args:
        labels: `(H, W)` class ids.
        background: the class that the canvas is painted with at first: its regions at the image's border, which nothing
            surrounds, are left out.

    Returns:
        list of `(class id, [[x, y], ...])`.
    """
    from scipy import ndimage

    regions = []
    height, width = labels.shape
    for index in np.unique(labels):
        numbered, _ = ndimage.label(labels == index)
        for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), 1):
            inside = rows.start > 0 and columns.start > 0 and rows.stop < height and columns.stop < width
            if index == background and not inside:
                continue
            points = _outline(numbered[rows, columns] == number) + np.array([columns.start, rows.start]) + 0.5
            size = (rows.stop - rows.start) * (columns.stop - columns.start)
            regions.append((size, int(index), _polygon(points.tolist())))
    regions.sort(key=lambda region: -region[0])
    return [(index, polygon) for _, index, polygon in regions]


def _outline(mask):
    """Return the corners `(N, 2)`, x before y, of the outer border of a region that touches all four sides."""
    from contourpy import contour_generator

    # At 0.6, a line between a pixel of 1 and its neighbour of 0 runs nearer to the first, and is rounded to it.
    lines = contour_generator(z=np.pad(mask, 1).astype(float)).lines(0.6)
    outer = min(lines, key=lambda line: line[:, 0].min())  # the others run around holes
    points = np.rint(outer[:-1]).astype(int) - 1
    moved = (points != np.roll(points, 1, axis=0)).any(axis=1)
    if not moved.any():
        return points[:1]
    points = points[moved]
    step = np.roll(points, -1, axis=0) - points
    return points[(step != np.roll(step, 1, axis=0)).any(axis=1)]


def _polygon(points):
    """Give a polygon its three points at least, and none that is the first again, which LabelMe takes for the end."""
    x, y = points[-1]
    points += [[x + _QUARTER, y + _QUARTER], [x, y + _QUARTER]][: max(0, 3 - len(points))]
    first = points[0]
    return [first, *([x + _QUARTER, y] if [x, y] == first else [x, y] for x, y in points[1:])]
