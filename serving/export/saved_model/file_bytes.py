"""Numbers out of a file's bytes inside a TensorFlow graph. Importing this imports TensorFlow."""

import tensorflow as tf


def number(contents, position, count, *, big=False):
    """Read an unsigned number of 1 to 4 bytes.

    Args:
        contents: scalar string tensor, the file.
        position: of the first byte, int or int64 scalar; bytes behind the end of the file count as 0.
        count: number of bytes.
        big: most significant byte first; a bool or a scalar bool tensor.

    Returns:
        int64 scalar.
    """
    values = tf.cast(tf.io.decode_raw(part(contents, position, count), tf.uint8), tf.int64)
    values = tf.pad(values, [[0, count - tf.size(values)]])
    weights = [256**i for i in range(count)]
    return tf.reduce_sum(values * tf.where(big, *(tf.constant(w, tf.int64) for w in (weights[::-1], weights))))


def part(contents, position, count):
    """Return `count` bytes from `position` on, or as many as there are."""
    length = tf.strings.length(contents)
    start = tf.clip_by_value(tf.cast(position, tf.int64), 0, tf.cast(length, tf.int64))
    return tf.strings.substr(contents, tf.cast(start, tf.int32), tf.cast(count, tf.int32))
