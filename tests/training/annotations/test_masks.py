"""Numbers about masks, and what undoes smooth resizing and grey conversion."""

import numpy as np

from tests.training.faulty import (
    luma_cut_off,
    luma_rounded,
)
from training.annotations.masks import _borders, count, luma_tables, without_mixed


def test_luma_agrees_with_pillow_and_opencv():
    ids = np.array([[*range(21), 255]], np.uint8)
    rounded, cut = luma_tables(21)
    for table, grey in ((rounded, luma_rounded(ids)), (cut, luma_cut_off(ids))):
        assert all(index in table[value] for index, value in zip(ids[0], grey[0].tolist(), strict=True))
        assert set().union(*table.values()) == {*range(21), 255}
    assert (cut[38], cut[147], cut[220]) == ({1}, {15}, {255})
    assert rounded[38] == {1, 16}  # (128, 0, 0) is 38.27, (0, 64, 0) is 37.57


def test_mixed_ids_by_hand():
    ids = np.repeat(np.array([[0, 0, 0, 0, 2, 6, 9, 9, 9, 9]]), 5, axis=0)
    expected = np.repeat(np.array([[0, 0, 0, 0, 0, 9, 9, 9, 9, 9]]), 5, axis=0)
    np.testing.assert_array_equal(without_mixed(ids), expected)
    np.testing.assert_array_equal(without_mixed(np.array([[3]])), [[3]])


def test_borders_are_counted_as_by_differences():
    """Against the difference of every neighbour, in NumPy."""

    def expected(lines):
        difference = np.diff(lines.astype(np.int64), axis=1)
        flat = difference == 0
        alone = flat[:, :-2] & flat[:, 2:] & (np.abs(difference[:, 1:-1]) >= 2)
        return np.count_nonzero(difference[:, 1:] * np.sign(difference[:, :-1]) > 0), np.count_nonzero(alone)

    generator = np.random.default_rng(0)
    for round_ in range(60):
        ids = generator.integers(0, 7, generator.integers(1, 30, 2)).astype(np.uint8 if round_ % 2 else np.int32)
        ids = ids.repeat(3, axis=0).repeat(1 + round_ % 3, axis=1)
        assert _borders(ids, 0, ids[1:] != ids[:-1]) == expected(ids.T)
        assert _borders(ids, 1, ids[:, 1:] != ids[:, :-1]) == expected(ids)
        assert count(ids.astype(np.uint8))[1].tolist() == np.unique(ids, return_counts=True)[1].tolist()
        large = ids.astype(np.uint8).repeat(40, axis=1)  # in runs
        assert count(large)[1].tolist() == np.unique(large, return_counts=True)[1].tolist()
