"""Margins and regions by hand; what all images have is usual, what one has is not."""

import numpy as np

from training.doctor.contradictions import contradictions, judge, margins


def sure_of(labels, classes, sure=0.9):
    """Return probabilities of a network that is as sure of each label."""
    rest = (1 - sure) / (classes - 1)
    return np.where(np.eye(classes, dtype=bool)[labels], sure, rest).astype(np.float32)


def test_margins_are_differences_of_probabilities_and_void_has_none():
    probabilities = np.array([[[0.1, 0.6, 0.3], [0.7, 0.2, 0.1], [0.2, 0.2, 0.6]]], np.float32)
    labels, margin = margins(probabilities, np.array([[2, 0, 255]], np.uint8))
    assert labels.tolist() == [[1, 0, 2]]
    np.testing.assert_allclose(margin, [[0.3, 0, 0]], atol=1e-6)


def test_a_region_has_its_place_its_size_and_its_share_of_the_shape():
    ids = np.zeros((40, 50), np.uint8)
    ids[10:20, 5:25] = 1  # 200 pixels, of which the net takes the right half for class 2
    ids[0, :] = 255
    labels = np.where(ids == 255, 0, ids)
    labels[10:20, 15:25] = 2
    labels[30, 3:6] = 2  # too few to tell
    found = contradictions(sure_of(labels, 3), ids)
    assert found.pixels == 39 * 50
    np.testing.assert_allclose(found.classes, [1750 / 1950, 200 / 1950, 0])
    assert found.pairs.tolist() == [2, 5]  # 0 -> 2, 1 -> 2
    assert found.counts.tolist() == [3, 100]
    np.testing.assert_allclose(found.weights, [3 * 0.85 / 1950, 100 * 0.85 / 1950], rtol=1e-5)
    (region,) = found.regions
    assert [int(region[name]) for name in ("labelled", "predicted", "pixels")] == [1, 2, 100]
    assert [int(region[name]) for name in ("top", "left", "bottom", "right")] == [10, 15, 20, 25]
    assert region["share"] == 0.5
    np.testing.assert_allclose(region["weight"], 100 * 0.85 / 1950, rtol=1e-5)


def test_what_every_image_has_is_usual_and_what_one_has_is_not():
    generator, found = np.random.default_rng(0), []
    for number in range(12):
        ids = np.zeros((60, 60), np.uint8)
        ids[:20] = 1
        labels = ids.copy()
        labels[: generator.integers(10, 14)] = 2  # a large part of class 1 is always taken for class 2
        if number == 7:
            labels[40:46, 40:46] = 2  # and 36 pixels of class 0 here alone
        found.append(contradictions(sure_of(labels, 3), ids))
    judged = judge(found)
    assert judged.images.argmax() == 7
    first = max((value, i, j) for i, row in enumerate(judged.regions) for j, value in enumerate(row))
    assert first[1] == 7
    assert found[7].regions[first[2]]["labelled"] == 0
    assert max(found, key=lambda each: each.weights.sum()) is not found[7]  # the plain mean names another


def test_images_of_void_alone_of_one_pixel_and_without_others():
    void = contradictions(sure_of(np.zeros((5, 7), int), 2), np.full((5, 7), 255, np.uint8))
    assert len(void.pairs) == len(void.regions) == 0
    one = contradictions(sure_of(np.ones((1, 1), int), 2), np.zeros((1, 1), np.uint8))
    assert one.counts.tolist() == [1]
    for found in ([], [one], [void, one]):
        judged = judge(found)
        assert len(judged.images) == len(judged.regions) == len(found)
        assert np.isfinite(judged.images).all()
    assert judged.images[1] > judged.images[0] == 0
