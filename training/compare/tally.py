"""Keep of every image what metrics of any choice of images can be computed from, and who is right where."""

import numpy as np

from fcn_keras.boundary import WIDTHS, boundary_f1, trimap_matrices
from fcn_keras.examples import VOID

OUTCOMES = ("both_right", "a_right", "b_right", "both_wrong_otherwise", "both_wrong_alike")
DIFFERENT = ("a_right", "b_right", "both_wrong_otherwise")  # in these A and B give different classes


class Tally:
    """Collect one head's images.

    Args:
        num_classes: void not counted.
        boundaries: whether trimaps and boundary F1 are to be had as well.

    Attributes:
        widths: of the trimaps, or none.
        names: of the images.
    """

    def __init__(self, num_classes, *, boundaries=False):
        self.num_classes = num_classes
        self.widths = WIDTHS if boundaries else ()
        self.names = []
        self._rows, self._outcomes = ([], []), []

    def add(self, name, truth, labels, matrices):
        """Add an image: `(H, W)` truth, and the labels and `(C, C)` matrices of A and B.

        Returns:
            `(H, W)` uint8: the place in `OUTCOMES` of every pixel, 255 where the truth is void.
        """
        for rows, each, matrix in zip(self._rows, labels, matrices, strict=True):
            rows.append(self._sums(truth, each, matrix))
        outcome = outcomes(truth, *labels)
        self._outcomes.append(counted(outcome))
        self.names.append(name)
        return outcome

    def rows(self):
        """Return A's and B's statistics, `(N, R, C)` float64 each, as `metrics` takes sums of them."""
        return tuple(np.stack(rows) for rows in self._rows)

    def outcomes(self):
        """Return `(N, len(OUTCOMES))` int64: every image's pixels."""
        return np.stack(self._outcomes)

    def _sums(self, truth, labels, matrix):
        several = [matrix]
        if self.widths:
            several += [*trimap_matrices(truth, labels, self.num_classes, widths=self.widths)]
        rows = [part for x in several for part in (x.diagonal(), x.sum(axis=1), x.sum(axis=0))]
        if self.widths:
            f1 = boundary_f1(truth, labels, self.num_classes)
            rows += [np.nan_to_num(f1), ~np.isnan(f1)]
        return np.array(rows, float)


def outcomes(truth, a, b):
    """Tell who is right where: `(H, W)` uint8, places in `OUTCOMES`; 255 where the truth is void."""
    right_a, right_b = a == truth, b == truth
    places = np.where(a == b, OUTCOMES.index("both_wrong_alike"), OUTCOMES.index("both_wrong_otherwise"))
    places[right_a] = OUTCOMES.index("a_right")
    places[right_b] = OUTCOMES.index("b_right")
    places[right_a & right_b] = OUTCOMES.index("both_right")
    places[truth == VOID] = VOID
    return places.astype(np.uint8)


def counted(outcome):
    """Count the pixels of every outcome: `(len(OUTCOMES),)` int64, void left out."""
    return np.bincount(outcome[outcome != VOID], minlength=len(OUTCOMES))


def differing(counts):
    """Add up the pixels that A and B give different classes, of `(..., len(OUTCOMES))` counts."""
    return sum(counts[..., OUTCOMES.index(name)] for name in DIFFERENT)


def metrics(rows, widths=()):
    """Compute metrics out of sums over images.

    Args:
        rows: `(..., R, C)`: right pixels, pixels of the truth and of the prediction by class, first of the whole image,
            then of each trimap; with trimaps two more, the sum of boundary F1 and the images that it is of.
        widths: of the trimaps.

    Returns:
        dict of `(...)` arrays: the four metrics as `fcn_keras.scores` defines them, mean IU of each trimap,
        boundary F1; and `per_class_iu` `(..., C)`. NaN where there is nothing to be scored.
    """
    hits, truth, predicted = (rows[..., row, :] for row in range(3))
    iu = _iu(hits, truth, predicted)
    total = truth.sum(axis=-1)
    values = {
        "pixel_accuracy": _share(hits.sum(axis=-1), total),
        "mean_accuracy": _mean(_share(hits, truth)),
        "mean_iu": _mean(iu),
        "fw_iu": _share((truth * np.nan_to_num(iu)).sum(axis=-1), total),
    }
    for place, width in enumerate(widths, 1):
        values[f"trimap_{width}_mean_iu"] = _mean(_iu(*(rows[..., 3 * place + row, :] for row in range(3))))
    if widths:
        values["boundary_f1"] = _mean(_share(rows[..., -2, :], rows[..., -1, :]))
    return {**values, "per_class_iu": iu}


def _iu(hits, truth, predicted):
    return _share(hits, truth + predicted - hits)


def _share(part, whole):
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean(values):
    """Take the mean along the last axis over what is not NaN."""
    there = ~np.isnan(values)
    return _share(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))
