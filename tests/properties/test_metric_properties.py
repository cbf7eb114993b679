"""The metric against a loop over pixels in exact fractions and against scikit-learn; what must not change it."""

from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from fcn_keras.metrics import NAMES, ConfusionMatrix, scores

VOID = 255
GATE = settings(deadline=None, derandomize=True, database=None, max_examples=30)


@st.composite
def batches(draw, most=3):
    """Labels `(B, H, W)` with any mix of void, and float32 scores, most often with ties."""
    classes = draw(st.integers(1, 6))
    shape = (draw(st.integers(1, most)), draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = generator.integers(0, draw(st.integers(1, classes)), shape).astype("uint8")
    labels[generator.random(shape) < draw(st.sampled_from([0, 0.3, 0.9, 1]))] = VOID
    scored = generator.integers(0, draw(st.sampled_from([1, 3, 1000])), (*shape, classes)).astype("float32")
    return labels, scored


def counted(labels, scored, **options):
    metric = ConfusionMatrix(scored.shape[-1], **options)
    metric.update_state(labels, scored)
    return metric


def pairs(labels, scored):
    """Truth and prediction of every pixel that counts, one at a time; the first of equal scores wins."""
    found = []
    for label, pixel in zip(labels.ravel().tolist(), scored.reshape(-1, scored.shape[-1]).tolist(), strict=True):
        if label != VOID:
            found.append((label, pixel.index(max(pixel))))
    return found


def by_hand(found, classes):
    """The paper's definitions over sets of pixels, as fractions."""
    truth = [{n for n, (t, _) in enumerate(found) if t == c} for c in range(classes)]
    predicted = [{n for n, (_, p) in enumerate(found) if p == c} for c in range(classes)]
    sets = list(zip(truth, predicted, strict=True))
    ius = [Fraction(len(t & p), len(t | p)) if t | p else None for t, p in sets]
    accuracies = [Fraction(len(t & p), len(t)) for t, p in sets if t]
    present = [iu for iu in ius if iu is not None]
    return {
        "pixel_accuracy": Fraction(sum(t == p for t, p in found), max(len(found), 1)),
        "mean_accuracy": sum(accuracies) / max(len(accuracies), 1),
        "mean_iu": sum(present) / max(len(present), 1),
        "fw_iu": sum(len(t) * (iu or 0) for t, iu in zip(truth, ius, strict=True)) / Fraction(max(len(found), 1)),
        "per_class_iu": ius,
    }


@GATE
@given(batches())
def test_the_metric_is_a_loop_over_pixels(batch):
    labels, scored = batch
    classes = scored.shape[-1]
    found = pairs(labels, scored)
    matrix = np.zeros((classes, classes), np.int64)
    for truth, predicted in found:
        matrix[truth, predicted] += 1
    metric, expected = counted(labels, scored), by_hand(found, classes)
    np.testing.assert_array_equal(np.asarray(metric.matrix), matrix)
    exact, streamed = scores(matrix), metric.result()
    for name in NAMES:
        assert exact[name] == pytest.approx(float(expected[name]), rel=1e-12)
        assert float(streamed[f"confusion_{name}"]) == pytest.approx(float(expected[name]), rel=1e-6)
    named = [float("nan") if iu is None else float(iu) for iu in expected["per_class_iu"]]
    np.testing.assert_allclose(exact["per_class_iu"], named, rtol=1e-12)


@GATE
@given(batches())
def test_the_metric_is_scikit_learns(batch):
    labels, scored = batch
    found = np.array(pairs(labels, scored)).reshape(-1, 2)
    if not len(found):
        return
    truth, predicted = found.T
    matrix = np.asarray(counted(labels, scored).matrix)
    expected = sklearn_metrics.confusion_matrix(truth, predicted, labels=range(scored.shape[-1]))
    np.testing.assert_array_equal(matrix, expected)
    values, seen = scores(matrix), np.unique(found)
    ius = sklearn_metrics.jaccard_score(truth, predicted, labels=seen, average=None, zero_division=0)
    np.testing.assert_allclose(values["per_class_iu"][seen], ius)
    assert values["mean_iu"] == pytest.approx(ius.mean())
    assert values["pixel_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, predicted))
    recall = sklearn_metrics.recall_score(truth, predicted, labels=np.unique(truth), average="macro")
    assert values["mean_accuracy"] == pytest.approx(recall)
    weighted = sklearn_metrics.jaccard_score(truth, predicted, labels=seen, average="weighted", zero_division=0)
    assert values["fw_iu"] == pytest.approx(weighted)


@GATE
@given(batches(most=6), st.data())
def test_any_split_in_any_order_gives_the_sums_of_the_whole(batch, data):
    labels, scored = batch
    whole = np.asarray(counted(labels, scored).matrix)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(labels) - 1)))) if len(labels) > 1 else []
    parts = data.draw(st.permutations(np.split(np.arange(len(labels)), cuts)))
    metric = ConfusionMatrix(scored.shape[-1])
    for part in parts:
        metric.update_state(labels[part][..., None], scored[part])
    np.testing.assert_array_equal(np.asarray(metric.matrix), whole)
    rows = [counted(labels[:, y : y + 1], scored[:, y : y + 1]).matrix for y in range(labels.shape[1])]
    np.testing.assert_array_equal(sum(map(np.asarray, rows)), whole)


