"""How far a network's probabilities can be believed: the reliability diagram of a split, ECE, Brier score and NLL.

Probabilities are the softmax of scores. Divided by a temperature first, the scores keep their order, and so the labels
stay; above 1 it makes a network less sure of itself, below 1 surer.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_keras import labels as label_ops

BINS = 15  # Guo et al.
TEMPERATURES = (0.02, 50.0)  # that are looked at
ALLOWED = (0.001, 1000.0)  # beyond, divided weights would leave float32, and labels could change
_NUMBERS = 2**20  # probabilities that are held in float64 at once


class CalibrationScores:
    """Accumulate, over a whole split, how sure a network is and how often it is right.

    Args:
        num_classes: void not counted.
        bins: of equal width, in which pixels of like confidence are put together.
        temperature: that scores are divided by.
        by_class: whether each class's probability is looked at as well, not only that of the label.
        ignore_label: the id of void pixels in the truth.

    Attributes:
        pixels: int, how many counted.

    Raises:
        ValueError: if an argument is out of range.

    Reference: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, ICML 2017; of classes: Kull et
    al., Beyond temperature scaling, NeurIPS 2019.

    Example:
        >>> import numpy as np
        >>> found = CalibrationScores(2)
        >>> found.update(np.array([[[0.0, 0.0], [0.0, 0.0]]]), np.array([[0, 1]]))  # unsure, and right half of the time
        >>> result = found.result()
        >>> float(result["ece"]), float(result["brier"]), float(round(result["nll"], 4))
        (0.0, 0.5, 0.6931)
    """

    def __init__(
        self,
        num_classes: int,
        *,
        bins: int = BINS,
        temperature: float = 1.0,
        by_class: bool = False,
        ignore_label: int = 255,
    ) -> None:
        for name, value in (("num_classes", num_classes), ("bins", bins)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` is a positive int. Received: {value!r}.")
        require_temperature(temperature)
        self.num_classes, self.bins, self.ignore_label = num_classes, bins, ignore_label
        self.temperature, self.by_class = float(temperature), by_class
        self.pixels = 0
        self._brier = self._nll = 0.0
        self._sums = np.zeros((3, bins))  # pixels, their confidences, those that are right
        self._of_class = np.zeros((3, num_classes, bins))

    def update(self, scores: ArrayLike, truth: ArrayLike) -> None:
        """Add pixels.

        Args:
            scores: `(..., C)` float, as a network gives them, not probabilities.
            truth: `(...)` class ids and void.

        Raises:
            ValueError: if the shapes do not fit, a score is no number, or a pixel is of no class.
        """
        given, ids = np.asarray(scores), np.asarray(truth)
        require_scores(given, ids, self.num_classes)
        label_ops.check(ids, self.num_classes, self.ignore_label)
        given, ids = given.reshape(-1, self.num_classes), ids.reshape(-1)
        step = max(1, _NUMBERS // self.num_classes)
        for first in range(0, len(ids), step):
            part = ids[first : first + step]
            counted = part != self.ignore_label
            self._add(given[first : first + step][counted], part[counted].astype(np.intp))

    def _add(self, scores: NDArray[Any], truth: NDArray[np.intp]) -> None:
        if not len(truth):
            return
        logs = log_probabilities(scores, self.temperature)
        probabilities, place = np.exp(logs), np.arange(len(truth))
        labels = scores.argmax(axis=-1)
        confidence, right = probabilities[place, labels], labels == truth
        self._nll -= logs[place, truth].sum()
        self._brier += np.square(probabilities).sum() + (1 - 2 * probabilities[place, truth]).sum()
        self._sums += _binned(confidence, right, self.bins)
        self.pixels += len(truth)
        if self.by_class:
            for c in range(self.num_classes):
                self._of_class[:, c] += _binned(probabilities[:, c], truth == c, self.bins)

    def result(self) -> dict[str, Any]:
        """Return all figures; NaN where no pixel counted.

        Returns:
            dict: `pixels`; `accuracy` and `confidence`, means from 0 to 1; `ece`, the expected calibration error:
            the mean over the pixels of the gap between both in the pixel's bin; `brier`, the mean of the summed
            squares of what all classes' probabilities are off, from 0 to 2; `nll`, the mean of minus the logarithm of
            the true class's probability; `bins`, dict of `(bins,)` arrays: `pixels`, `confidence`, `accuracy`; and
            `per_class_ece` `(C,)`, the same gaps of every class's own probability, NaN unless they were asked for.
        """
        total = self.pixels or math.nan
        counts, confidences, right = self._sums
        per_class = np.full(self.num_classes, math.nan)
        if self.by_class:
            per_class = np.abs(self._of_class[1] - self._of_class[2]).sum(axis=-1) / total
        return {
            "pixels": self.pixels,
            "accuracy": right.sum() / total,
            "confidence": confidences.sum() / total,
            "ece": np.abs(confidences - right).sum() / total,
            "brier": self._brier / total,
            "nll": self._nll / total,
            "bins": {
                "pixels": counts.astype(np.int64),
                "confidence": _share(confidences, counts),
                "accuracy": _share(right, counts),
            },
            "per_class_ece": per_class,
        }


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """Find the temperature at which the true classes are most probable.

    Args:
        scores: `(P, C)` float, of pixels that count.
        truth: `(P,)` class ids.

    Returns:
        that of the least NLL, from 0.02 to 50. Its ends stand for scores that are always right, and for scores that
        tell nothing.

    Raises:
        ValueError: if there is no pixel, the shapes do not fit, or a score is no number.

    Reference: Guo et al., ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    given, ids = np.asarray(scores, np.float64), np.asarray(truth)
    require_scores(given, ids, given.shape[-1])
    if not len(ids):
        raise ValueError("A temperature is fitted to pixels. Received: none that count.")
    below = given - given.max(axis=-1, keepdims=True)
    true = below[np.arange(len(ids)), ids.astype(np.intp)].mean()

    def nll(log: float) -> float:
        sharpness = math.exp(-log)
        return float(np.log(np.exp(below * sharpness).sum(axis=-1)).mean() - true * sharpness)

    low, high = map(math.log, TEMPERATURES)
    return math.exp(float(minimize_scalar(nll, bounds=(low, high), method="bounded", options={"xatol": 1e-5}).x))


