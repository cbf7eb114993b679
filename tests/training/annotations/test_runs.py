"""Regions as runs: against NumPy's masks."""

import numpy as np

from training.annotations.runs import Runs


def counts_of(mask):
    """Lengths of background and region in turns, down the columns."""
    flat = np.concatenate([[False], mask.T.ravel()])
    ends = np.append(np.flatnonzero(np.diff(flat)), mask.size)
    return np.diff(ends, prepend=0)


def test_counts_paint_and_masks():
    generator = np.random.default_rng(0)
    for size in ((1, 1), (3, 7), (40, 31), (900, 3)):
        for share in (0.0, 0.3, 0.999, 1.0):
            mask = generator.random(size) < share
            runs = Runs.of_counts(counts_of(mask))
            assert runs.area == mask.sum()
            np.testing.assert_array_equal(runs.mask(size), mask)
            columns = np.full(mask.size, 7)
            runs.paint(columns, 3)
            np.testing.assert_array_equal(columns.reshape(size[::-1]).T, np.where(mask, 3, 7))


def test_a_union_counts_no_pixel_twice():
    generator = np.random.default_rng(1)
    for number in range(2, 6):
        masks = [generator.random((9, 8)) < 0.3 for _ in range(number)]
        union = Runs.union([Runs.of_counts(counts_of(mask)) for mask in masks])
        expected = np.any(masks, axis=0)
        assert union.area == expected.sum()
        np.testing.assert_array_equal(union.mask((9, 8)), expected)
