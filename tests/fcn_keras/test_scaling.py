from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras import scaling
from fcn_keras.scaling import area_reduced, labels_at, nearest_reduced


def drawn(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def exact_means(pixels, size):
    """The mean over every cell in fractions, by the definition: the area that a pixel shares with it is its weight."""
    (height, width, channels), (down, across) = pixels.shape, size
    means = np.empty((*size, channels), object)
    for i in range(down):
        for j in range(across):
            top, bottom = Fraction(i * height, down), Fraction((i + 1) * height, down)
            left, right = Fraction(j * width, across), Fraction((j + 1) * width, across)
            total = [Fraction(0)] * channels
            for y in range(height):
                for x in range(width):
                    shared = max(0, min(bottom, y + 1) - max(top, y)) * max(0, min(right, x + 1) - max(left, x))
                    total = [t + shared * int(v) for t, v in zip(total, pixels[y, x], strict=True)]
            means[i, j] = [t * down * across / (height * width) for t in total]
    return means


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(1, 11), st.integers(1, 11), st.integers(0, 99))
def test_areas_are_averaged_exactly(data, height, width, seed):
    size = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    pixels = drawn(seed, height, width, 2)
    expected = np.vectorize(lambda mean: int(mean + Fraction(1, 2)))(exact_means(pixels, size))
    reduced = area_reduced(pixels, size)
    assert reduced.dtype == np.uint8
    np.testing.assert_array_equal(reduced, expected)


def test_a_case_by_hand():
    # 3 columns to 2: the middle one is cut in halves. (10 + 20 / 2) / 1.5 and (20 / 2 + 60) / 1.5.
    pixels = np.array([[[10], [20], [60]]], np.uint8)
    assert area_reduced(pixels, (1, 2)).ravel().tolist() == [13, 47]
    assert area_reduced(np.array([[[1], [2]]], np.uint8), (1, 1)).item() == 2  # 1.5, half up


def test_a_large_one_against_float64():
    pixels = drawn(1, 211, 307, 3)
    sums = np.zeros((53, 307, 3))
    for i in range(53):
        edges = np.clip([np.arange(211), np.arange(1, 212)], i * 211 / 53, (i + 1) * 211 / 53)
        sums[i] = np.tensordot(edges[1] - edges[0], pixels, 1) * 53 / 211
    means = np.zeros((53, 71, 3))
    for j in range(71):
        edges = np.clip([np.arange(307), np.arange(1, 308)], j * 307 / 71, (j + 1) * 307 / 71)
        means[:, j] = np.tensordot(sums, edges[1] - edges[0], ([1], [0])) * 71 / 307
    assert np.abs(area_reduced(pixels, (53, 71)) - means).max() <= 0.5 + 1e-9


def test_white_stays_white_and_the_same_size_the_same():
    assert (area_reduced(np.full((997, 13, 3), 255, np.uint8), (101, 7)) == 255).all()
    pixels = drawn(2, 9, 5, 3)
    np.testing.assert_array_equal(area_reduced(pixels, (9, 5)), pixels)
    assert area_reduced(pixels, (1, 1)).shape == (1, 1, 3)


def test_the_nearest_pixel_is_the_one_in_the_middle():
    depth = np.arange(35, dtype=np.uint16).reshape(5, 7, 1) * 1000
    reduced = nearest_reduced(depth, (2, 3))
    assert reduced.dtype == np.uint16
    # Centres of 2 in 5: 1.25 and 3.75; of 3 in 7: 1.17, 3.5 and 5.83.
    np.testing.assert_array_equal(reduced, depth[[1, 3]][:, [1, 3, 5]])
    np.testing.assert_array_equal(nearest_reduced(depth, (5, 7)), depth)


def bilinear(scores, size):
    """In float64, by the definition: pixel `i` of `n` stands at `(i + 0.5) / n` of the axis."""
    for axis, length in enumerate(size):
        count = scores.shape[axis]
        place = (np.arange(length) + 0.5) / length * count - 0.5
        weights = np.maximum(0, 1 - np.abs(place.clip(0, count - 1)[:, None] - np.arange(count)))
        scores = np.moveaxis(np.tensordot(weights, scores, ([1], [axis])), 0, axis)
    return scores


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 40)] * 2), st.integers(1, 6), st.integers(0, 99))
def test_labels_are_those_of_the_interpolated_scores(shape, size, classes, seed):
    scores = np.random.default_rng(seed).normal(size=(*shape, classes)).astype(np.float32)
    exact = bilinear(scores.astype(np.float64), size)
    labels = labels_at(scores, size)
    assert labels.shape == size
    assert labels.dtype == np.uint8
    chosen = np.take_along_axis(exact, labels[..., None].astype(int), -1)[..., 0]
    assert (exact.max(axis=-1) - chosen).max() < 1e-5  # the best, up to what float32 can tell


def test_bands_change_nothing(monkeypatch):
    scores = np.random.default_rng(0).normal(size=(7, 5, 4)).astype(np.float32)
    whole = labels_at(scores, (60, 33))
    assert len(np.unique(whole)) == 4
    for scores_at_once in (1, 33 * 4 * 7):  # a row at a time; 7 rows, and 4 left
        monkeypatch.setattr(scaling, "BAND", scores_at_once)
        np.testing.assert_array_equal(labels_at(scores, (60, 33)), whole)


def test_the_lowest_class_of_equals():
    assert (labels_at(np.zeros((3, 4, 5), np.float32), (7, 9)) == 0).all()
    edge = np.zeros((1, 2, 2), np.float32)
    edge[0, 0, 0] = edge[0, 1, 1] = 1
    assert labels_at(edge, (1, 5)).tolist() == [[0, 0, 0, 1, 1]]  # the middle ties


@pytest.mark.parametrize(("classes", "dtype"), [(256, np.uint8), (257, np.uint16)])
def test_many_classes(classes, dtype):
    scores = np.zeros((1, 1, classes), np.float32)
    scores[..., -1] = 1
    labels = labels_at(scores, (2, 3))
    assert labels.dtype == dtype
    assert (labels == classes - 1).all()
