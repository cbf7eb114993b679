"""Parts of arrays, read and written by hand."""

import numpy as np
import tensorflow as tf

from serving.export.saved_model.keeping import labels_kept, scores_kept
from serving.export.saved_model.placed import Placed, by_map, put

MAP = tf.reshape(tf.range(12.0), [1, 3, 4, 1])


def test_a_map_is_zero_outside_even_where_its_pixels_become_others():
    source = Placed(tf.cast(MAP, tf.uint8), (0, 3), (0, 4))
    found = source.read([1, 3, 0, 1], [0, 2, 2, 0], lambda x: [x + 100], None)
    expected = [[0, 0, 104, 105], [0, 0, 108, 109], [0, 0, 0, 0]]
    np.testing.assert_array_equal(found[0, ..., 0], np.array(expected, "float32"))


def test_where_only_sizes_count_a_part_is_empty_space():
    assert Placed(None).read([0, 0, 0, 5], [0, 0, 0, 7], None, (2, 3)).shape == (2, 5, 7, 3)


def test_what_is_computed_within_a_margin_is_left_out():
    kept = {"scores": scores_kept(2), "labels": labels_kept(2)}
    wholes = {name: to.start(1, 3, 4) for name, to in kept.items()}
    part = tf.concat([MAP, 20 - 3 * MAP], axis=-1)  # the second is higher up to 4
    found = put(wholes, kept, part, [0, 2, 1, 3], [1, 3, 0, 2])
    expected = np.zeros((3, 4), "float32")
    expected[:2, 1:3] = [[4, 5], [8, 9]]
    np.testing.assert_array_equal(found["scores"][0, ..., 0], expected)
    np.testing.assert_array_equal(found["labels"][0], [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_a_row_holds_four_numbers_a_map():
    assert [[int(x) for x in four] for four in by_map(tf.range(8), 2)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
