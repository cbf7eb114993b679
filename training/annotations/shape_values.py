"""Read the points of shapes that strangers wrote."""

import numpy as np

from .json_values import as_json
from .shape_tally import ShapeFault


def coordinates(values):
    """Return float64 of the same shape as lists of numbers.

    Raises:
        ShapeFault: if not all of them are finite numbers, or the lists differ in length.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeFault("points that are not x and y") from None
    if array.size and array.dtype.kind not in "iuf":
        raise ShapeFault("coordinates that are no numbers", as_json(values))
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ShapeFault("coordinates that are no finite numbers")
    return array


def points_of(values):
    """Read points from `[[x, y], ...]`.

    Returns:
        `(N, 2)` float64, and whether the brackets had to be put right: `[x, y, x, y, x, y]` and `[[[x, y], ...]]` can
        only mean one thing.

    Raises:
        ShapeFault: if they are not lists of two finite numbers.
    """
    if not isinstance(values, list) or not values:
        raise ShapeFault("shape without points")
    points = coordinates(values)
    if points.ndim == 2 and points.shape[1] == 2:
        return points, False
    if points.ndim == 3 and points.shape[0] == 1 and points.shape[2] == 2:
        return points[0], True
    if points.size % 2:
        raise ShapeFault("odd number of coordinates", f"{points.size} numbers")
    if points.ndim == 1 or points.shape[0] == 1:
        return points.reshape(-1, 2), True
    raise ShapeFault("points that are not x and y")


def check_in_reach(points, size):
    """Raise a `ShapeFault` if points are farther outside of an image than it is large, which no drawing tool does.

    Drawing them would take memory by their distance.

    Args:
        points: `(N, 2)` of (x, y).
        size: `(H, W)`.
    """
    extent = np.array([size[1], size[0]], np.float64)
    far = ((points < -extent) | (points > 2 * extent)).any(axis=1)
    if far.any():
        x, y = points[far][0]
        raise ShapeFault("point far outside of the image", f"x {x:g}, y {y:g} in {size[1]}x{size[0]} pixels")
