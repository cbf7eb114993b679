"""What is kept of scores, part by part."""

import numpy as np
import scipy.special
import tensorflow as tf

from serving.export.saved_model.keeping import (
    broken_kept,
    confidence_kept,
    confidence_map_kept,
    labels_kept,
    scores_kept,
)


def test_parts_are_put_where_they_belong():
    scores = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    kept = {"scores": scores_kept(3), "labels": labels_kept(3), "confidence": confidence_kept(3)}
    kept["map"] = confidence_map_kept(3)
    for name, to in kept.items():
        whole = to.start(2, 5, 7)
        for rows in ((0, 2), (2, 5)):
            for columns in ((0, 4), (4, 7)):
                part = scores[:, slice(*rows), slice(*columns)]
                whole = to.put(whole, tf.constant(part), rows, columns)
        shares = scipy.special.softmax(scores.astype("float64"), axis=-1).max(-1)
        expected = {"scores": scores, "labels": scores.argmax(-1), "confidence": shares.sum((1, 2))}
        expected = expected.get(name, np.rint(255 * shares))
        np.testing.assert_allclose(whole, expected, rtol=1e-6)
    assert labels_kept(257).dtype == tf.uint16


def test_scores_that_are_no_numbers_are_counted():
    scores = np.zeros((3, 4, 5, 2), np.float32)
    scores[1, 2, 3] = np.nan, np.inf
    scores[2, 0, 0, 0] = -np.inf
    kept = broken_kept(2)
    np.testing.assert_array_equal(kept.put(kept.start(3, 4, 5), tf.constant(scores), (0, 4), (0, 5)), [0, 2, 1])


def test_labels_take_two_bytes_only_where_they_must():
    assert labels_kept(256).start(1, 2, 3).dtype == tf.uint8
