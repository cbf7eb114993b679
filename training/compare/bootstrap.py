"""Tell a difference between two models from chance: a paired bootstrap over the images of a split."""

import math
from dataclasses import dataclass

import numpy as np

from .tally import metrics

LEVEL = 0.95
_NUMBERS = 2**22  # float64 that one step of the bootstrap holds in each of its arrays


@dataclass(frozen=True)
class Compared:
    """One metric of A and B, from 0 to 1; None where there is nothing to be scored.

    Attributes:
        difference: B's minus A's.
        low, high: the 95 % interval of the difference; None for a single image.
        p: of no difference, two-sided; None for a single image.
        images: with a labelled pixel; of a class, with one of its own.
    """

    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    images: int


def bootstrap(a, b, widths=(), *, times=10_000, seed=0, progress=None):
    """Compare the metrics of two models, and resample the images to see how far chance moves the difference.

    A split is drawn anew `times` times, images with replacement; both models' sums are taken over the same draw, and
    every metric comes out of the sums. The interval is the percentiles of the differences, and p twice the smaller
    share of them on either side of 0, 0 itself on both. This is the chance in the choice of images; what training
    with another seed would change it does not tell.

    Args:
        a, b: `(N, R, C)` statistics of the images, as `tally.metrics` takes sums of.
        widths: of the trimaps in them.
        times: draws.
        seed: of the draws.
        progress: called as `progress(done, times)`.

    Returns:
        dict of `Compared` by metric; under `per_class_iu` a list of them.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
    """
    ours, theirs = (metrics(rows.sum(axis=0), widths) for rows in (a, b))
    holding = a[:, 1] > 0  # (N, C)
    labelled, of_class = holding.any(axis=1).sum(), holding.sum(axis=0)
    drawn = _differences(a, b, widths, times if labelled > 1 else 1, seed, progress)
    ious = zip(ours.pop("per_class_iu"), theirs["per_class_iu"], drawn["per_class_iu"].T, of_class, strict=True)
    compared = {name: _compared(one, theirs[name], drawn[name], labelled) for name, one in ours.items()}
    return {**compared, "per_class_iu": [_compared(*values) for values in ious]}


def _differences(a, b, widths, times, seed, progress):
    """Return B's metrics minus A's of every draw: dict of `(times,)` arrays, and `(times, C)` by class."""
    count, generator = len(a), np.random.default_rng(seed)
    step = max(1, _NUMBERS // max(count, a[0].size))
    parts = []
    for done in range(0, times, step):
        draws = min(step, times - done)
        chosen = generator.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=draws * count).reshape(draws, count).astype(float)
        one, other = (
            metrics((weights @ rows.reshape(count, -1)).reshape(draws, *rows.shape[1:]), widths) for rows in (a, b)
        )
        parts.append({name: other[name] - one[name] for name in one})
        if progress is not None:
            progress(done + draws, times)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _compared(one, other, drawn, images):
    """Compare one metric: A's and B's value, and their difference in every draw."""
    difference = other - one
    low = high = p = None
    drawn = drawn[~np.isnan(drawn)]  # a draw may hold no image of a class
    # Every draw of one image is that image: it would always seem certain.
    if images > 1 and drawn.size:
        low, high = np.percentile(drawn, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
        smaller = min((drawn <= 0).sum(), (drawn >= 0).sum())
        p = min(1.0, 2 * (smaller + 1) / (len(drawn) + 1))
    values = (None if x is None or math.isnan(x) else float(x) for x in (one, other, difference, low, high, p))
    return Compared(*values, images=int(images))
