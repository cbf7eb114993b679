"""Keep of every image what metrics of any choice of images can be computed from, and who is right where."""

import numpy as np

from fcn_keras.boundary import BoundaryScores
from fcn_keras.examples import VOID

from ..scoring.image_sums import sums_of

OUTCOMES = ("both_right", "a_right", "b_right", "both_wrong_otherwise", "both_wrong_alike")
DIFFERENT = ("a_right", "b_right", "both_wrong_otherwise")  # in these A and B give different classes


class Tally:
    """Collect one head's images.

    Args:
        num_classes: void not counted.
        models: how many label them.
        boundaries: whether trimaps, boundary F1 and Boundary IoU are to be had as well.

    Attributes:
        widths: of the trimaps, or none.
        names: of the images.
    """

    def __init__(self, num_classes, *, models=2, boundaries=False):
        self._boundaries = BoundaryScores(num_classes) if boundaries else None
        self.widths = self._boundaries.widths if boundaries else ()
        self.names = []
        self._rows, self._outcomes = [[] for _ in range(models)], []

    def add(self, name, truth, labels, matrices):
        """Add an image: `(H, W)` truth, and the labels and `(C, C)` matrices of every model.

        Returns:
            `(H, W)` uint8: the place in `OUTCOMES` of every pixel, 255 where the truth is void; None of more than two
            models.
        """
        for rows, each, matrix in zip(self._rows, labels, matrices, strict=True):
            boundaries = None if self._boundaries is None else self._boundaries.measured(truth, each)
            rows.append(sums_of(matrix, boundaries))
        self.names.append(name)
        if len(labels) > 2:
            return None
        outcome = outcomes(truth, *labels)
        self._outcomes.append(counted(outcome))
        return outcome

    def rows(self):
        """Return every model's sums, `(N, R, C)` float64 each, as `image_sums.metrics` takes them."""
        return tuple(np.stack(rows) for rows in self._rows)

    def outcomes(self):
        """Return `(N, len(OUTCOMES))` int64: every image's pixels, of two models."""
        return np.stack(self._outcomes)


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
