import keras
import numpy as np
import pytest

from fcn_keras import labels


def test_void_legal_and_illegal():
    ids, valid, illegal = map(np.asarray, labels.split(np.array([[0, 2, 255]]), 3, 255))
    assert ids.tolist() == [[0, 2, 0]]
    assert valid.tolist() == [[True, True, False]]
    assert not illegal.any()
    assert ids.dtype == np.int32


@pytest.mark.parametrize("given", [np.array([0, 3, -1, 255]), keras.ops.convert_to_tensor([0, 3, -1, 255])])
def test_illegal_labels_are_named_where_they_can_be_read(given):
    with pytest.raises(ValueError, match=r"`label` may hold 0..2 or 255 \(void\). Received: -1, 3. Subtract 1"):
        labels.split(given, 3, 255)


def test_many_illegal_labels_are_cut_short():
    with pytest.raises(ValueError, match=r"Received: 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\. Subtract"):
        labels.check(np.arange(30), 2, 255)


def test_a_graph_marks_them_instead():
    tf = pytest.importorskip("tensorflow")
    illegal = tf.function(lambda x: labels.split(x, 3, 255)[2])(tf.constant([[0, 3, 255, -1]]))
    assert illegal.numpy().tolist() == [[False, True, False, True]]


@pytest.mark.parametrize("shape", [(2, 5, 7), (2, 5, 7, 1), (None, None, None), (2, None, 7)])
def test_sizes_that_fit(shape):
    labels.check_sizes(shape, (2, 5, 7, 4))


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 5), (2, 5, 7, 4), (3, 5, 7)])
def test_sizes_that_do_not(shape):
    with pytest.raises(ValueError, match=r"and scores \(B, H, W, C\) of the same size"):
        labels.check_sizes(shape, (2, 5, 7, 4))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_of_equal_scores_the_first_is_the_highest_and_zeros_are_equal(dtype):
    scores = np.array([[-0.0, 0.0, -1.0], [0.0, -0.0, -1.0], [-2.0, 1.0, 1.0], [-2.0, -0.0, 0.0]], dtype)
    assert keras.ops.convert_to_numpy(labels.highest(keras.ops.convert_to_tensor(scores))).tolist() == [0, 0, 1, 1]
