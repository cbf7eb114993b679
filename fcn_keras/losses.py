"""Softmax cross-entropy over the pixels of whole images."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras import labels as label_ops
from fcn_keras.labels import Tensor

REDUCTIONS = ("mean", "sum")
DTYPES = ("float32", "float64")
# Caffe takes the logarithm of a probability of at least the smallest normal float32, and its gradient of the true one.
LARGEST_TERM = 87.33654475055310  # -ln(2**-126)


@keras.saving.register_keras_serializable("fcn_keras")
class PixelCrossentropy(keras.losses.Loss):
    """Compute softmax cross-entropy at every pixel that is not void.

    Labels are `(B, H, W)` or `(B, H, W, 1)` class ids, scores `(B, H, W, C)` logits; computes in float32 whatever
    the scores are. A batch that is all void has loss 0 and gradient 0. A label out of range is a `ValueError` that
    names it where the values can be read (eager); in a compiled graph TensorFlow's own kernel names it on a CPU,
    and everywhere else the loss is NaN. As in Caffe, one pixel adds at most 87.34 to the loss; its gradient is whole.

    Args:
        ignore_label: the id of void pixels, which have no loss and no gradient.
        class_weights: one factor a class, applied to the pixels whose truth it is. Use it instead of
            `fit(class_weight=...)`, in which Keras has one label an image in mind.
        reduction: `"mean"` over the counted pixels of the batch (weights do not enter the divisor), or `"sum"`, as
            the released solvers at batch 1, which goes with learning rates as small as 1e-10. Caffe divides the
            sum by the number of images.
        keep: the paper's patch sampling: every pixel's term is kept with this probability, independently. Not on
            Keras's JAX backend.
        seed: of the sampling.
        name: of the loss.
        dtype: of the result, `"float32"` (whatever `keras.config.floatx()` is) or `"float64"`.

    Raises:
        ValueError: on a reduction, weight, probability or dtype out of range, labels and scores of different sizes, or
            sample weights that are neither one an image, `(B,)`, nor one a pixel, as the labels.

    Example:
        >>> import numpy as np
        >>> scores = np.zeros((1, 1, 3, 4))  # no class is preferred: every pixel costs ln(4)
        >>> labels = np.array([[[0, 3, 255]]])  # the last one is void
        >>> round(float(PixelCrossentropy()(labels, scores)), 4)
        1.3863
        >>> round(float(PixelCrossentropy(reduction="sum", class_weights=[1, 1, 1, 2])(labels, scores)), 4)
        4.1589

    Reference: Long, Shelhamer, Darrell, CVPR 2015, sections 3.4 and 4.3.
    """

    def __init__(
        self,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        reduction: str = "mean",
        keep: float = 1.0,
        seed: int | None = None,
        name: str = "pixel_crossentropy",
        dtype: Any = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"`reduction` is one of {REDUCTIONS}. Received: {reduction!r}.")
        if not 0 < keep <= 1:
            raise ValueError(f"`keep` is a probability above 0, at most 1. Received: {keep!r}.")
        if keep < 1 and keras.backend.backend() == "jax":
            raise ValueError(
                "Patch sampling draws a new mask at every step, and Keras's JAX backend keeps a loss's random state "
                f"constant in a compiled step. Received: keep={keep}. Train with the TensorFlow or torch backend."
            )
        if class_weights is not None:
            class_weights = [float(weight) for weight in class_weights]
            if any(not 0 <= weight < float("inf") for weight in class_weights):
                raise ValueError(f"`class_weights` are finite and not negative. Received: {class_weights}.")
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        if self.dtype not in DTYPES:
            raise ValueError(
                f"`dtype` is one of {DTYPES}: a half float holds neither the sum over an image nor every class id. "
                f"Received: {self.dtype!r}. Leave it out; the scores may be of any float."
            )
        self.ignore_label = ignore_label
        self.class_weights = class_weights
        self.keep = keep
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if keep < 1 else None

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if sample_weight is not None:
            sample_weight = _by_pixel(ops.convert_to_tensor(sample_weight, self.dtype))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of every pixel, scaled so that the base class's reduction gives the documented one."""
        scores = ops.cast(y_pred, "float32")
        self._check_shapes(y_true.shape, scores.shape)
        labels = ops.squeeze(y_true, -1) if len(y_true.shape) == 4 else y_true
        labels, valid, illegal = label_ops.split(labels, scores.shape[-1], self.ignore_label)
        if self.seed_generator is not None:
            kept = keras.random.uniform(ops.shape(labels), seed=self.seed_generator) < self.keep
            valid = ops.logical_and(valid, kept)
        loss = ops.sparse_categorical_crossentropy(labels, scores, from_logits=True)
        loss = loss - ops.stop_gradient(ops.maximum(loss - LARGEST_TERM, 0.0))
        if self.class_weights is not None:
            known = ops.clip(labels, 0, scores.shape[-1] - 1)
            loss = loss * ops.take(ops.convert_to_tensor(self.class_weights, "float32"), known)
        loss = ops.where(valid, loss, 0.0)
        if self.reduction == "mean":
            counted = ops.sum(ops.cast(valid, "float32"))
            loss = loss * (ops.cast(ops.size(loss), "float32") / ops.maximum(counted, 1.0))
        return ops.where(illegal, float("nan"), loss)

    def _check_shapes(self, labels: Sequence[int | None], scores: Sequence[int | None]) -> None:
        label_ops.check_sizes(labels, scores)
        if self.class_weights is not None and len(self.class_weights) != scores[-1]:
            raise ValueError(
                f"`class_weights` has one factor a class. Received: {len(self.class_weights)} for {scores[-1]} classes."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            "ignore_label": self.ignore_label,
            "class_weights": self.class_weights,
            "reduction": self.reduction,
            "keep": self.keep,
            "seed": self.seed,
            "name": self.name,
            "dtype": self.dtype,
        }


def _by_pixel(sample_weight: Tensor) -> Tensor:
    """Give weights the rank of the labels: any other would be paired with rows and columns, where sizes allow it."""
    shape = tuple(sample_weight.shape)
    if len(shape) == 1:
        return ops.reshape(sample_weight, (-1, 1, 1))
    if len(shape) not in (0, 3, 4):
        raise ValueError(
            f"Sample weights are (B,), (B, H, W) or (B, H, W, 1). Received: shape {shape}. To weight classes, leave "
            "`fit(class_weight=...)` out: compile with `PixelCrossentropy(class_weights=[...])`, one factor a class."
        )
    return sample_weight
