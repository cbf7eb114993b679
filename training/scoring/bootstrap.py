"""Tell how sure figures of a split are: images drawn anew, with replacement, and the metrics of every draw."""

import numpy as np

from .image_sums import metrics

LEVEL = 0.95
TIMES = 10_000  # draws
FEW = 20  # images, below which percentiles of draws are known to be too narrow
_NUMBERS = 2**22  # float64 that one step holds in each of its arrays


def draw_metrics(sums, widths=(), *, times=TIMES, seed=0, progress=None):
    """Draw the images of a split anew, and compute the metrics of one or more models on the same draws.

    Args:
        sums: of every model `(N, R, C)`, rows of `image_sums.sums_of` by image.
        widths: of the trimaps in them.
        times: draws.
        seed: of the draws.
        progress: called as `progress(done, times)`.

    Returns:
        of every model a dict of `(times,)` arrays by metric, and `(times, C)` under `per_class_iu`.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
    """
    count, generator = len(sums[0]), np.random.default_rng(seed)
    step = max(1, _NUMBERS // max(count, sums[0][0].size))
    parts = [[] for _ in sums]
    for done in range(0, times, step):
        draws = min(step, times - done)
        chosen = generator.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=draws * count).reshape(draws, count).astype(float)
        for part, rows in zip(parts, sums, strict=True):
            part.append(metrics((weights @ rows.reshape(count, -1)).reshape(draws, *rows.shape[1:]), widths))
        if progress is not None:
            progress(done + draws, times)
    return [{name: np.concatenate([x[name] for x in part]) for name in part[0]} for part in parts]


def interval(drawn, images, level=LEVEL):
    """Take the percentiles of a metric's draws.

    Args:
        drawn: `(times,)`; NaN where a draw holds nothing to be scored.
        images: that the metric is of.
        level: share of the draws within the interval.

    Returns:
        `(low, high)`; None of less than two images, every draw of which is the same.
    """
    drawn = drawn[~np.isnan(drawn)]
    if images < 2 or not drawn.size:
        return None
    low, high = np.percentile(drawn, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def holding(sums):
    """Count the images that have a labelled pixel, and those that have one of each class: an int, `(C,)` int64."""
    there = sums[:, 1] > 0
    return int(there.any(axis=1).sum()), there.sum(axis=0)


def intervals(sums, widths=(), *, times=TIMES, seed=0):
    """Return the 95 % interval of every metric of one model.

    This is the chance in the choice of images. What training with another seed would change it does not tell.

    Args:
        sums, widths, times, seed: as for `draw_metrics`, of one model.

    Returns:
        dict of `(low, high)`, from 0 to 1, by metric; under `per_class_iu` a list of them. None where fewer than two
        images have the class in their truth.
    """
    images, of_class = holding(sums)
    (drawn,) = draw_metrics([sums], widths, times=times if images > 1 else 1, seed=seed)
    ious = [interval(x, n) for x, n in zip(drawn.pop("per_class_iu").T, of_class, strict=True)]
    return {**{name: interval(x, images) for name, x in drawn.items()}, "per_class_iu": ious}
