"""Fill polygons, boxes and ellipses as COCO's own programs do, and Datumaro, which calls them."""

import math

import numpy as np

from .coco_regions import decode
from .shape_tally import ShapeFault
from .shape_values import coordinates

_CORNERS = 720  # of an ellipse, the last upon the first, as Datumaro has them


def polygon(points, size):
    """Return the `Runs` of a polygon of `(N, 2)` points (x, y)."""
    points = coordinates(points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeFault("points that are not x and y")
    return decode([points.ravel()], size)[0]


def box(left, top, right, bottom, size, *, degrees=0.0):
    """Return the `Runs` of a box, turned clockwise about its middle."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    return polygon(turned(corners - middle, degrees) + middle if degrees else corners, size)


def ellipse(x, y, across, down, size, *, degrees=0.0):
    """Return the `Runs` of an ellipse about (x, y) with two radii, turned clockwise."""
    angles = np.linspace(0, 2 * math.pi, _CORNERS)
    points = np.stack([across * np.cos(angles), down * np.sin(angles)], axis=1)
    return polygon(turned(points, degrees) + np.array([x, y]), size)


def turned(points, degrees):
    """Turn `(N, 2)` points (x, y) clockwise about 0, as y goes down."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return points @ np.array([[cosine, sine], [-sine, cosine]])
