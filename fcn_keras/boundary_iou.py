"""Boundary IoU: the IU of two label maps within narrow bands inside the outlines of their regions.

Unlike a trimap, whose band lies along the truth's boundary alone, it punishes labels that reach too far and labels
that stop too early alike, and a large object's band does not drown in its middle. As in the authors' own program, the
image's frame is an outline, too, and distances are the chessboard's.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BAND = 0.02  # of the image's diagonal: Cheng et al.


def band_counts(
    truth: NDArray[Any], labels: NDArray[Any], num_classes: int, *, band: float = BAND, ignore_label: int = 255
) -> NDArray[np.int64]:
    """Count the pixels in the bands of every class of one image.

    A pixel is in its region's band if another region, or the outside of the image, is at most `band` times the image's
    diagonal away (rounded to whole pixels, at least one), along rows, columns or diagonals. Where the truth is void,
    the labels are taken for void too; void ends regions, but has no band of its own.

    Args:
        truth, labels: `(H, W)` integers.
        num_classes: void not counted.
        band: share of the diagonal.
        ignore_label: the id of void pixels in the truth.

    Returns:
        `(3, C)` int64: the pixels in the class's band of both, of the truth, and of the labels.

    Reference: Cheng, Girshick, Dollar, Berg, Kirillov, Boundary IoU, CVPR 2021.
    """
    void = truth == ignore_label
    # Void becomes -1, which no class is, whatever the ids' dtype.
    truth, labels = (np.where(void, -1, x.astype(np.int64)) for x in (truth, labels))
    width = max(1, round(band * math.hypot(*truth.shape)))
    near_truth, near_labels = (_near_outline(x, width) & ~void for x in (truth, labels))
    both = near_truth & near_labels & (truth == labels)
    counted = (truth[both], truth[near_truth], labels[near_labels])
    return np.stack([np.bincount(x, minlength=num_classes) for x in counted]).astype(np.int64)


def band_ious(counts: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Compute the IU of every class out of counts.

    Args:
        counts: `(3, C)`, as `band_counts` has them, or a sum of such.

    Returns:
        `(C,)` from 0 to 1, NaN for a class without a band.
    """
    hits, truth, labels = counts
    union = truth + labels - hits
    ious: NDArray[np.float64] = np.divide(hits, union, out=np.full(union.shape, np.nan), where=union > 0)
    return ious


def _near_outline(labels: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Mark the pixels in whose square of `2 * width + 1` pixels another id lies, or the outside of the image."""
    from scipy import ndimage

    size = 2 * width + 1
    outside = {"mode": "constant", "cval": -2}  # an id that no pixel has
    lowest = ndimage.minimum_filter(labels, size, **outside)
    highest = ndimage.maximum_filter(labels, size, **outside)
    return np.asarray(lowest != highest)