def log_probabilities(scores: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float64]:
    """Compute the logarithms of the softmax of scores, along the last axis.

    Args:
        scores: `(..., C)` float.
        temperature: that they are divided by.

    Returns:
        `(..., C)`, in float64.
    """
    scaled = scores.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True)))


def require_temperature(temperature: Any) -> None:
    """Refuse a temperature that scores cannot be divided by.

    Args:
        temperature: what was given.

    Raises:
        ValueError: if it is no number from 0.001 to 1000.
    """
    is_number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
    if not is_number or not ALLOWED[0] <= temperature <= ALLOWED[1]:
        raise ValueError(f"`temperature` is a number from {ALLOWED[0]} to {ALLOWED[1]:g}. Received: {temperature!r}.")


def require_scores(scores: NDArray[Any], truth: NDArray[Any], num_classes: int) -> None:
    """Refuse scores that are no numbers, or not those of the truth's pixels.

    Args:
        scores: that should be `(..., C)`.
        truth: that should be `(...)`.
        num_classes: C.

    Raises:
        ValueError: if they do not fit.
    """
    if scores.ndim < 1 or scores.shape[-1] != num_classes or scores.shape[:-1] != truth.shape:
        raise ValueError(
            f"`scores` are (..., {num_classes}), one of every class for each pixel of `truth`. "
            f"Received: scores {scores.shape}, truth {truth.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError("`scores` must be finite. Received: NaN or infinity.")


def _binned(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int) -> NDArray[np.float64]:
    """Add up pixels, confidences and hits in bins that are open below and closed above: `(3, bins)`."""
    place = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    weights = (None, confidence, right.astype(np.float64))
    return np.stack([np.bincount(place, x, minlength=bins) for x in weights])


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.divide(part, whole, out=np.full(whole.shape, math.nan), where=whole > 0)
    return share
