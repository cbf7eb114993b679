"""The four metrics against brute force and scikit-learn."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, jaccard_score

from fcn_keras.metrics import NAMES, ConfusionMatrix, scores

RNG = np.random.default_rng(1)


def one_hot_scores(prediction, classes):
    return np.eye(classes, dtype="float32")[prediction]


def test_hand_worked():
    # Two classes: 3 right of 4, 1 right of 2.
    values = scores(np.array([[3, 1], [1, 1]]))
    assert values["pixel_accuracy"] == pytest.approx(4 / 6)
    assert values["mean_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    np.testing.assert_allclose(values["per_class_iu"], [3 / 5, 1 / 3])
    assert values["mean_iu"] == pytest.approx((3 / 5 + 1 / 3) / 2)
    assert values["fw_iu"] == pytest.approx((4 * 3 / 5 + 2 * 1 / 3) / 6)


def test_against_scikit_learn():
    truth, prediction = RNG.integers(0, 6, 5000), RNG.integers(0, 6, 5000)
    values = scores(confusion_matrix(truth, prediction, labels=range(6)))
    assert values["pixel_accuracy"] == pytest.approx(accuracy_score(truth, prediction))
    assert values["mean_accuracy"] == pytest.approx(balanced_accuracy_score(truth, prediction))
    assert values["mean_iu"] == pytest.approx(jaccard_score(truth, prediction, average="macro"))
    assert values["fw_iu"] == pytest.approx(jaccard_score(truth, prediction, average="weighted"))


def test_absent_and_predicted_but_absent_classes():
    # Class 2 is in neither; class 1 is predicted but absent: IU 0, and it counts.
    with np.errstate(all="raise"):
        values = scores(np.array([[8, 2, 0], [0, 0, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(np.isnan(values["per_class_iu"]), [False, False, True])
    assert values["mean_iu"] == pytest.approx((0.8 + 0) / 2)
    assert values["mean_accuracy"] == pytest.approx(0.8)


def test_tensor_and_array_agree():
    matrix = RNG.integers(0, 3_000_000, (21, 21))
    array, tensor = scores(matrix), scores(keras.ops.convert_to_tensor(matrix))
    for name in NAMES:
        assert float(tensor[name]) == pytest.approx(array[name], rel=1e-6)
    np.testing.assert_allclose(np.asarray(tensor["per_class_iu"]), array["per_class_iu"], rtol=1e-6)


def test_streaming_equals_whole_and_counts_exactly():
    truth = RNG.integers(0, 5, (7, 9, 11)).astype("uint8")
    truth[RNG.random(truth.shape) < 0.2] = 255
    prediction = RNG.integers(0, 5, truth.shape)
    metric = ConfusionMatrix(5)
    for part in (slice(0, 3), slice(3, 4), slice(4, 7)):
        metric.update_state(truth[part], one_hot_scores(prediction[part], 5))
    seen = truth != 255
    expected = confusion_matrix(truth[seen], prediction[seen], labels=range(5))
    np.testing.assert_array_equal(np.asarray(metric.matrix), expected)
    for name in NAMES:
        assert float(metric.result()[f"confusion_{name}"]) == pytest.approx(scores(expected)[name], rel=1e-6)
    metric.reset_state()
    assert not np.asarray(metric.matrix).any()


def test_counts_beyond_float32():
    metric = ConfusionMatrix(2)
    metric.matrix.assign(np.array([[2**40, 0], [0, 0]]))
    metric.update_state(np.zeros((1, 1, 1), "uint8"), np.array([[[[1.0, 0]]]], "float32"))
    assert int(np.asarray(metric.matrix)[0, 0]) == 2**40 + 1


def test_all_void_is_zero():
    metric = ConfusionMatrix(3)
    metric.update_state(np.full((1, 2, 2, 1), 255), np.zeros((1, 2, 2, 3), "float32"))
    assert {float(value) for value in metric.result().values()} == {0.0}


def test_illegal_labels_are_named_or_poison_the_result():
    tf = pytest.importorskip("tensorflow")
    metric = ConfusionMatrix(3)
    labels, predictions = np.array([[[3, 0]]]), np.zeros((1, 1, 2, 3), "float32")
    with pytest.raises(ValueError, match=r"may hold 0\.\.2 or 255.*Received: 3"):
        metric.update_state(labels, predictions)
    tf.function(lambda y, s: metric.update_state(y, s))(tf.constant(labels), tf.constant(predictions))
    assert all(np.isnan(float(value)) for value in metric.result().values())


def test_integers_are_summed_before_they_become_floats():
    """Beyond 2**30, float32 counts in steps of 128: 60 pixels wrongly taken and 60 missed are one step together."""
    found = scores(keras.ops.convert_to_tensor(np.array([[2**30, 60], [60, 5]], "int64")))
    assert float(found["per_class_iu"][0]) == np.float32(2**30 / (2**30 + 128)) < 1


@pytest.mark.parametrize("wide", [False, True])
def test_the_way_of_other_backends(monkeypatch, wide):
    """Keras's own argmax and sums count the same; JAX holds int64 only where it was told to."""
    jax = pytest.importorskip("jax")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", wide)
    try:
        metric = ConfusionMatrix(3)
    finally:
        jax.config.update("jax_enable_x64", before)
    assert keras.backend.standardize_dtype(metric.matrix.dtype) == ("int64" if wide else "int32")
    labels = np.array([[[0, 1, 2, 255, 1], [2, 2, 0, 1, 255]]])
    prediction = np.array([[[0, 2, 2, 1, 1], [0, 2, 0, 1, 0]]])
    metric.update_state(labels, one_hot_scores(prediction, 3))
    np.testing.assert_array_equal(np.asarray(metric.matrix), [[2, 0, 0], [0, 2, 1], [1, 0, 2]])


