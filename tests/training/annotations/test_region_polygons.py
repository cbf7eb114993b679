"""Polygons of regions: filled by other programs they give the mask back, with its holes."""

import numpy as np
import pytest

from training.annotations.region_polygons import region_polygons


def filled(polygons, size):
    """Count for each pixel the polygons around its centre: left of it, their edges cross its row at odd times."""
    height, width = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    inside = np.zeros(size, int)
    for polygon in polygons:
        odd = np.zeros(size, bool)
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            crosses = (y0 <= y) != (y1 <= y)
            if crosses.any():
                odd ^= crosses & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x)
        inside += odd
    return inside


def blobs(seed, size=(40, 60)):
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=size), 2)
    return noise > 0


def test_a_square_with_a_hole():
    mask = np.zeros((7, 9), bool)
    mask[1:6, 1:8] = True
    mask[3, 3:5] = False
    (polygon,) = region_polygons(mask, tolerance=0)
    np.testing.assert_array_equal(filled([polygon], mask.shape), mask)
    assert polygon.min() == 1
    assert polygon.max(axis=0).tolist() == [8, 6]


@pytest.mark.parametrize("seed", range(4))
def test_every_corner_gives_the_mask_back(seed):
    mask = blobs(seed) if seed else np.random.default_rng(seed).random((12, 15)) > 0.5
    polygons = region_polygons(mask, tolerance=0)
    np.testing.assert_array_equal(filled(polygons, mask.shape), mask)


def test_pycocotools_which_cvat_exports_with_fills_the_same():
    from pycocotools import mask as coco

    mask = blobs(1)
    polygons = [polygon.ravel().tolist() for polygon in region_polygons(mask, tolerance=0)]
    drawn = coco.decode([coco.merge(coco.frPyObjects(polygons, *mask.shape))])[..., 0]
    assert (drawn != mask).mean() < 0.02  # corners, of which it takes some and leaves others


def test_a_tolerance_leaves_points_out_and_moves_the_outline_no_further():
    mask = blobs(2, (90, 120))
    exact, coarse = (region_polygons(mask, tolerance=tolerance) for tolerance in (0, 1))
    assert sum(map(len, coarse)) < 0.4 * sum(map(len, exact))
    assert len(coarse) == len(exact)
    from scipy import ndimage

    border = ndimage.distance_transform_cdt(mask) + ndimage.distance_transform_cdt(~mask)
    assert border[filled(coarse, mask.shape) != mask].max() <= 2


def test_a_pixel_and_nothing():
    mask = np.zeros((3, 3), bool)
    assert region_polygons(mask, tolerance=1) == []
    mask[0, 2] = True
    (polygon,) = region_polygons(mask, tolerance=1)
    np.testing.assert_array_equal(filled([polygon], mask.shape), mask)
