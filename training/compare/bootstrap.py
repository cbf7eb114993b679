"""Tell a difference between two models from chance: a paired bootstrap over the images of a split."""

import math
from dataclasses import dataclass

import numpy as np

from ..scoring.bootstrap import LEVEL, TIMES, draw_metrics, holding, interval
from ..scoring.image_sums import metrics

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # what is compared is called
LEAST_DRAWS = 80  # a pair: the smallest p, times the number of pairs, is then at most half of 5 %


@dataclass(frozen=True)
class Compared:
    """One metric of A and B, from 0 to 1; None where there is nothing to be scored.

    Attributes:
        difference: B's minus A's.
        low, high: the interval of the difference; None for a single image.
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


def bootstrap(a, b, widths=(), *, times=TIMES, seed=0, progress=None):
    """Compare the metrics of two models, and resample the images to see how far chance moves the difference.

    A split is drawn anew `times` times, images with replacement; both models' sums are taken over the same draw, and
    every metric comes out of the sums. The interval is the percentiles of the differences, and p twice the smaller
    share of them on either side of 0, 0 itself on both. This is the chance in the choice of images; what training
    with another seed would change it does not tell.

    Args:
        a, b: `(N, R, C)` sums of the images, as `scoring.image_sums.metrics` takes them.
        widths: of the trimaps in them.
        times: draws.
        seed: of the draws.
        progress: called as `progress(done, times)`.

    Returns:
        dict of `Compared` by metric; under `per_class_iu` a list of them.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
    """
    labelled, _ = holding(a)
    drawn = draw_metrics((a, b), widths, times=times if labelled > 1 else 1, seed=seed, progress=progress)
    return pair(a, b, *drawn, widths)


def pair(a, b, drawn_a, drawn_b, widths=(), *, level=LEVEL):
    """Compare two models whose draws are there already; `level` is that of the intervals. Result as `bootstrap`'s."""
    labelled, of_class = holding(a)
    ours, theirs = (metrics(rows.sum(axis=0), widths) for rows in (a, b))
    drawn = {name: drawn_b[name] - drawn_a[name] for name in drawn_a}
    ious = zip(ours.pop("per_class_iu"), theirs["per_class_iu"], drawn["per_class_iu"].T, of_class, strict=True)
    compared = {name: _compared(one, theirs[name], drawn[name], labelled, level) for name, one in ours.items()}
    return {**compared, "per_class_iu": [_compared(*values, level) for values in ious]}


def _compared(one, other, drawn, images, level):
    """Compare one metric: A's and B's value, and their difference in every draw."""
    low = high = p = None
    if (found := interval(drawn, images, level)) is not None:
        low, high = found
        drawn = drawn[~np.isnan(drawn)]  # a draw may hold no image of a class
        smaller = min((drawn <= 0).sum(), (drawn >= 0).sum())
        p = min(1.0, 2 * (smaller + 1) / (len(drawn) + 1))
    values = (None if x is None or math.isnan(x) else float(x) for x in (one, other, other - one, low, high, p))
    return Compared(*values, images=int(images))