@GATE
@given(batches(), st.randoms(use_true_random=False))
def test_moving_pixels_changes_nothing_and_renaming_classes_moves_cells(batch, random):
    labels, scored = batch
    classes, generator = scored.shape[-1], np.random.default_rng(random.getrandbits(32))
    scored = scored + np.linspace(0, 0.5, classes, dtype="float32")  # no ties: the first of equals depends on names
    matrix = np.asarray(counted(labels, scored).matrix)
    order = generator.permutation(labels.size)
    moved = labels.reshape(1, 1, -1)[..., order], scored.reshape(1, 1, -1, classes)[:, :, order]
    np.testing.assert_array_equal(np.asarray(counted(*moved).matrix), matrix)
    new = generator.permutation(classes)  # class c is called new[c] from here on
    table = np.append(new, [VOID] * (256 - classes)).astype("uint8")
    renamed = np.asarray(counted(table[labels], scored[..., np.argsort(new)]).matrix)
    np.testing.assert_array_equal(renamed[np.ix_(new, new)], matrix)
    before, after = scores(matrix), scores(renamed)
    for name in NAMES:
        assert after[name] == pytest.approx(before[name], rel=1e-12)
    np.testing.assert_array_equal(after["per_class_iu"][new], before["per_class_iu"])


MATRICES = st.lists(st.integers(0, 2**44), min_size=1, max_size=25).map(
    lambda cells: np.resize(cells, (int(len(cells) ** 0.5),) * 2).astype("int64")
)


@GATE
@given(MATRICES)
def test_laws_of_the_metrics(matrix):
    values, tensor, turned = scores(matrix), scores(keras.ops.convert_to_tensor(matrix)), scores(matrix.T)
    for name in NAMES:
        assert 0 <= values[name] <= 1
        assert 0 <= float(tensor[name]) <= 1
        assert float(tensor[name]) == pytest.approx(values[name], rel=1e-5)
    # Swapping truth and prediction leaves intersection and union as they are.
    assert turned["mean_iu"] == pytest.approx(values["mean_iu"], rel=1e-12)
    assert turned["pixel_accuracy"] == pytest.approx(values["pixel_accuracy"], rel=1e-12)
    # IU cannot pass accuracy, class by class and so in the mean over the classes of the truth.
    assert values["fw_iu"] <= values["pixel_accuracy"] * (1 + 1e-12)
    unseen = scores(np.pad(matrix, ((0, 2), (0, 2))))
    assert {name: unseen[name] for name in NAMES} == pytest.approx({name: values[name] for name in NAMES}, rel=1e-12)
    assert np.isnan(unseen["per_class_iu"][-2:]).all()


@GATE
@given(st.lists(st.integers(0, 2**44), min_size=1, max_size=21).filter(any))
def test_a_perfect_prediction_scores_exactly_one(counts):
    matrix = np.diag(counts)
    for values in (scores(matrix), scores(keras.ops.convert_to_tensor(matrix))):
        assert {float(values[name]) for name in NAMES} == {1.0}


def test_int32_counts_whose_sums_pass_int32():
    """Keras's JAX backend counts in int32: a cell holds 2**31 - 1 pixels, a row and a split hold more."""
    matrix = np.array([[2**31 - 1, 2**31 - 1], [2**30, 2**31 - 1]])
    found = scores(tf.constant(matrix, tf.int32))
    expected = scores(matrix)
    for name in NAMES:
        assert float(found[name]) == pytest.approx(expected[name], rel=1e-6)


@GATE
@given(batches(), st.sampled_from(["float16", "bfloat16", "float64"]), st.sampled_from(["uint8", "int64", "float32"]))
def test_the_floats_of_scores_and_the_integers_of_labels_do_not_matter(batch, floats, integers):
    labels, scored = batch
    other = counted(labels.astype(integers), tf.cast(scored / 8, floats))
    rounded = np.asarray(tf.cast(tf.cast(scored / 8, floats), tf.float32))  # two scores may become one
    np.testing.assert_array_equal(np.asarray(other.matrix), np.asarray(counted(labels, rounded).matrix))
    assert {keras.backend.standardize_dtype(value.dtype) for value in other.result().values()} == {"float32"}


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_a_million_pixels_of_half_floats(half):
    keras.config.set_floatx(half)
    try:
        metric = ConfusionMatrix(2)
        scored = tf.cast(tf.tile([[[[3e4, -3e4]]]], (1, 1000, 1001, 1)), half)
        metric.update_state(np.zeros((1, 1000, 1001), "uint8"), scored)
        metric.update_state(np.ones((1, 1, 1), "uint8"), scored[:, :1, :1])
        result = metric.result()
    finally:
        keras.config.set_floatx("float32")
    assert np.asarray(metric.matrix).tolist() == [[1_001_000, 0], [1, 0]]
    assert {keras.backend.standardize_dtype(value.dtype) for value in result.values()} == {"float32"}
    assert float(result["confusion_pixel_accuracy"]) == pytest.approx(1_001_000 / 1_001_001, abs=1e-7)


@pytest.mark.parametrize("labels", [(1, 3, 2), (1, 1, 1), (2, 2, 3), (2, 3), (1, 2, 3, 4), (1, 2, 3, 1, 1)])
def test_labels_of_another_size_are_refused(labels):
    metric = ConfusionMatrix(4)
    with pytest.raises(ValueError, match=r"of the same size. Received: labels \(.*\), scores \(1, 2, 3, 4\)"):
        metric.update_state(np.zeros(labels, "uint8"), np.zeros((1, 2, 3, 4), "float32"))
    assert not np.asarray(metric.matrix).any()
