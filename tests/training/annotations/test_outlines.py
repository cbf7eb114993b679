"""Outlines of regions: painted, they are the label map again."""

import numpy as np
import pytest

from tests.training.label_maps import maps, painted
from training.annotations.outlines import outlines


@pytest.mark.parametrize("background", [None, 0])
def test_painted_polygons_are_the_label_map(background):
    for labels in maps():
        np.testing.assert_array_equal(painted(labels.shape, outlines(labels, background=background)), labels)


def test_polygons_by_hand():
    labels = np.zeros((5, 6), int)
    labels[1:4, 1:4], labels[0, 5], labels[2, 2] = 1, 2, 0
    # A block, its hole, and a pixel whose three points lie within it; the background around them is left out.
    (block, corners), *small = outlines(labels, background=0)
    assert block == 1
    assert sorted(corners) == [[1.5, 1.5], [1.5, 3.5], [3.5, 1.5], [3.5, 3.5]]
    assert sorted(small) == [
        (0, [[2.5, 2.5], [2.75, 2.75], [2.5, 2.75]]),
        (2, [[5.5, 0.5], [5.75, 0.75], [5.5, 0.75]]),
    ]
    assert len(outlines(labels)) == 4


def test_no_later_point_is_the_first():
    """LabelMe closes a polygon where its first point comes again, and forgets that point."""
    for labels in maps():
        for _, points in outlines(labels):
            assert points[0] not in points[1:]
