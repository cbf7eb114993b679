"""What the losses that compare areas, not pixels, do alike: a loss a class, and its mean over the classes present."""

from keras import ops

from fcn_keras.labels import Tensor
from fcn_keras.losses import pixels


class RegionLoss(pixels.DenseLoss):
    """Average a loss of each class's area over the classes that are present in the batch.

    Areas are summed over the whole batch, not image by image: the metric, mean IU, comes of one count over the whole
    split, and a batch's sums are the nearest to it. An image's own ratio would let ten pixels of a class in one image
    weigh as much as ten thousand in another, and most classes are absent from most images.

    A class is present if it has a counted true pixel in the batch. The others are left out of the mean: without a true
    pixel the ratio does not depend on the net. What is predicted of them is punished all the same, because it is
    missing from the present classes: probabilities add up to 1. So no smoothing constant is needed. If all is void, no
    class is present, and loss and gradient are 0.

    Sample weights, `(B,)` an image or as the labels, say how often a pixel counts: 0 is void, 2 is a pixel that is
    there twice. A factor that all pixels share changes nothing.

    Subclasses say what a class's loss is.

    Args:
        ignore_label: the id of void pixels, which have no loss and no gradient.
        class_weights: one factor a class on its loss; they do not enter the divisor.
        name: of the loss.
        dtype: of the result, `"float32"` or `"float64"`.

    Raises:
        ValueError: on a weight or dtype out of range.
    """

    def of_classes(self, probabilities: Tensor, truth: Tensor, weights: Tensor, areas: Tensor) -> Tensor:
        """Compute the loss of every class.

        Args:
            probabilities: `(B, H, W, C)` float32, sum 1 along the last axis.
            truth: the same shape, True at the class of the label.
            weights: `(B, H, W, 1)` float32, how often a pixel counts; 0 at void.
            areas: `(C,)` float32, the counted true pixels of each class; 1 for an absent one, so that it can divide.

        Returns:
            `(C,)` float32; of an absent class any number.
        """
        raise NotImplementedError

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        # Weights travel beside the labels: the base class would multiply the result, when the areas are summed.
        if sample_weight is not None:
            y_true = (y_true, pixels.by_pixel(sample_weight, self))
        return super().__call__(y_true, y_pred)

    def call(self, y_true: Tensor | tuple[Tensor, Tensor], y_pred: Tensor) -> Tensor:
        """Return the loss as `(1,)`: Keras does not scale a scalar when several devices add up their losses."""
        y_true, sample_weight = y_true if isinstance(y_true, tuple) else (y_true, None)
        scores = ops.cast(y_pred, "float32")
        labels, valid, illegal = pixels.split(y_true, scores, self.ignore_label, self.class_weights)
        weights = ops.expand_dims(ops.cast(valid, "float32"), -1)  # (B, H, W, 1)
        if sample_weight is not None:
            weights = weights * _with_last_axis(ops.cast(sample_weight, "float32"))
        truth = ops.equal(ops.expand_dims(labels, -1), ops.arange(scores.shape[-1], dtype="int32"))  # (B, H, W, C)
        areas = ops.sum(ops.where(truth, weights, 0.0), axis=(0, 1, 2))  # (C,)
        present = areas > 0
        losses = self.of_classes(ops.softmax(scores, axis=-1), truth, weights, ops.where(present, areas, 1.0))
        if self.class_weights is not None:
            losses = losses * ops.convert_to_tensor(self.class_weights, "float32")
        loss = ops.sum(ops.where(present, losses, 0.0)) / ops.maximum(pixels.count(present), 1.0)
        return ops.reshape(ops.where(ops.any(illegal), float("nan"), loss), (1,))


def _with_last_axis(sample_weight: Tensor) -> Tensor:
    return ops.expand_dims(sample_weight, -1) if len(sample_weight.shape) == 3 else sample_weight


def errors(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Compute how far each probability is from the truth, from 0 to 1.

    Where a class is the truth that is what the others hold together: 1 minus a float32 near 1 would keep few digits,
    and other ones on every processor.

    Args:
        probabilities: `(..., C)` float32, sum 1 along the last axis.
        truth: the same shape, True at the class of the label.
    """
    others = ops.sum(ops.where(truth, 0.0, probabilities), axis=-1, keepdims=True)
    return ops.where(truth, others, probabilities)
