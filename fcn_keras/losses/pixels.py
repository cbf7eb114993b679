"""What every loss does alike: read labels, refuse what does not fit, weigh pixels, reduce."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras import labels as label_ops
from fcn_keras.labels import Tensor

REDUCTIONS = ("mean", "sum")
DTYPES = ("float32", "float64")


class DenseLoss(keras.losses.Loss):
    """Hold what every loss of labels and scores is made of.

    Subclasses say in `call` what it costs.

    Args:
        ignore_label: the id of void pixels, which have no loss and no gradient.
        class_weights: one factor a class.
        name: of the loss.
        dtype: of the result, `"float32"` (also where it is None) or `"float64"`.
        reduction: one that Keras knows.

    Raises:
        ValueError: on a weight or dtype out of range.
    """

    def __init__(
        self,
        ignore_label: int,
        class_weights: Sequence[float] | None,
        name: str,
        dtype: Any,
        reduction: str = "sum_over_batch_size",
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        require_wide(self.dtype)
        self.ignore_label = ignore_label
        self.class_weights = finite_weights(class_weights)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if sample_weight is not None:
            sample_weight = by_pixel(sample_weight, self)
        return super().__call__(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {"ignore_label": self.ignore_label, "class_weights": self.class_weights}
        return {**own, "name": self.name, "dtype": self.dtype}


def finite_weights(class_weights: Sequence[float] | None) -> list[float] | None:
    """Return class weights as plain floats, which a config can hold.

    Raises:
        ValueError: if one is negative or not finite.
    """
    if class_weights is None:
        return None
    class_weights = [float(weight) for weight in class_weights]
    if any(not 0 <= weight < float("inf") for weight in class_weights):
        raise ValueError(f"`class_weights` are finite and not negative. Received: {class_weights}.")
    return class_weights


def require_reduction(reduction: str) -> str:
    """Return a reduction.

    Raises:
        ValueError: if it is none of `REDUCTIONS`.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` is one of {REDUCTIONS}. Received: {reduction!r}.")
    return reduction


def require_wide(dtype: str) -> None:
    """Refuse a half float as the dtype of a loss.

    Raises:
        ValueError: if it is none of `DTYPES`.
    """
    if dtype not in DTYPES:
        raise ValueError(
            f"`dtype` is one of {DTYPES}: a half float holds neither the sum over an image nor every class id. "
            f"Received: {dtype!r}. Leave it out; the scores may be of any float."
        )


def split(
    labels: Tensor, scores: Tensor, ignore_label: int, class_weights: Sequence[float] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Give labels the shape `(B, H, W)` and divide them, as `labels.split` does.

    Raises:
        ValueError: if labels and scores are of different sizes, if there is not one class weight a class, or as
            `labels.split`.
    """
    num_classes = scores.shape[-1]
    label_ops.check_sizes(labels.shape, scores.shape)
    if class_weights is not None and len(class_weights) != num_classes:
        raise ValueError(
            f"`class_weights` has one factor a class. Received: {len(class_weights)} for {num_classes} classes."
        )
    labels = ops.squeeze(labels, -1) if len(labels.shape) == 4 else labels
    return label_ops.split(labels, num_classes, ignore_label)


def weighted(loss: Tensor, labels: Tensor, class_weights: Sequence[float] | None) -> Tensor:
    """Multiply the loss of every pixel by the weight of its true class."""
    if class_weights is None:
        return loss
    known = ops.clip(labels, 0, len(class_weights) - 1)
    return loss * ops.take(ops.convert_to_tensor(class_weights, "float32"), known)


def scaled(loss: Tensor, counted: Tensor) -> Tensor:
    """Scale pixels so that the mean over all of them, which Keras takes, is the mean over the counted ones."""
    return loss * (ops.cast(ops.size(loss), "float32") / ops.maximum(counted, 1.0))


def count(pixels: Tensor) -> Tensor:
    """Count what is True, as a float32."""
    return ops.sum(ops.cast(pixels, "float32"))


def by_pixel(sample_weight: Tensor, loss: keras.losses.Loss) -> Tensor:
    """Give weights the rank of the labels: any other would be paired with rows and columns, where sizes allow it.

    Raises:
        ValueError: if there is neither one an image nor one a pixel.
    """
    sample_weight = ops.convert_to_tensor(sample_weight, loss.dtype)
    shape = tuple(sample_weight.shape)
    if len(shape) == 1:
        return ops.reshape(sample_weight, (-1, 1, 1))
    if len(shape) not in (0, 3, 4):
        raise ValueError(
            f"Sample weights are (B,), (B, H, W) or (B, H, W, 1). Received: shape {shape}. To weight classes, leave "
            f"`fit(class_weight=...)` out: compile with `{type(loss).__name__}(class_weights=[...])`, one factor a "
            "class."
        )
    return sample_weight
