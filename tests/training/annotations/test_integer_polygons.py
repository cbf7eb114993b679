"""Polygons of whole numbers: OpenCV's own pixels, holes, borders, and what cannot be filled."""

import numpy as np
import pytest

from training.annotations.integer_polygons import fill
from training.annotations.shape_tally import ShapeFault


def filled(rings, size):
    label = np.zeros(size, np.uint8)
    fill(rings, size).paint(label, 1)
    return label


def test_a_triangle_by_hand():
    """Rows and columns of the outline belong to it: 1 + 2 + 3 + 4 + 5 pixels."""
    expected = np.tril(np.ones((5, 5), np.uint8))
    np.testing.assert_array_equal(filled([[[0, 0], [0, 4], [4, 4]]], (5, 5)), expected)


def test_a_ring_within_a_ring_is_a_hole_but_for_its_outline():
    found = filled([[[0, 0], [8, 0], [8, 8], [0, 8]], [[2, 2], [6, 2], [6, 6], [2, 6]]], (9, 9))
    expected = np.ones((9, 9), np.uint8)
    expected[3:6, 3:6] = 0
    np.testing.assert_array_equal(found, expected)


def test_fractions_are_cut_off():
    one = filled([[[1.9, 1.9], [6.2, 1.5], [6.9, 5.999]]], (9, 9))
    np.testing.assert_array_equal(one, filled([[[1, 1], [6, 1], [6, 5]]], (9, 9)))


@pytest.mark.parametrize("reach", [0, 1, 5, 30])
def test_opencv_s_own_pixels(reach):
    """Random polygons, of one or two rings, within the image and out of it."""
    cv2 = pytest.importorskip("cv2")
    noise, compared = np.random.default_rng(reach), 0
    for _ in range(400):
        height, width = noise.integers(31, 60, 2)
        rings = [
            np.stack([noise.integers(-reach, side + reach, 3 + ring * 4) for side in (width, height)], axis=1)
            for ring in range(noise.integers(1, 3))
        ]
        expected = np.zeros((height, width), np.uint8)
        cv2.fillPoly(expected, [ring.astype(np.int32) for ring in rings], 1)
        if expected.any():  # else it may be told that nothing is in the image
            np.testing.assert_array_equal(filled(rings, (height, width)), expected)
            compared += 1
    assert compared > 350


@pytest.mark.parametrize(
    ("rings", "message"),
    [
        ([[[1, 1], [2, 2]]], "fewer than three points"),
        ([[1, 2, 3]], "points that are not x and y"),
        ([None], "no numbers"),
        ([[["a", 1], [2, 2], [3, 3]]], "no numbers"),
        ([[[1, 1], [1e9, 2], [3, 3]]], "far outside"),
        ([[[-3, -3], [-1, -3], [-2, -1]]], "outside of the image"),
        ([[[9, 1], [11, 1], [10, 4]]], "outside of the image"),
    ],
)
def test_what_cannot_be_filled(rings, message):
    with pytest.raises(ShapeFault, match=message):
        fill(rings, (9, 9))
