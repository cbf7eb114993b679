"""The paper's four metrics out of one confusion matrix over the whole split."""

from types import ModuleType
from typing import Any

import keras
import numpy as np
from keras import ops

from fcn_keras import labels as label_ops
from fcn_keras.labels import Tensor

NAMES = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")
NO_SCORES = 2  # what `ConfusionMatrix.illegal` is after scores that are no numbers; 1 after labels of no class


def scores(matrix: Tensor) -> dict[str, Tensor]:
    """Compute the four metrics (and IU by class) of a confusion matrix.

    Args:
        matrix: `(C, C)` pixel counts, rows truth, columns prediction. A numpy array is computed in float64, a tensor
            in float32, after exact integer sums where it is int64.

    Returns:
        dict: `pixel_accuracy`, `mean_accuracy`, `mean_iu` (mIoU), `fw_iu`, scalars from 0 to 1, and `per_class_iu`
        `(C,)`. A class that is in neither truth nor prediction is left out of the means and NaN in `per_class_iu`;
        one that is predicted but absent has IU 0 and counts. With no pixel at all the four are 0.

    Raises:
        ValueError: if `matrix` is not square.

    Example:
        >>> import numpy as np
        >>> found = scores(np.array([[3, 1], [0, 4]]))  # one pixel of class 0 was called class 1
        >>> float(found["pixel_accuracy"]), float(round(found["mean_iu"], 3))
        (0.875, 0.775)

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 5; score.py of the released code.
    """
    xp, dtype = (np, "float64") if isinstance(matrix, np.ndarray) else (ops, "float32")
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is (C, C). Received: shape {tuple(matrix.shape)}.")
    if xp is ops and keras.backend.standardize_dtype(matrix.dtype) == "int32":
        matrix = ops.cast(matrix, dtype)  # JAX's counts: sums of rows may pass 2**31
    hits = xp.diagonal(matrix)
    truth, predicted = xp.sum(matrix, axis=1), xp.sum(matrix, axis=0)
    union = truth + predicted - hits
    hits, truth, union = (_cast(x, dtype) for x in (hits, truth, union))
    total = xp.sum(truth)  # summed like the numerators, whose terms are no larger: no rounding passes 1
    iu = hits / xp.maximum(union, 1)
    return {
        "pixel_accuracy": xp.sum(hits) / xp.maximum(total, 1),
        "mean_accuracy": _mean(xp, hits / xp.maximum(truth, 1), truth > 0, dtype),
        "mean_iu": _mean(xp, iu, union > 0, dtype),
        "fw_iu": xp.sum(truth * iu) / xp.maximum(total, 1),
        "per_class_iu": xp.where(union > 0, iu, float("nan")),
    }


def _cast(x: Tensor, dtype: str) -> Tensor:
    return x.astype(dtype) if isinstance(x, np.ndarray | np.generic) else ops.cast(x, dtype)


def _mean(xp: ModuleType, values: Tensor, present: Tensor, dtype: str) -> Tensor:
    return xp.sum(xp.where(present, values, 0.0)) / xp.maximum(xp.sum(_cast(present, dtype)), 1)


@keras.saving.register_keras_serializable("fcn_keras")
class ConfusionMatrix(keras.metrics.Metric):
    """Accumulate the confusion matrix of a whole split; the four metrics come out of it, never means of means.

    Counts are exact int64 (on Keras's JAX backend int32, 2**31 pixels a cell, unless x64 is enabled). A label out of
    range is a `ValueError` that names it where the values can be read; in a compiled graph every metric is NaN from
    then on. So it is after a score that is NaN or infinite.

    Args:
        num_classes: void not counted.
        ignore_label: the id of void pixels.
        name: prefix of the results, so that two heads do not overwrite each other in `fit`'s history.
        dtype: of the results, as of any Keras metric; counts are integers whatever it is.

    Raises:
        ValueError: if `num_classes` is no positive int.

    `update_state(y_true, y_pred)` takes labels `(B, H, W)` or `(B, H, W, 1)` and scores `(B, H, W, C)`; a
    `sample_weight` is refused, because pixels are counted.

    Example:
        >>> import numpy as np
        >>> metric = ConfusionMatrix(2)
        >>> metric.update_state(np.array([[[0, 1, 255]]]), np.array([[[[2.0, 1.0], [5.0, 3.0], [0.0, 0.0]]]]))
        >>> np.asarray(metric.matrix).tolist()  # rows truth, columns prediction
        [[1, 0], [1, 0]]
        >>> float(metric.result()["confusion_pixel_accuracy"])
        0.5
    """

    def __init__(self, num_classes: int, ignore_label: int = 255, name: str = "confusion", dtype: Any = None) -> None:
        if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
            raise ValueError(f"`num_classes` is a positive int. Received: {num_classes!r}.")
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.ignore_label = ignore_label
        self.matrix = self.add_variable((num_classes, num_classes), "zeros", dtype=_widest(), name="matrix")
        self.illegal = self.add_variable((), "zeros", dtype="int32", name="illegal")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        if sample_weight is not None:
            raise ValueError("`ConfusionMatrix` counts pixels and takes no sample weights. Mark void pixels instead.")
        if y_pred.shape[-1] != self.num_classes:
            raise ValueError(f"Expected scores of {self.num_classes} classes. Received: shape {tuple(y_pred.shape)}.")
        label_ops.check_sizes(y_true.shape, y_pred.shape)
        prediction = ops.reshape(label_ops.highest(y_pred), (-1,))
        labels, valid, illegal = label_ops.split(y_true, self.num_classes, self.ignore_label)
        labels, valid = ops.reshape(labels, (-1,)), ops.reshape(valid, (-1,))
        cells = self.num_classes**2
        # Pixels that do not count go into one cell behind the matrix, which is cut off.
        cell = ops.where(valid, labels * self.num_classes + ops.cast(prediction, "int32"), cells)
        counts = ops.reshape(_count(cell, cells + 1)[:-1], (self.num_classes, self.num_classes))
        self.matrix.assign_add(ops.cast(counts, self.matrix.dtype))
        found = ops.where(ops.all(ops.isfinite(y_pred)), ops.cast(ops.any(illegal), "int32"), NO_SCORES)
        self.illegal.assign(ops.maximum(self.illegal, found))

    def result(self) -> dict[str, Tensor]:
        """Return `{name}_pixel_accuracy`, `_mean_accuracy`, `_mean_iu` and `_fw_iu`, from 0 to 1."""
        values = scores(ops.convert_to_tensor(self.matrix))
        return {f"{self.name}_{name}": ops.where(self.illegal > 0, float("nan"), values[name]) for name in NAMES}

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "num_classes": self.num_classes, "ignore_label": self.ignore_label}
        return config


def _widest() -> str:
    """Return the widest integer that the backend counts in: JAX cuts int64 to int32, with a warning each time."""
    if keras.backend.backend() != "jax":
        return "int64"
    import jax

    return "int64" if jax.config.jax_enable_x64 else "int32"


def _count(cells: Tensor, number: int) -> Tensor:
    """Count how often each of 0..number - 1 occurs: `(number,)` int32. Keras's bincount has no size for XLA."""
    if keras.backend.backend() != "tensorflow":
        return ops.segment_sum(ops.ones_like(cells), cells, num_segments=number)
    import tensorflow as tf

    none = tf.constant([], tf.int32)
    return tf.raw_ops.DenseBincount(input=cells, size=number, weights=none, binary_output=False)
