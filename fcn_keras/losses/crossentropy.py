"""Softmax cross-entropy over the pixels of whole images."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses import pixels

# Caffe takes the logarithm of a probability of at least the smallest normal float32, and its gradient of the true one.
LARGEST_TERM = 87.33654475055310  # -ln(2**-126)


@keras.saving.register_keras_serializable("fcn_keras")
class PixelCrossentropy(pixels.DenseLoss):
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
        label_smoothing: share of the target that all classes divide equally, 0 to below 1: the true class keeps
            `1 - label_smoothing + label_smoothing / C`. A class weight multiplies the whole loss of its pixels.
        hardest: online hard example mining: the share of the batch's counted pixels, above 0, at most 1, whose loss
            (class weight included) is highest and is kept; the others have no loss and no gradient. As many are kept
            as the share rounds to, at least one; `"mean"` divides by that number. Pixels that tie for the last
            places share them equally, so that no order of pixels matters: where all scores are zero, as in a new
            net, all pixels learn. Where `keep` drops pixels, the hardest of the others count. Sample weights
            multiply what is kept and choose nothing.

    Raises:
        ValueError: on a reduction, weight, probability, share or dtype out of range, labels and scores of different
            sizes, or sample weights that are neither one an image, `(B,)`, nor one a pixel, as the labels.

    Example:
        >>> import numpy as np
        >>> scores = np.zeros((1, 1, 3, 4))  # no class is preferred: every pixel costs ln(4)
        >>> labels = np.array([[[0, 3, 255]]])  # the last one is void
        >>> round(float(PixelCrossentropy()(labels, scores)), 4)
        1.3863
        >>> round(float(PixelCrossentropy(reduction="sum", class_weights=[1, 1, 1, 2])(labels, scores)), 4)
        4.1589

    Reference: Long, Shelhamer, Darrell, CVPR 2015, sections 3.4 and 4.3. Smoothing: Szegedy et al., CVPR 2016,
    section 7. Hard examples: Shrivastava, Gupta, Girshick, CVPR 2016, here of pixels instead of regions.
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
        *,
        label_smoothing: float = 0.0,
        hardest: float = 1.0,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, dtype, pixels.require_reduction(reduction))
        _check_shares(keep, label_smoothing, hardest)
        self.keep = keep
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if keep < 1 else None
        self.label_smoothing = label_smoothing
        self.hardest = hardest

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of every pixel, scaled so that the base class's reduction gives the documented one."""
        scores = ops.cast(y_pred, "float32")
        labels, valid, illegal = pixels.split(y_true, scores, self.ignore_label, self.class_weights)
        if self.seed_generator is not None:
            kept = keras.random.uniform(ops.shape(labels), seed=self.seed_generator) < self.keep
            valid = ops.logical_and(valid, kept)
        loss = ops.sparse_categorical_crossentropy(labels, scores, from_logits=True)
        if self.label_smoothing > 0:
            of_all_classes = -ops.mean(ops.log_softmax(scores, axis=-1), axis=-1)
            loss = (1.0 - self.label_smoothing) * loss + self.label_smoothing * of_all_classes
        loss = loss - ops.stop_gradient(ops.maximum(loss - LARGEST_TERM, 0.0))
        loss = ops.where(valid, pixels.weighted(loss, labels, self.class_weights), 0.0)
        counted = pixels.count(valid)
        if self.hardest < 1:
            counted = ops.maximum(ops.round(self.hardest * counted), 1.0)
            loss = loss * _places(ops.stop_gradient(loss), valid, counted)
        if self.reduction == "mean":
            loss = pixels.scaled(loss, counted)
        return ops.where(illegal, float("nan"), loss)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("reduction", "keep", "seed", "label_smoothing", "hardest")}
        return {**super().get_config(), **own}


def _check_shares(keep: float, label_smoothing: float, hardest: float) -> None:
    if not 0 < keep <= 1:
        raise ValueError(f"`keep` is a probability above 0, at most 1. Received: {keep!r}.")
    if keep < 1 and keras.backend.backend() == "jax":
        raise ValueError(
            "Patch sampling draws a new mask at every step, and Keras's JAX backend keeps a loss's random state "
            f"constant in a compiled step. Received: keep={keep}. Train with the TensorFlow or torch backend."
        )
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"`label_smoothing` is a share from 0 to below 1. Received: {label_smoothing!r}.")
    if not 0 < hardest <= 1:
        raise ValueError(f"`hardest` is a share above 0, at most 1 (all pixels). Received: {hardest!r}.")


def _places(loss: Tensor, valid: Tensor, number: Tensor) -> Tensor:
    """Give each of the `number` hardest pixels a place, 1.0, and those that tie for the last places equal shares."""
    ranked = ops.sort(ops.reshape(ops.where(valid, -loss, 1.0), (-1,)))  # void, which has no loss, comes last
    last = -ops.take(ranked, ops.cast(number, "int32") - 1)
    above = ops.logical_and(valid, loss > last)
    level = ops.logical_and(valid, ops.equal(loss, last))
    share = (number - pixels.count(above)) / ops.maximum(pixels.count(level), 1.0)
    return ops.where(above, 1.0, ops.where(level, share, 0.0))