def test_arguments():
    for classes in (0, -1, True, 3.0, "3"):
        with pytest.raises(ValueError, match=rf"`num_classes` is a positive int. Received: {classes!r}"):
            ConfusionMatrix(classes)
    with pytest.raises(ValueError, match=r"Expected scores of 3 classes.*\(1, 1, 1, 2\)"):
        ConfusionMatrix(3).update_state(np.zeros((1, 1, 1)), np.zeros((1, 1, 1, 2)))
    with pytest.raises(ValueError, match="no sample weights"):
        ConfusionMatrix(3).update_state(np.zeros((1, 1, 1)), np.zeros((1, 1, 1, 3)), sample_weight=1)
    for shape in ((2, 3), (2,), (2, 2, 2)):
        with pytest.raises(ValueError, match=rf"\(C, C\).*{re.escape(str(shape))}"):
            scores(np.zeros(shape))


def test_config_round_trip():
    metric = ConfusionMatrix(7, ignore_label=11, name="sem")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert (again.num_classes, again.ignore_label, again.name) == (7, 11, "sem")
    assert keras.saving.get_registered_name(ConfusionMatrix) == "fcn_keras>ConfusionMatrix"  # in saved models


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_counts_are_those_of_a_loop(jit_compile):
    generator = np.random.default_rng(0)
    truth = generator.choice([0, 1, 2, 3, 255], (2, 5, 7)).astype("uint8")
    scored = generator.integers(0, 3, (2, 5, 7, 4)).astype("float32")  # with ties: the first of equals counts
    expected = np.zeros((4, 4), np.int64)
    for label, pixel in zip(truth.ravel(), scored.reshape(-1, 4), strict=True):
        if label != 255:
            expected[label, pixel.tolist().index(max(pixel))] += 1
    metric = ConfusionMatrix(4)
    tf.function(metric.update_state, jit_compile=jit_compile)(tf.constant(truth), tf.constant(scored))
    np.testing.assert_array_equal(np.asarray(metric.matrix), expected)
