"""The bootstrap against SciPy's and against what is known of simulated data."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.training.compare.tallies import VOID, drawn, tallied
from training.compare.bootstrap import Compared, bootstrap
from training.scoring import bootstrap as module


def rows_of_accuracies(right, pixels):
    """Statistics of images of `pixels` pixels of one true class, of which `right` are right."""
    hits = np.array(right, float)
    rows = np.zeros((len(hits), 3, 2))
    rows[:, 0, 0] = hits
    rows[:, 1, 0] = pixels
    rows[:, 2] = np.stack([hits, pixels - hits], axis=1)
    return rows


def test_the_interval_is_scipys():
    """Of images of one size, pixel accuracy is the mean of the images' own, which SciPy can resample."""
    generator = np.random.default_rng(1)
    a, b = generator.integers(40, 90, 60), generator.integers(45, 95, 60)
    found = bootstrap(rows_of_accuracies(a, 100), rows_of_accuracies(b, 100), times=20_000)["pixel_accuracy"]
    differences = (b - a) / 100
    assert (found.a, found.b) == (pytest.approx(a.mean() / 100), pytest.approx(b.mean() / 100))
    assert found.difference == pytest.approx(differences.mean())
    theirs = stats.bootstrap((differences,), np.mean, n_resamples=20_000, method="percentile", rng=3)
    spread = differences.std() / math.sqrt(60)
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * spread)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * spread)
    # p is near the two-sided one of a normal mean.
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(differences.mean()) / spread), abs=0.006)
    assert found.p == pytest.approx(2 * (theirs.bootstrap_distribution <= 0).mean(), abs=0.006)


def test_the_interval_covers_the_true_difference():
    """Splits of 40 images drawn from a known distribution: 95 % of the intervals hold the true difference.

    Of 300 splits, 285 are expected, with a standard deviation of 3.8; percentiles of 40 images are narrow by 1 to 2 %.
    """
    covered = different = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        hard = generator.beta(4, 4, 40)  # images are hard or easy for both
        a = generator.binomial(1000, 0.3 + 0.5 * hard)
        b = generator.binomial(1000, np.clip(0.35 + 0.5 * hard + generator.uniform(-0.1, 0.1, 40), 0, 1))
        found = bootstrap(rows_of_accuracies(a, 1000), rows_of_accuracies(b, 1000), times=400, seed=seed)
        covered += found["pixel_accuracy"].low <= 0.05 <= found["pixel_accuracy"].high
        different += found["pixel_accuracy"].p < 0.05
    assert 270 <= covered <= 296
    assert different > 290  # 0.05 is five standard errors: the pairing takes out how hard the images are


def test_p_is_even_where_there_is_no_difference():
    """Of models that are alike, one in twenty shows a difference at 5 %."""
    different = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        a, b = generator.binomial(1000, generator.beta(4, 4, (2, 40)))
        found = bootstrap(rows_of_accuracies(a, 1000), rows_of_accuracies(b, 1000), times=400, seed=seed)
        different += found["pixel_accuracy"].p < 0.05
    assert 4 <= different <= 30


def test_equal_models_differ_by_nothing():
    tally = tallied([(truth, a, a) for truth, a, _ in (drawn(seed, 3, (6, 7)) for seed in range(4))], 3)
    found = bootstrap(*tally.rows(), times=200)
    for value in [found["mean_iu"], found["fw_iu"], *found["per_class_iu"]]:
        assert (value.difference, value.low, value.high, value.p) == (0, 0, 0, 1)


def test_a_large_difference_has_the_least_p_and_swaps_with_the_models():
    tally = tallied([drawn(seed, 3, (12, 12), (0.2, 0.95)) for seed in range(25)], 3)
    a, b = tally.rows()
    found, back = bootstrap(a, b, times=999)["mean_iu"], bootstrap(b, a, times=999)["mean_iu"]
    assert found.p == back.p == 2 / 1000
    assert (back.low, back.high, back.difference) == pytest.approx((-found.high, -found.low, -found.difference))


def test_draws_are_the_seeds_and_memory_is_bounded(monkeypatch):
    tally = tallied([drawn(seed, 3, (6, 7)) for seed in range(8)], 3)
    whole, done = bootstrap(*tally.rows(), times=250, seed=5), []
    assert bootstrap(*tally.rows(), times=250, seed=5) == whole
    assert bootstrap(*tally.rows(), times=250, seed=6) != whole
    monkeypatch.setattr(module, "_NUMBERS", 900)  # 100 draws of nine numbers a model
    found = bootstrap(*tally.rows(), times=250, seed=5, progress=lambda *now: done.append(now))
    assert done == [(100, 250), (200, 250), (250, 250)]
    assert found["mean_iu"].low == pytest.approx(whole["mean_iu"].low, abs=0.02)


def test_one_image_tells_no_chance():
    tally = tallied([(np.array([[0, 1]]), np.array([[0, 0]]), np.array([[0, 1]]))], 2)
    found = bootstrap(*tally.rows())["mean_iu"]
    assert found == Compared(0.25, 1.0, 0.75, None, None, None, 1)


def test_images_of_void_alone_are_none():
    labelled, void = np.array([[0, 1]]), np.array([[VOID, VOID]])
    tally = tallied([(labelled, 0 * labelled, labelled), (void, 0 * void, 0 * void)], 2)
    assert bootstrap(*tally.rows(), times=100)["mean_iu"] == Compared(0.25, 1.0, 0.75, None, None, None, 1)


def test_classes_that_few_or_no_images_have():
    """Class 2 is in two of four images, so that some draws are without it; 3 in one, which tells no chance; 4 in none,
    but A says it; 5 is nowhere."""
    plain, rare, rarest = np.array([[[0, 1, 1, 0]], [[0, 2, 2, 0]], [[0, 2, 3, 0]]])
    images = [(plain, plain, plain), (plain, 4 - plain, plain), (rare, 0 * rare, rare), (rarest, 0 * rarest, rarest)]
    found = bootstrap(*tallied(images, 6).rows(), times=300)["per_class_iu"]
    assert found[2] == Compared(0.0, 1.0, 1.0, 1.0, 1.0, pytest.approx(2 / 283, rel=0.05), 2)
    assert found[3] == Compared(0.0, 1.0, 1.0, None, None, None, 1)
    assert found[4] == Compared(0.0, None, None, None, None, None, 0)
    assert found[5] == Compared(*[None] * 6, images=0)
