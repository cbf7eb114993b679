"""PixelCrossentropy against float64 numpy and hand-worked cases."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import PixelCrossentropy

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(2, 5, 7, 4)).astype("float32") * 3
LABELS = RNG.integers(0, 4, (2, 5, 7)).astype("uint8")
LABELS[0, :2] = 255


def reference(labels, scores, weights=None):
    """Per-pixel terms of the counted pixels, in float64."""
    scores = scores.astype("float64").reshape(-1, scores.shape[-1])
    labels = labels.reshape(-1)
    keep = labels != 255
    scores, labels = scores[keep], labels[keep]
    log_sum = np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1)) + scores.max(1)
    terms = log_sum - scores[np.arange(len(labels)), labels]
    return terms if weights is None else terms * np.asarray(weights)[labels]


@pytest.mark.parametrize("weights", [None, (0.5, 2, 0, 1)])
def test_against_float64(weights):
    terms = reference(LABELS, SCORES, weights)
    mean = PixelCrossentropy(class_weights=weights)(LABELS, SCORES)
    total = PixelCrossentropy(class_weights=weights, reduction="sum")(LABELS, SCORES)
    assert float(mean) == pytest.approx(terms.mean(), rel=1e-5)
    assert float(total) == pytest.approx(terms.sum(), rel=1e-5)


def test_zero_scores_cost_the_logarithm_of_the_classes():
    labels = np.zeros((1, 500, 500), "uint8")
    loss = PixelCrossentropy(reduction="sum")(labels, np.zeros((1, 500, 500, 21), "float32"))
    assert float(loss) == pytest.approx(761_130, rel=1e-5)


def test_labels_may_carry_a_last_axis():
    loss = PixelCrossentropy()
    assert float(loss(LABELS[..., None], SCORES)) == float(loss(LABELS, SCORES))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_all_void_is_zero_with_zero_gradient(reduction):
    tf = pytest.importorskip("tensorflow")
    scores = tf.Variable(SCORES)
    with tf.GradientTape() as tape:
        loss = PixelCrossentropy(reduction=reduction)(np.full((2, 5, 7), 255, "uint8"), scores)
    assert float(loss) == 0
    assert not np.asarray(tape.gradient(loss, scores)).any()


def test_gradient_is_softmax_minus_truth_and_zero_at_void():
    tf = pytest.importorskip("tensorflow")
    scores = tf.Variable(SCORES)
    with tf.GradientTape() as tape:
        loss = PixelCrossentropy(reduction="sum")(LABELS, scores)
    softmax = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)
    expected = softmax - np.eye(4)[np.where(LABELS == 255, 0, LABELS)]
    expected[LABELS == 255] = 0
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, scores)), expected, atol=1e-5)


def test_half_precision_scores_are_computed_in_float32():
    half = SCORES.astype("float16")
    assert float(PixelCrossentropy()(LABELS, half)) == pytest.approx(reference(LABELS, half).mean(), rel=1e-5)


def test_other_void():
    labels = np.where(LABELS == 255, 11, LABELS)
    assert float(PixelCrossentropy(ignore_label=11)(labels, SCORES)) == float(PixelCrossentropy()(LABELS, SCORES))


def test_patch_sampling_keeps_the_mean_and_a_share_of_the_sum():
    labels = np.zeros((1, 200, 200), "uint8")
    scores = np.zeros((1, 200, 200, 4), "float32")
    full = float(PixelCrossentropy(reduction="sum")(labels, scores))
    loss = PixelCrossentropy(reduction="sum", keep=0.25, seed=3)
    first, second = float(loss(labels, scores)), float(loss(labels, scores))
    assert first / full == pytest.approx(0.25, abs=0.02)
    assert first != second
    assert first == float(PixelCrossentropy(reduction="sum", keep=0.25, seed=3)(labels, scores))
    assert float(PixelCrossentropy(keep=0.25, seed=3)(labels, scores)) == pytest.approx(np.log(4), rel=1e-5)


def test_patch_sampling_is_refused_where_it_would_repeat_itself(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"Received: keep=0\.5. Train with the TensorFlow or torch backend"):
        PixelCrossentropy(keep=0.5)
    assert PixelCrossentropy().keep == 1


def test_hopeless_pixels_count_as_in_caffe():
    """Caffe bounds the probability in the logarithm, not in the gradient."""
    tf = pytest.importorskip("tensorflow")
    scores = tf.Variable([[[[0.0, 100.0]]]])
    with tf.GradientTape() as tape:
        loss = PixelCrossentropy(reduction="sum")(np.zeros((1, 1, 1), "uint8"), scores)
    assert float(loss) == pytest.approx(-np.log(np.finfo("float32").tiny), rel=1e-6)
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, scores))[0, 0, 0], [-1, 1])


def test_illegal_labels_are_named():
    labels = LABELS.astype("int32").copy()
    labels[0, 0, 0], labels[1, 0, 0] = 4, -3
    with pytest.raises(ValueError, match=r"may hold 0\.\.3 or 255.*Received: -3, 4\. Subtract 1"):
        PixelCrossentropy()(labels, SCORES)


def test_illegal_labels_in_a_graph_are_an_error():
    tf = pytest.importorskip("tensorflow")
    labels = LABELS.copy()
    labels[0, 0, 0] = 77
    # On a CPU TensorFlow's own kernel names the value; elsewhere the loss would be NaN.
    with pytest.raises(tf.errors.InvalidArgumentError, match="77"):
        tf.function(PixelCrossentropy())(tf.constant(labels), tf.constant(SCORES))


@pytest.mark.parametrize("weights", [None, (1, 2, 3, 4)])
def test_illegal_labels_without_a_checking_kernel_make_nan(monkeypatch, weights):
    tf = pytest.importorskip("tensorflow")
    labels = LABELS.copy()
    labels[0, 0, 0] = 77
    forgiving = keras.ops.sparse_categorical_crossentropy

    def unchecked(target, output, from_logits):
        return forgiving(keras.ops.clip(target, 0, 3), output, from_logits=from_logits)

    monkeypatch.setattr(keras.ops, "sparse_categorical_crossentropy", unchecked)
    loss = tf.function(PixelCrossentropy(class_weights=weights))
    assert np.isnan(float(loss(tf.constant(labels), tf.constant(SCORES))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "none"}, r"`reduction` is one of.*Received: 'none'"),
        ({"keep": 0}, r"`keep` is a probability.*Received: 0"),
        ({"keep": 1.5}, r"`keep` is a probability"),
        ({"class_weights": [1, -1]}, r"finite and not negative"),
        ({"class_weights": [1, float("nan")]}, r"finite and not negative"),
        ({"class_weights": [1, float("inf")]}, r"finite and not negative"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        PixelCrossentropy(**options)


def test_sizes_that_differ():
    with pytest.raises(ValueError, match=r"labels \(2, 5, 6\), scores \(2, 5, 7, 4\)"):
        PixelCrossentropy()(LABELS[:, :, :6], SCORES)
    with pytest.raises(ValueError, match=r"one factor a class.*Received: 3 for 4"):
        PixelCrossentropy(class_weights=[1, 1, 1])(LABELS, SCORES)


def test_config_round_trip():
    loss = PixelCrossentropy(ignore_label=9, class_weights=[1, 2], reduction="sum", keep=0.5, seed=4)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert keras.saving.get_registered_name(PixelCrossentropy) == "fcn_keras>PixelCrossentropy"  # in saved models


def test_sample_weights_of_images_weight_images():
    """Two images of two columns: the weights must not land on the columns. The second image is all void."""
    labels, scores = np.zeros((2, 3, 2), "uint8"), np.zeros((2, 3, 2, 4), "float32")
    labels[1] = 255
    loss = PixelCrossentropy(reduction="sum")
    assert float(loss(labels, scores, sample_weight=np.array([0.0, 1.0]))) == 0
    assert float(loss(labels, scores, sample_weight=[0.5, 1.0])) == pytest.approx(3 * np.log(4), rel=1e-6)
    assert float(loss(labels, scores, sample_weight=2.0)) == pytest.approx(12 * np.log(4), rel=1e-6)


@pytest.mark.parametrize("shape", [(2, 5, 7), (2, 5, 7, 1)])
def test_sample_weights_of_pixels_weight_pixels(shape):
    weights = RNG.uniform(0, 2, (2, 5, 7))
    expected = (reference(LABELS, SCORES) * weights[LABELS != 255]).sum()
    loss = PixelCrossentropy(reduction="sum")(LABELS, SCORES, weights.reshape(shape))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_sample_weights_of_rows_are_refused():
    """What `fit(class_weight=...)` makes of labels (B, H, W): one weight a row."""
    message = r"\(B,\), \(B, H, W\) or \(B, H, W, 1\)\. Received: shape \(2, 5\)\. To weight classes.*class_weights="
    with pytest.raises(ValueError, match=message):
        PixelCrossentropy()(LABELS, SCORES, np.ones((2, 5)))
