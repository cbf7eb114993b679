"""The order: the least sure first, the next far from those before it."""

import numpy as np
import pytest

from training.rank.choosing import Choice, in_order


def test_of_two_that_are_alike_one_is_taken():
    uncertainty = [0.8, 0.9, 0.5, 0.1]
    features = [[1, 0], [2, 0.01], [0, 1], [0, 3]]
    order = in_order(uncertainty, features)
    assert [each.index for each in order] == [1, 2, 0, 3]
    assert order[0] == Choice(index=1, place=1, nearest=None, distance=None)
    assert (order[1].place, order[1].nearest) == (3, 1)
    assert order[1].distance == pytest.approx(1 - 0.005 / np.sqrt(1 + 0.005**2), abs=1e-5)
    assert (order[3].nearest, order[3].distance) == (2, pytest.approx(0, abs=1e-6))


def test_every_choice_is_the_best_of_those_left():
    generator = np.random.default_rng(0)
    uncertainty, features = generator.random(30), generator.random((30, 5)) ** 3
    order = [each.index for each in in_order(uncertainty, features, 12)]
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for number in range(1, 12):
        left = np.setdiff1d(np.arange(30), order[:number])
        worth = uncertainty[left] * (1 - unit[left] @ unit[order[:number]].T).min(1)
        assert order[number] == left[worth.argmax()]


def test_without_differences_it_is_the_order_of_uncertainty():
    assert [each.index for each in in_order([0.1, 0.3, 0.3, 0.2], np.ones((4, 2)))] == [1, 2, 3, 0]
    assert [each.index for each in in_order([0, 0], np.zeros((2, 3)), 5)] == [0, 1]
    assert in_order([], np.zeros((0, 3))) == []


def test_each_needs_features():
    with pytest.raises(ValueError, match=r"Expected features for 2 photographs\. Received: 1\."):
        in_order([1, 2], [[1, 0]])
