import numpy as np
import pytest

from fcn_keras.confusion import confusion

TRUTH = np.array([[0, 0, 1], [2, 255, 255]], np.uint8)


def test_by_hand():
    predicted = np.array([[0, 1, 1], [0, 7, 255]], np.uint8)  # 7 and 255 where the truth is void
    matrix = confusion(TRUTH, predicted, 3, "a.png")
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_void_in_a_prediction_misses_where_that_is_counted():
    predicted = np.array([[0, 255, 255], [2, 0, 255]], np.uint8)
    assert confusion(TRUTH, predicted, 3, "a.png", count_missed=True).tolist() == [
        [1, 0, 0, 1],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]
    with pytest.raises(ValueError, match=r"A prediction may hold 0..2, never void. Received: \[255\] in a.png"):
        confusion(TRUTH, predicted, 3, "a.png")


def test_another_void():
    assert confusion(np.array([0, -1, 1]), np.array([1, 9, 1]), 2, "a.npy", void=-1).tolist() == [[0, 1], [0, 1]]


def test_nothing_that_counts():
    assert confusion(np.full((2, 2), 255), np.zeros((2, 2), int), 2, "a.png").tolist() == [[0, 0], [0, 0]]
    assert not confusion(np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.uint8), 2, "a.png").any()


def test_ids_beyond_the_classes_are_named_with_their_file():
    with pytest.raises(ValueError, match=r"`label` may hold 0..1 or 255 \(void\). Received: \[2\] in a.png"):
        confusion(TRUTH, TRUTH, 2, "a.png")
    with pytest.raises(ValueError, match=r"A prediction may hold 0..2, never void. Received: \[-1, 3\] in b.png"):
        confusion(TRUTH, np.array([[0, -1, 3], [0, 0, 0]]), 3, "b.png")


def test_many_classes_of_a_narrow_type():
    """The cells' numbers pass what the ids' own type holds."""
    matrix = confusion(np.array([254], np.uint8), np.array([253], np.uint8), 255, "a.png")
    assert matrix[254, 253] == matrix.sum() == 1
