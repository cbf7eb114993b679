"""Which images are shown, and how they are shrunk."""

import numpy as np
import pytest

from training.report import section_images as images
from training.report.section_images import choose
from training.scoring.images import ScoredImage


def scored(*values):
    return [ScoredImage(i, f"image {i}", (1, 1), value) for i, value in enumerate(values)]


def indices(groups):
    return [[image.index for image in group] for group in groups.values()]


def test_best_median_and_worst():
    found = scored(0.5, 0.9, None, 0.1, 0.6, 0.4, 0.2, 0.8, 0.3, 0.7)  # ranked: 1 7 9 4 0 5 8 6 3
    assert indices(choose(found, 1)) == [[1], [0], [3]]
    assert indices(choose(found, 2)) == [[1, 7], [4, 0], [6, 3]]
    assert indices(choose(found, 9)) == [[1, 7, 9], [4, 0, 5], [8, 6, 3]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [[], [], []]),
        ([None], [[], [], []]),
        ([0.3], [[0], [], []]),
        ([0.3, 0.4], [[1], [], [0]]),
        ([0.3, 0.3, 0.3], [[0], [1], [2]]),
    ],
)
def test_few_images_are_shown_once(values, expected):
    assert indices(choose(scored(*values), 3)) == expected


def test_one_image_has_no_spread():
    assert images._spread(scored(None, 0.3), {}) is None


def test_images_are_shrunk_and_ids_picked():
    truth = np.arange(2 * 1040).reshape(2, 1040) % 251
    image = np.zeros((2, 1040, 3), np.uint8)
    small, picked, labels = images.shrunk(image, truth, truth + 1)
    assert (small.shape, picked.shape) == ((1, 520, 3), (1, 520))
    np.testing.assert_array_equal(picked, truth[1:, 1::2])  # the middles of two by two pixels
    np.testing.assert_array_equal(labels, picked + 1)
    assert images.shrunk(image[:, :520], truth[:, :520], truth[:, :520])[1].shape == (2, 520)


def test_one_image_alone_is_neither_best_nor_worst():
    assert [images.heading("best", shown) for shown in (1, 2)] == ["The only one scored", "Best"]
