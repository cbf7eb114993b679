"""Lovász-softmax: the convex surrogate of a class's intersection over union."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses.regions import RegionLoss, errors


@keras.saving.register_keras_serializable("fcn_keras")
class LovaszSoftmax(RegionLoss):
    """Compute the Lovász extension of one minus IU, averaged over the classes present in the batch.

    A pixel's error for a class is `1 - p` where it is the truth, else `p`, with `p` its softmax probability. Where all
    errors are 0 or 1, a class's loss is exactly one minus its IU over the batch; between, it is linear in the sorted
    errors. Areas are those of the whole batch, and classes without a counted true pixel are left out of the mean (the
    paper's "present" classes); `RegionLoss` says why. Where errors tie, the value does not depend on their order; the
    gradient takes the pixels in theirs.

    Takes labels and scores as `PixelCrossentropy` does, computes in float32 and meets illegal labels alike, but in a
    compiled graph the loss is NaN on every device. Sample weights say how often a pixel counts. Pixels are sorted
    once a class: memory and time grow with pixels times classes. Above 2**24 counted pixels in a batch float32 no
    longer counts one by one.

    Args:
        ignore_label, class_weights, name, dtype: as for `SoftDice`.

    Raises:
        ValueError: as `SoftDice`.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[[[90.0, 0.0], [90.0, 0.0], [0.0, 90.0]]]])  # certain: 0, 0, 1
        >>> labels = np.array([[[0, 1, 1]]])  # IU is 1/2 of either class
        >>> float(LovaszSoftmax()(labels, scores))
        0.5

    Reference: Berman, Rannen Triki, Blaschko, CVPR 2018, section 3 and algorithm 1.
    """

    def __init__(
        self,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "lovasz_softmax",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, dtype)

    def of_classes(self, probabilities: Tensor, truth: Tensor, weights: Tensor, areas: Tensor) -> Tensor:
        classes = probabilities.shape[-1]
        wrong = ops.transpose(ops.reshape(errors(probabilities, truth), (-1, classes)))
        true = ops.transpose(ops.reshape(ops.where(truth, weights, 0.0), (-1, classes)))  # (C, N)
        false = ops.transpose(ops.reshape(ops.where(truth, 0.0, weights), (-1, classes)))
        order = ops.argsort(ops.stop_gradient(-wrong), axis=-1)  # the largest error first
        wrong, true, false = (ops.take_along_axis(values, order, axis=-1) for values in (wrong, true, false))
        return ops.sum(wrong * ops.stop_gradient(_steps(true, false, ops.expand_dims(areas, -1))), axis=-1)


def _steps(true: Tensor, false: Tensor, areas: Tensor) -> Tensor:
    """Say by how much one minus IU grows when one more pixel, of the sorted ones, is wrong.

    The paper's algorithm 1 takes differences of neighbours, which cancel in float32. They are, in closed form, `1 / U`
    for a true pixel, which leaves the intersection I, and `I / (U' U)` for another, which makes the union U' into U.

    Args:
        true, false: `(C, N)`, how often the pixel counts where it is, or is not, the class.
        areas: `(C, 1)`, the sums of `true`.
    """
    union = areas + ops.cumsum(false, axis=-1)
    intersection = areas - ops.cumsum(true, axis=-1)
    return (true + false * intersection / (union - false)) / union
