"""What is kept of a network's scores, part by part: labels, the scores themselves, sums. Imports TensorFlow."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from fcn_keras.inference import label_of

from ..tensors import label_dtype


class Kept(NamedTuple):
    """What is made of the scores of a part.

    Attributes:
        make: `(N, h, w, C)` float32 scores -> `(N, h, w)` or `(N, h, w, D)`; or `(N,)`, where parts are added up.
        dtype: of what it makes.
        trailing: `()` or `(D,)`; None where parts are added up.
    """

    make: Callable
    dtype: tf.DType
    trailing: tuple[int, ...] | None

    def start(self, batch, height, width):
        """Make what parts are put into."""
        shape = [batch] if self.trailing is None else [batch, height, width, *self.trailing]
        return tf.zeros(shape, self.dtype)

    def put(self, whole, part, rows, columns):
        """Put what is made of a part's pixels into the whole.

        Args:
            whole: what `start` or `put` returned.
            part: scores.
            rows, columns: the first one of the whole, and the one behind the last.
        """
        made = self.make(part)
        if self.trailing is None:
            return tf.ensure_shape(whole + made, whole.shape)
        # Nothing else reads `whole`, so TensorFlow writes into its memory.
        ends = [
            [a, b, c, *(0 for _ in self.trailing)] for a, b, c in ((0, rows[0], columns[0]), (0, rows[1], columns[1]))
        ]
        mask = 0b1001 if self.trailing else 0b001
        return tf.raw_ops.TensorStridedSliceUpdate(
            input=whole,
            begin=ends[0],
            end=ends[1],
            strides=[1] * len(ends[0]),
            value=made,
            begin_mask=mask,
            end_mask=mask,
        )


def scores_kept(classes, dtype=tf.float32):
    """Keep the scores of so many classes, or a map of so many channels, as they are."""
    return Kept(tf.identity, tf.as_dtype(dtype), (classes,))


def labels_kept(classes):
    """Keep the class of the highest score, the first of equals."""
    return Kept(label_of, tf.as_dtype(label_dtype(classes)), ())


def confidence_kept(_):
    """Keep the sum over the pixels of the largest softmax."""
    return Kept(lambda scores: tf.reduce_sum(tf.cast(_confidence(scores), tf.float64), axis=[1, 2]), tf.float64, None)


def confidence_map_kept(_):
    """Keep the largest softmax in bytes."""
    return Kept(confidence_of, tf.uint8, ())


def confidence_of(scores):
    """Return the probability of the class of the highest score, times 255: `(..., C)` -> `(...)` uint8."""
    return tf.cast(tf.round(255 * _confidence(scores)), tf.uint8)


def broken_kept(_):
    """Count the scores that are no numbers."""
    return Kept(_broken, tf.float64, None)


def _broken(scores):
    return tf.reduce_sum(tf.cast(~tf.math.is_finite(scores), tf.float64), axis=[1, 2, 3])


def _confidence(scores):
    """Return the largest softmax."""
    return 1 / tf.reduce_sum(tf.exp(scores - tf.reduce_max(scores, axis=-1, keepdims=True)), axis=-1)
