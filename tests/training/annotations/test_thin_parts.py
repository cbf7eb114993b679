"""Islands and slivers, by hand and against SciPy's connected components."""

import numpy as np
import pytest
from scipy import ndimage

from training.annotations import thin_parts as module
from training.annotations.thin_parts import differences, thin_places

# Class 1 is a block with a tail that hangs on it, so no part of it is thin; class 2 is an island, a diagonal of three
# and a line of two; class 3 is a wire from edge to edge.
DRAWN = """
1100000002
1100200020
0010000200
0001000000
3333333333
0000220000
"""


def thin_parts(ids, void=99):
    return module.thin_parts(ids, *differences(ids), void=void)


def mask(text):
    return np.array([[int(pixel) for pixel in line] for line in text.split()], np.uint8)


def test_by_hand():
    ids = mask(DRAWN)
    assert thin_parts(ids, 0) == ((2, 1, 2, 5), (3, 0, 1, 10))
    assert thin_parts(ids, 2)[-1] == (3, 0, 1, 10)
    assert 2 not in [part.id for part in thin_parts(ids, 2)]
    assert sorted(map(tuple, thin_places(ids, 0).tolist())) == [(0, 9), (1, 4), (4, 0), (5, 4)]


def test_what_hangs_on_a_block_over_a_corner_is_no_part_of_its_own():
    assert thin_parts(mask("110 110 001")) == ((0, 0, 1, 4),)  # the two lines of 0 meet at a corner


@pytest.mark.parametrize("text", ["0", "000", "0 0 0"])
def test_a_mask_of_one_row_or_column_is_one_part(text):
    pixels = mask(text).size
    assert thin_parts(mask(text)) == ((0, pixels == 1, pixels > 1, 0 if pixels == 1 else pixels),)


def test_a_mask_without_thin_parts_and_one_without_pixels():
    assert thin_parts(np.zeros((4, 6), np.uint8)) == ()
    for shape in ((0, 3), (3, 0), (0, 0)):
        assert thin_parts(np.zeros(shape, np.uint8)) == ()
    assert thin_places(np.zeros((4, 6), np.uint8), 255).shape == (0, 2)


def test_what_is_no_mask_of_regions_is_not_counted(monkeypatch):
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert len(thin_parts(ids)) == 12
    monkeypatch.setattr(module, "_MOST", 11)
    assert thin_parts(ids) == ()


def by_scipy(ids, void):
    rows = []
    for c in sorted(set(np.unique(ids).tolist()) - set(void)):
        labels, number = ndimage.label(ids == c, np.ones((3, 3)))
        sizes = [
            int((labels == part).sum())
            for part in range(1, number + 1)
            if not ndimage.binary_erosion(labels == part, np.ones((2, 2))).any()
        ]
        long = [size for size in sizes if size > 1]
        if sizes:
            rows.append((c, len(sizes) - len(long), len(long), sum(long)))
    return tuple(rows)


@pytest.mark.parametrize("seed", range(60))
def test_as_scipy_counts(seed, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 7)
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, generator.integers(2, 6), generator.integers(1, 15, 2))
    ids = np.kron(ids, np.ones((2, 2), int)) if seed % 3 == 0 else ids
    ids = ids.astype((np.uint8, np.int32, np.uint16)[seed % 3])
    assert thin_parts(ids, 1) == by_scipy(ids, (1,))
    assert len(thin_places(ids, 1)) == sum(islands + slivers for _, islands, slivers, _ in by_scipy(ids, (1,)))
