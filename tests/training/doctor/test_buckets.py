"""Buckets: few, and with as little padding as brute force finds."""

import itertools

import numpy as np
import pytest

from training.doctor.buckets import choose_buckets


def cost(sizes, counts, buckets):
    """Padded pixels where every image goes to the smallest bucket that holds it."""
    areas = [min((h * w for h, w in buckets if h >= y and w >= x), default=np.inf) for y, x in sizes]
    return np.dot(areas, counts)


@pytest.mark.parametrize("seed", range(8))
def test_buckets_are_as_good_as_brute_force(seed):
    generator = np.random.default_rng(seed)
    sizes = np.unique(generator.integers(1, 200, (6, 2)), axis=0)
    counts = generator.integers(1, 50, len(sizes))
    buckets, padding = choose_buckets(sizes, counts, most=3)
    sides = [np.unique(-(-sizes[:, axis] // 32) * 32) for axis in (0, 1)]
    every = list(itertools.product(*sides))
    best = min(cost(sizes, counts, c) for k in (1, 2, 3) for c in itertools.combinations(every, min(k, len(every))))
    assert cost(sizes, counts, buckets) <= best / 0.99**2  # a bucket that saves less than 1 % is not taken
    assert padding == pytest.approx(1 - np.dot(sizes.prod(axis=1), counts) / cost(sizes, counts, buckets))


def test_buckets_by_hand():
    assert choose_buckets([(375, 500)], [7]) == (((384, 512),), 1 - 375 * 500 / (384 * 512))
    assert choose_buckets([(64, 96), (96, 64)], [1, 1]) == (((64, 96), (96, 64)), 0.0)
    assert choose_buckets([], []) == ((), 0.0)
