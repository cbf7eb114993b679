"""Numbers about masks, and what undoes smooth resizing and grey conversion."""

import numpy as np

from tests.training.faulty import (
    luma_cut_off,
    luma_rounded,
)
from training.annotations.masks import luma_tables, without_mixed


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
