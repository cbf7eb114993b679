"""Losses by how much of a class's predicted area and true area overlap."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses.regions import RegionLoss, errors

DENOMINATORS = ("sum", "squares")
PIXELS = (0, 1, 2)  # the axes to sum over


@keras.saving.register_keras_serializable("fcn_keras")
class SoftDice(RegionLoss):
    """Compute one minus the Dice overlap of probability and truth, averaged over the classes present in the batch.

    With `p` the softmax probability of a class at a counted pixel and `g` 1 where it is the truth, else 0, a class's
    loss is `1 - 2 sum(p g) / (sum(p) + sum(g))`, from 0 (all right) to 1. Sums run over the counted pixels of the
    whole batch. A class without a counted true pixel is left out of the mean; `RegionLoss` says why.

    Takes labels and scores as `PixelCrossentropy` does, computes in float32 and meets illegal labels alike, but in a
    compiled graph the loss is NaN on every device. Sample weights say how often a pixel counts.

    Args:
        ignore_label: the id of void pixels, which have no loss and no gradient.
        class_weights: one factor a class on its loss. They do not enter the divisor, which is the number of classes
            present; 0 leaves a class, the background say, unrewarded.
        denominator: `"sum"` (Sudre et al., for a class) or `"squares"`, `sum(p p) + sum(g g)` (Milletari et al.).
        name: of the loss.
        dtype: of the result, `"float32"` or `"float64"`.

    Raises:
        ValueError: on an argument out of range, labels and scores of different sizes, or sample weights that are
            neither one an image, `(B,)`, nor one a pixel, as the labels.

    Example:
        >>> import numpy as np
        >>> scores = np.zeros((1, 1, 2, 2))  # p is 1/2 everywhere
        >>> labels = np.array([[[0, 1]]])  # of either class 1 - 2 * 0.5 / (1 + 1)
        >>> float(SoftDice()(labels, scores))
        0.5

    Reference: Milletari, Navab, Ahmadi, 3DV 2016, section 3; Sudre, Li, Vercauteren, Ourselin, Cardoso, DLMIA 2017,
    equation 3.
    """

    def __init__(
        self,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        denominator: str = "sum",
        name: str = "soft_dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, dtype)
        if denominator not in DENOMINATORS:
            raise ValueError(f"`denominator` is one of {DENOMINATORS}. Received: {denominator!r}.")
        self.denominator = denominator

    def of_classes(self, probabilities: Tensor, truth: Tensor, weights: Tensor, areas: Tensor) -> Tensor:
        # 1 - 2 sum(p g) / (sum(p) + sum(g)) is sum(|p - g|) / (sum(p) + sum(g)), which does not cancel; squared alike.
        wrong = errors(probabilities, truth)
        if self.denominator == "squares":
            wrong, probabilities = ops.square(wrong), ops.square(probabilities)
        return ops.sum(weights * wrong, PIXELS) / (ops.sum(weights * probabilities, PIXELS) + areas)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "denominator": self.denominator}


@keras.saving.register_keras_serializable("fcn_keras")
class Tversky(RegionLoss):
    """Compute one minus the Tversky index of probability and truth, averaged over the classes present in the batch.

    A class's loss is `1 - TP / (TP + alpha FP + beta FN)`, from 0 (all right) to 1. TP sums its probability over the
    pixels whose truth it is, FP over the others; FN sums what its probability lacks of 1 where it is the truth. Sums
    run over the counted pixels of the whole batch. `alpha` and `beta` 0.5 are `SoftDice()`, 1 and 1 the soft Jaccard
    (IU) loss. The rest is as in `SoftDice`.

    Args:
        alpha: what a false positive costs, at least 0.
        beta: what a false negative costs, above 0: at 0 a class that is predicted nowhere would cost nothing. The
            paper found 0.3 and 0.7 best for rare classes.
        ignore_label, class_weights, name, dtype: as for `SoftDice`.

    Raises:
        ValueError: as `SoftDice`.

    Example:
        >>> import numpy as np
        >>> scores = np.zeros((1, 1, 3, 2))  # p is 1/2 everywhere
        >>> labels = np.array([[[0, 0, 255]]])  # TP 1, FP 0, FN 1
        >>> round(float(Tversky(alpha=0.3, beta=0.7)(labels, scores)), 4)  # 0.7 / 1.7
        0.4118

    Reference: Salehi, Erdogmus, Gholipour, MLMI 2017, section 2.2.
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "tversky",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, dtype)
        if not 0 <= alpha < float("inf"):
            raise ValueError(f"`alpha` is a finite number, at least 0. Received: {alpha!r}.")
        if not 0 < beta < float("inf"):
            raise ValueError(f"`beta` is a finite number above 0. Received: {beta!r}.")
        self.alpha = alpha
        self.beta = beta

    def of_classes(self, probabilities: Tensor, truth: Tensor, weights: Tensor, areas: Tensor) -> Tensor:
        hits = ops.sum(weights * ops.where(truth, probabilities, 0.0), PIXELS)
        wrong = weights * errors(probabilities, truth)
        cost = self.alpha * ops.sum(ops.where(truth, 0.0, wrong), PIXELS)
        cost = cost + self.beta * ops.sum(ops.where(truth, wrong, 0.0), PIXELS)
        whole = hits + cost
        return cost / ops.where(whole > 0, whole, 1.0)  # an absent class that costs nothing has no area at all

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}
