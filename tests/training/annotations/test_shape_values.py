"""Points that strangers wrote."""

import numpy as np
import pytest

from training.annotations.shape_tally import ShapeFault
from training.annotations.shape_values import check_in_reach, coordinates, points_of


def test_coordinates():
    assert coordinates([[1, 2.5]]).tolist() == [[1.0, 2.5]]
    assert coordinates(np.array([1, 2], np.float32)).dtype == np.float64
    for values, reason in (
        ([[1, 2], [3]], "points that are not x and y"),
        (["x"], "coordinates that are no numbers"),
        ([True], "coordinates that are no numbers"),
        ([10**400], "coordinates that are no numbers"),
        ([float("inf")], "coordinates that are no finite numbers"),
        ([float("nan")], "coordinates that are no finite numbers"),
    ):
        with pytest.raises(ShapeFault, match=reason):
            coordinates(values)


def test_points_and_brackets():
    points, flat = [[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], [1, 2, 3, 4, 5, 7]
    for values, mended in ((points, False), ([points], True), (flat, True), ([flat], True)):
        found, was = points_of(values)
        assert (found.tolist(), was) == (points, mended)
    with pytest.raises(ShapeFault, match=r"odd number of coordinates \(3 numbers\)"):
        points_of([1, 2, 3])


def test_points_far_outside_are_refused():
    check_in_reach(np.array([[-10.0, 0.0], [20.0, 10.0]]), (5, 10))
    with pytest.raises(ShapeFault, match=r"far outside of the image \(x 0, y 10.5 in 10x5 pixels\)"):
        check_in_reach(np.array([[0.0, 10.5]]), (5, 10))
