"""Polygons, boxes and ellipses: areas known from geometry, turns of right angles, what cannot be filled."""

import math

import numpy as np
import pytest

from training.annotations import filled
from training.annotations.shape_tally import ShapeFault

SIZE = (40, 60)


def test_a_box_is_its_pixels():
    expected = np.zeros(SIZE, bool)
    expected[5:15, 10:30] = True
    np.testing.assert_array_equal(filled.box(10, 5, 30, 15, SIZE).mask(SIZE), expected)
    np.testing.assert_array_equal(filled.box(30, 15, 10, 5, SIZE).mask(SIZE), expected)


def test_a_quarter_turn_exchanges_the_sides():
    expected = np.zeros(SIZE, bool)
    expected[0:20, 15:25] = True
    np.testing.assert_array_equal(filled.box(10, 5, 30, 15, SIZE, degrees=90).mask(SIZE), expected)
    np.testing.assert_array_equal(filled.box(10, 5, 30, 15, SIZE, degrees=-270).mask(SIZE), expected)


def test_turns_are_clockwise():
    turned = filled.turned(np.array([[1.0, 0.0], [0.0, 1.0]]), 90)
    np.testing.assert_allclose(turned, [[0, 1], [-1, 0]], atol=1e-12)  # y goes down


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_an_ellipse(degrees):
    mask = filled.ellipse(30, 20, 18, 9, SIZE, degrees=degrees).mask(SIZE)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    points = filled.turned(np.stack([x.ravel() - 30, y.ravel() - 20], axis=1), -degrees).reshape(*SIZE, 2)
    inside = (points[..., 0] / 18) ** 2 + (points[..., 1] / 9) ** 2 <= 1
    assert mask.sum() == pytest.approx(math.pi * 18 * 9, rel=0.02)
    assert (mask != inside).sum() <= 14  # of an outline of 87 pixels: corners are rounded to pixels


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1, 1], [2, 2]], "fewer than three points"),
        ([1, 2, 3, 4, 5, 6], "points that are not x and y"),
        ([[1, 1, 1]] * 3, "points that are not x and y"),
        ([[1, 1], [math.nan, 2], [3, 3]], "no finite numbers"),
        ([[1, 1], [1e9, 2], [3, 3]], "far outside"),
        ([["a", 1], [2, 2], [3, 3]], "no numbers"),
    ],
)
def test_what_cannot_be_filled(points, message):
    with pytest.raises(ShapeFault, match=message):
        filled.polygon(points, SIZE)
