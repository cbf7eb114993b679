"""The graph reduces as NumPy does, bit by bit, and labels as NumPy does."""

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras import photographs, scaling
from fcn_keras.photographs import Photographs
from serving.export.saved_model import scaling as graph

CAMVID = Photographs((360, 480), (360, 480), (360, 480), scales=(0.5, 1.0))
PAIRS = [((1, 1), (1, 1)), ((7, 5), (7, 5)), ((64, 48), (8, 6)), ((211, 97), (53, 31)), ((3, 500), (2, 77))]


def random_pixels(height, width, channels, dtype=np.uint8, top=256):
    return np.random.default_rng(height * width).integers(0, top, (height, width, channels)).astype(dtype)


@pytest.mark.parametrize("scale", [CAMVID, Photographs((9, 9), (333, 500), (500, 500)), 0.3, 1 / 3, 640, 77])
def test_sizes_are_numpy_s(scale):
    size_of = tf.function(lambda size: graph.scaled_size(size, scale), input_signature=[tf.TensorSpec([2], tf.int64)])
    generator = np.random.default_rng(0)
    sizes = [(1, 1), (450, 600), (451, 600), (3000, 4000), (1, 60_000), (8000, 8000)]
    sizes += [tuple(map(int, pair)) for pair in generator.integers(1, 9000, (150, 2))]
    given = [tuple(size_of(tf.constant(size, tf.int64)).numpy()) for size in sizes]
    assert given == [photographs.scaled_size(size, scale) for size in sizes]


@pytest.mark.parametrize(
    ("text", "scale"),
    [("trained", CAMVID), ("none", 1), ("1", 1), ("0.25", 0.25), (".5", 0.5), ("640", 640), ("640.0", 640)]
    + [(str(scale), scale) for scale in (1 / 3, 0.1 + 0.2, 0.05 / 7)],
)
def test_a_scale_in_words(text, scale):
    size, wrong = graph.asked_size(tf.constant((3000, 4000), tf.int64), tf.constant(text), CAMVID)
    assert (tuple(size.numpy()), wrong.numpy()) == (photographs.scaled_size((3000, 4000), scale), b"")


@pytest.mark.parametrize("text", ["", "0", "1.5", "big", "-1", "nan", "inf", "1e3", ".", "9999999", "0x10", "640 "])
def test_words_that_are_no_scale(text):
    size, wrong = graph.asked_size(tf.constant((3000, 4000), tf.int64), tf.constant(text), CAMVID)
    assert (tuple(size.numpy()), wrong.numpy().decode()) == ((3000, 4000), graph.NO_SCALE)


def test_areas_are_numpy_s():
    spec = [tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([2], tf.int64)]
    reduce = tf.function(lambda pixels, size: graph.reduced(pixels, size, 3), input_signature=spec)
    for own, size in PAIRS:
        pixels = random_pixels(*own, 3)
        reduced = reduce(tf.constant(pixels), tf.constant(size, tf.int64)).numpy()
        assert reduced.dtype == np.uint8
        np.testing.assert_array_equal(reduced, scaling.area_reduced(pixels, size))


def test_depth_and_hha_take_numpy_s_pixels():
    own, size = (37, 53), (10, 21)
    rgbd = random_pixels(*own, 4, np.uint16, top=9000)
    rgbd[..., :3] %= 256
    reduced = graph.reduced(tf.constant(rgbd), tf.constant(size, tf.int64), 3).numpy()
    assert reduced.dtype == np.uint16
    np.testing.assert_array_equal(reduced[..., :3], scaling.area_reduced(rgbd[..., :3].astype(np.uint8), size))
    np.testing.assert_array_equal(reduced[..., 3:], scaling.nearest_reduced(rgbd[..., 3:], size))
    hha = random_pixels(*own, 3)
    reduced = graph.reduced(tf.constant(hha), tf.constant(size, tf.int64), 0).numpy()
    np.testing.assert_array_equal(reduced, scaling.nearest_reduced(hha, size))


@pytest.mark.parametrize("classes", [4, 257])
def test_labels_are_numpy_s_in_one_band_and_in_many(classes, monkeypatch):
    scores = np.random.default_rng(classes).normal(size=(9, 7, classes)).astype(np.float32)
    expected = scaling.labels_at(scores, (61, 45))
    for band in (graph.BAND, 45 * classes * 8, 1):  # all rows; 8 rows and 5 left; a row at a time
        monkeypatch.setattr(graph, "BAND", band)
        spec = [tf.TensorSpec([None, None, classes], tf.float32), tf.TensorSpec([2], tf.int64)]
        labels_at = tf.function(graph.labels_at, input_signature=spec)
        labels = labels_at(tf.constant(scores), tf.constant((61, 45), tf.int64)).numpy()
        assert labels.dtype == expected.dtype
        np.testing.assert_array_equal(labels, expected)
