"""Boundary IoU against erosion as the authors' program does it, and against cases worked by hand."""

import math

import numpy as np
import pytest
from scipy import ndimage

import fcn_keras as fcn
from fcn_keras.boundary_iou import band_counts, band_ious
from tests.fcn_keras.test_boundary import VOID, drawn


def band_by_erosion(mask, width):
    """A region less what `width` erosions by 3x3 leave of it, the outside of the image not in it."""
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=width, border_value=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 13), (40, 31)])
@pytest.mark.parametrize("classes", [1, 3, 9])
@pytest.mark.parametrize("band", [0.001, 0.02, 0.06, 1])
def test_bands_are_those_of_erosion(size, classes, band):
    truth, labels = drawn(5, classes, size)
    found = band_counts(truth, labels, classes, band=band)
    width = max(1, round(band * math.hypot(*size)))
    for wanted in range(classes):
        true, said = (band_by_erosion((x == wanted) & (truth != VOID), width) for x in (truth, labels))
        assert found[:, wanted].tolist() == [(true & said).sum(), true.sum(), said.sum()]


def test_a_square_that_reaches_too_far():
    """8x8 in 40x40 (a band of one pixel): its ring has 28 pixels. A ring of 10x10 around it has 36, none of them it."""
    truth, labels = np.zeros((2, 40, 40), np.uint8)
    truth[16:24, 16:24] = 1
    labels[15:25, 15:25] = 1
    found = band_counts(truth, labels, 2, band=0.01)
    assert found[:, 1].tolist() == [0, 28, 36]
    # The background's: the frame of 156 pixels, and the rings of 36 and 44 pixels around the squares.
    assert found[:, 0].tolist() == [156, 156 + 36, 156 + 44]
    np.testing.assert_allclose(band_ious(found), [156 / 236, 0])


def test_over_a_split_and_void():
    truth, labels = drawn(2, 3, (20, 30))
    found = fcn.BoundaryScores(4)
    found.update(truth, labels)
    found.update(truth, truth % 3)  # where the truth is void, what is said does not count
    counts = sum(band_counts(truth, x, 4) for x in (labels, truth % 3))
    np.testing.assert_array_equal(found.band_counts, counts)
    expected = np.array([h / (t + s - h) if t + s else math.nan for h, t, s in counts.T])
    result = found.result()
    np.testing.assert_allclose(result["per_class_boundary_iou"], expected)
    assert math.isnan(expected[3])
    assert result["boundary_iou"] == pytest.approx(np.nanmean(expected))


def test_nothing_but_void():
    found = fcn.BoundaryScores(2)
    found.update(np.full((4, 5), VOID), np.zeros((4, 5), int))
    assert math.isnan(found.result()["boundary_iou"])


def test_a_band_of_no_width_is_refused():
    with pytest.raises(ValueError, match=r"`band` is a share of the diagonal, above 0 and at most 1. Received: 0"):
        fcn.BoundaryScores(2, band=0)
