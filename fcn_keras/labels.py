"""Tell void, legal and illegal labels apart, and take labels of scores; what loss, metric and prediction share.

Keras is imported on first use only: see `registration`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Tensor = Any  # of any backend: Keras names no type for it


def split(labels: Tensor, num_classes: int, ignore_label: int) -> tuple[Tensor, Tensor, Tensor]:
    """Divide labels into those that count and those that must never be counted silently.

    Args:
        labels: integers (or whole floats) of any shape.

    Returns:
        `(labels, valid, illegal)`: int32 labels with void replaced by 0; bool, True where the pixel counts; bool,
        True where it is neither void nor 0..num_classes - 1. Illegal pixels are not valid.

    Raises:
        ValueError: naming the illegal values, where they can be read now. Inside a compiled graph they cannot: the
            callers then answer NaN.
    """
    from keras import ops

    check(labels, num_classes, ignore_label)
    labels = ops.cast(labels, "int32")
    void = ops.equal(labels, ignore_label)
    known = ops.logical_and(labels >= 0, labels < num_classes)
    labels = ops.where(void, 0, labels)
    valid = ops.logical_and(known, ops.logical_not(void))
    return labels, valid, ops.logical_not(ops.logical_or(known, void))


def check_sizes(labels: Sequence[int | None], scores: Sequence[int | None]) -> None:
    """Refuse labels and scores of different sizes, whose pixels would be paired wrongly.

    Args:
        labels, scores: their shapes; None on an axis whose length is not known yet.

    Raises:
        ValueError: if labels are not `(B, H, W)` or `(B, H, W, 1)`, or scores not `(B, H, W, C)` of the same size.
    """
    pixels = labels[:-1] if len(labels) == 4 and labels[-1] in (1, None) else labels
    same = len(pixels) == 3 and len(scores) == 4
    if not (same and all(a is None or b is None or a == b for a, b in zip(pixels, scores[:3], strict=True))):
        raise ValueError(
            "Labels are (B, H, W) or (B, H, W, 1) and scores (B, H, W, C) of the same size. "
            f"Received: labels {tuple(labels)}, scores {tuple(scores)}."
        )


def check(labels: Tensor, num_classes: int, ignore_label: int) -> None:
    """Raise a `ValueError` that names labels out of range; do nothing while a graph is being traced."""
    from keras import ops

    if not _readable(labels):
        return
    values = np.unique(ops.convert_to_numpy(labels))
    bad = values[(values != ignore_label) & ((values < 0) | (values >= num_classes))]
    if bad.size:
        names = ", ".join(f"{value:g}" for value in bad[:8]) + (", ..." if bad.size > 8 else "")
        raise ValueError(
            f"`label` may hold 0..{num_classes - 1} or {ignore_label} (void). Received: {names}. "
            "Subtract 1 if your classes start at 1; read palette masks as indices, not as colours or grey levels."
        )


def _readable(labels: Tensor) -> bool:
    """Whether the values are at hand: an array or an eager tensor, not a placeholder of a graph or a trace."""
    if isinstance(labels, np.ndarray):
        return True
    try:
        np.asarray(labels)
    except Exception:
        return False
    return True


def highest(scores: Tensor) -> Tensor:
    """Find the class of the highest score, the first of equals.

    Keras's own argmax puts -0 below 0 (findings/keras-argmax-orders-zeros.sh), and reads and writes all scores twice
    more for that.

    Args:
        scores: `(..., C)` of any float.

    Returns:
        `(...)` int32.
    """
    import keras
    from keras import ops

    if keras.backend.backend() != "tensorflow":
        return ops.argmax(ops.where(scores == 0, ops.zeros_like(scores), scores), axis=-1)
    import tensorflow as tf

    return tf.argmax(scores, axis=-1, output_type=tf.int32)
