"""Examples whose pixels can be followed, and the seeds of the tests of augmentations."""

import numpy as np
import tensorflow as tf


def seed(n):
    return tf.constant([7, n], tf.int64)


def example(height=8, width=11, heads=False):
    """An example in which every map holds the pixel's number, so that a pixel can be followed."""
    number = np.arange(height * width).reshape(height, width)
    label = number.astype(np.uint8)
    return {
        "image": np.repeat(number[..., None], 3, axis=2).astype(np.uint8),
        "label": {"sem": label, "geo": label.copy()} if heads else label,
        "depth": number.astype(np.uint16),
        "hha": np.repeat(number[..., None], 3, axis=2).astype(np.uint8),
        "id": "0001",
    }


def as_numpy(moved):
    return tf.nest.map_structure(np.asarray, moved)
