"""Focal loss: cross-entropy that forgets pixels which are right already."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses import pixels

SMALLEST = 2.0**-100  # below any probability of being wrong but 0, whose powers under 1 have no finite slope


@keras.saving.register_keras_serializable("fcn_keras")
class FocalCrossentropy(pixels.DenseLoss):
    """Weigh the cross-entropy of every pixel that is not void by how wrong the pixel is: `-(1 - p)**gamma * ln(p)`.

    `p` is the softmax probability of the true class. Takes labels, scores and sample weights as `PixelCrossentropy`
    does, computes in float32 and meets illegal labels alike. A batch that is all void has loss 0 and gradient 0.

    Args:
        gamma: the exponent, at least 0. 0 is cross-entropy; 2 is the paper's: a pixel of `p` 0.9 counts a hundredth.
        ignore_label: the id of void pixels, which have no loss and no gradient.
        class_weights: one factor a class, applied to the pixels whose truth it is: the paper's alpha.
        reduction: `"mean"` over the counted pixels of the batch (neither weights nor the power enter the divisor),
            or `"sum"`. (The paper divides by the number of boxes assigned to an object, which pixels do not have.)
        name: of the loss.
        dtype: of the result, `"float32"` or `"float64"`.

    Raises:
        ValueError: on an argument out of range, labels and scores of different sizes, or sample weights that are
            neither one an image, `(B,)`, nor one a pixel, as the labels.

    Example:
        >>> import numpy as np
        >>> scores = np.zeros((1, 1, 1, 2))  # either class has probability 1/2: ln(2) / 4
        >>> round(float(FocalCrossentropy()(np.array([[[1]]]), scores)), 4)
        0.1733

    Reference: Lin, Goyal, Girshick, He, Dollár, ICCV 2017, section 3.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        reduction: str = "mean",
        name: str = "focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, dtype, pixels.require_reduction(reduction))
        if not 0 <= gamma < float("inf"):
            raise ValueError(f"`gamma` is a finite number, at least 0. Received: {gamma!r}.")
        self.gamma = gamma

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of every pixel, scaled so that the base class's reduction gives the documented one."""
        scores = ops.cast(y_pred, "float32")
        labels, valid, illegal = pixels.split(y_true, scores, self.ignore_label, self.class_weights)
        loss = ops.sparse_categorical_crossentropy(labels, scores, from_logits=True)
        wrong = ops.maximum(-ops.expm1(-loss), SMALLEST)  # 1 - p, without the cancellation near p = 1
        loss = ops.power(wrong, self.gamma) * loss
        loss = ops.where(valid, pixels.weighted(loss, labels, self.class_weights), 0.0)
        if self.reduction == "mean":
            loss = pixels.scaled(loss, pixels.count(valid))
        return ops.where(illegal, float("nan"), loss)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma, "reduction": self.reduction}
