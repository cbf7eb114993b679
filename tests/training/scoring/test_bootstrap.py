"""Intervals of one model's figures, against SciPy's and against what is known of simulated data."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.training.compare.tallies import counted, drawn
from training.scoring.bootstrap import draw_metrics, holding, intervals
from training.scoring.image_sums import sums_of


def of_accuracies(right, pixels):
    """Sums of images of `pixels` pixels of one true class, of which `right` are right."""
    return np.stack([sums_of(np.array([[x, pixels - x], [0, 0]])) for x in right])


def test_the_interval_is_scipys():
    right = np.random.default_rng(1).integers(40, 90, 60)
    low, high = intervals(of_accuracies(right, 100), times=20_000)["pixel_accuracy"]
    theirs = stats.bootstrap((right / 100,), np.mean, n_resamples=20_000, method="percentile", rng=3)
    spread = right.std() / 100 / math.sqrt(60)
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * spread)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * spread)


def test_95_of_100_intervals_hold_the_truth():
    covered = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        right = generator.binomial(1000, generator.beta(4, 4, 50))
        low, high = intervals(of_accuracies(right, 1000), times=400, seed=seed)["pixel_accuracy"]
        covered += low <= 0.5 <= high
    assert 268 <= covered <= 297  # 285 are expected; percentiles of 50 images are narrow by 1 to 2 %


def test_four_times_the_images_halve_it():
    generator = np.random.default_rng(0)
    widths = []
    for count in (100, 400):
        low, high = intervals(of_accuracies(generator.binomial(1000, generator.beta(4, 4, count)), 1000))["mean_iu"]
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.15)


def test_what_tells_no_chance_has_no_interval():
    """Class 2 is in two images, 3 in one, 4 in none."""
    truths = [np.array([[0, 1, 2]]), np.array([[0, 2, 3]]), np.array([[0, 1, 1]])]
    sums = np.stack([sums_of(counted(x, 0 * x, 5)) for x in truths])
    assert holding(sums)[0] == 3
    found = intervals(sums, times=200)
    assert [x is None for x in found["per_class_iu"]] == [False, False, False, True, True]
    assert intervals(sums[:1])["mean_iu"] is None
    assert intervals(0 * sums)["mean_iu"] is None


def test_models_share_their_draws():
    sums = np.stack([sums_of(counted(*drawn(seed, 3, (6, 7))[:2], 3)) for seed in range(8)])
    one, other = draw_metrics([sums, sums], times=50)
    np.testing.assert_array_equal(one["mean_iu"], other["mean_iu"])
