"""Bring label maps down to a stride and up again, and count what is left of them."""

import logging
import os
from functools import partial

import numpy as np

from fcn_keras.confusion import confusion
from fcn_keras.interface import heads_of

from ..reading import read_each

LOG = logging.getLogger("fcn-bound")


def bound(examples, factors, *, progress=None):
    """Count how label maps compare with themselves, brought down by each factor and up again.

    Args:
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`.
        factors: sides of a cell in pixels.
        progress: called as `progress(done, total)` after each example.

    Returns:
        dict by head (the only one is `""`) of dicts by factor of `(C, C + 1)` int64 counts, rows truth, columns what
        is left of it; the last column is void, a miss.

    Raises:
        ValueError: if a factor is below 1, there is no example, or a label is out of range.
    """
    if min(factors) < 1:
        raise ValueError(f"A factor is at least 1. Received: {min(factors)}.")
    if not len(examples):
        raise ValueError("The data set holds no image: there is nothing to count. Check its path and split.")
    matrices = {head: dict.fromkeys(factors, 0) for head in heads_of(examples.num_classes)}
    count = partial(_count, examples, factors)
    indices = range(len(examples))
    for index, counts in read_each(count, indices, progress=progress, threads=os.cpu_count() or 1):
        for head, by_factor in counts.items():
            for factor, matrix in by_factor.items():
                matrices[head][factor] = matrices[head][factor] + matrix
        LOG.debug("example %d of %d counted", index + 1, len(examples))
    return matrices


def _count(examples, factors, index):
    """Return the `(C, C + 1)` counts of one example, by head and factor."""
    counts, place = heads_of(examples.num_classes), f"example {index}"
    return {
        head: {
            factor: confusion(label, down_and_up(label, factor), counts[head], place, count_missed=True)
            for factor in factors
        }
        for head, label in heads_of(examples[index]["label"]).items()
    }


def down_and_up(label, factor):
    """Bring a label map down by a factor and up again to its size.

    A cell's label is the one that most of its pixels have, the lowest id of equals; cells at the right and lower
    border are what is left of them. Between the cells' centres, every id's map is interpolated bilinearly, and the
    highest wins, again the lowest id of equals.

    Args:
        label: `(H, W)` integers from 0 to 255; void (255) is a label like any other.

    Returns:
        `(H, W)` array of the same dtype.
    """
    present, ids = np.unique(label, return_inverse=True)
    ids = ids.reshape(label.shape)
    (height, width), kinds = label.shape, len(present)
    rows, columns = -(-height // factor), -(-width // factor)
    cell = (np.arange(height) // factor)[:, None] * columns + np.arange(width) // factor  # (H, W)
    votes = np.bincount((cell * kinds + ids).ravel(), minlength=rows * columns * kinds)
    coarse = votes.reshape(rows, columns, kinds).argmax(axis=-1)
    maps = (coarse == np.arange(kinds)[:, None, None]).astype(np.float32)  # (K, h, w)
    maps = _stretch(_stretch(maps, height, factor, axis=1), width, factor, axis=2)  # (K, H, W)
    return present[maps.argmax(axis=0)]


def mean_iu(matrix):
    """Return the mean IU and the IU of every class (NaN for one that is nowhere) of `(C, C + 1)` counts."""
    hits = matrix.diagonal()
    union = matrix.sum(axis=1) + matrix[:, :-1].sum(axis=0) - hits
    ius = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
    return (float(np.nanmean(ius)) if union.any() else 0.0), ius


def _stretch(maps, length, factor, axis):
    """Interpolate along one axis; value `i` lies in the middle of pixels `factor * i ... factor * (i + 1) - 1`."""
    count = maps.shape[axis]
    place = np.clip((np.arange(length) - (factor - 1) / 2) / factor, 0, count - 1)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, count - 1)
    share = (place - before).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(maps.ndim)])
    return maps.take(before, axis) * (1 - share) + maps.take(after, axis) * share
