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
        ({"label_smoothing": 1}, r"`label_smoothing` is a share from 0 to below 1\. Received: 1"),
        ({"label_smoothing": -0.1}, r"`label_smoothing` is a share"),
        ({"label_smoothing": float("nan")}, r"`label_smoothing` is a share"),
        ({"hardest": 0}, r"`hardest` is a share above 0, at most 1 \(all pixels\)\. Received: 0"),
        ({"hardest": 1.01}, r"`hardest` is a share above 0"),
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
    loss = PixelCrossentropy(9, [1, 2], "sum", keep=0.5, seed=4, label_smoothing=0.2, hardest=0.5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert keras.saving.get_registered_name(PixelCrossentropy) == "fcn_keras>PixelCrossentropy"  # in saved models


def test_files_of_before_have_neither_smoothing_nor_hard_examples():
    """As saved when the class stood in a file of its own, `fcn_keras/losses.py`."""
    config = {"ignore_label": 9, "class_weights": None, "reduction": "sum", "keep": 1.0, "seed": None}
    saved = {
        "module": "fcn_keras.losses",
        "class_name": "PixelCrossentropy",
        "config": {**config, "name": "pixel_crossentropy", "dtype": "float32"},
        "registered_name": "fcn_keras>PixelCrossentropy",
    }
    loss = keras.losses.deserialize(saved)
    assert type(loss) is PixelCrossentropy
    assert loss.get_config() == PixelCrossentropy(9, reduction="sum").get_config()
    assert (loss.label_smoothing, loss.hardest) == (0, 1)


def test_the_smoothed_target_by_hand():
    """Of four classes with probabilities 0.4, 0.3, 0.2, 0.1 and smoothing 0.2, the target is 0.85 and thrice 0.05."""
    scores = np.log(np.array([[[[0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1]]]], "float32"))
    labels = np.array([[[2, 255]]])
    expected = -(0.85 * np.log(0.2) + 0.05 * np.log(0.4 * 0.3 * 0.1))
    loss = PixelCrossentropy(label_smoothing=0.2)
    assert float(loss(labels, scores)) == pytest.approx(expected, rel=1e-5)
    weighted = PixelCrossentropy(label_smoothing=0.2, class_weights=[9, 9, 0.5, 9], reduction="sum")
    assert float(weighted(labels, scores)) == pytest.approx(expected / 2, rel=1e-5)


def test_the_smoothed_gradient_is_softmax_minus_the_target():
    tf = pytest.importorskip("tensorflow")
    scores = tf.Variable(SCORES)
    with tf.GradientTape() as tape:
        loss = PixelCrossentropy(reduction="sum", label_smoothing=0.4)(LABELS, scores)
    softmax = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)
    expected = softmax - (0.6 * np.eye(4)[np.where(LABELS == 255, 0, LABELS)] + 0.1)
    expected[LABELS == 255] = 0
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, scores)), expected, atol=1e-5)


def pixels_that_cost(*costs):
    """Labels and scores, one row of two classes: the loss of each pixel, None for void."""
    wrong = np.array([0.0 if cost is None else np.log(np.expm1(cost)) for cost in costs], "float32")
    labels = np.array([[[255 if cost is None else 0 for cost in costs]]])
    return labels, np.stack([np.zeros_like(wrong), wrong], -1)[None, None]


def shares(loss, labels, scores):
    """By how much of itself each pixel's loss is kept: its gradient over that of all pixels."""
    tf = pytest.importorskip("tensorflow")
    found = []
    for one in (loss, PixelCrossentropy(reduction="sum", class_weights=loss.class_weights)):
        variable = tf.Variable(scores)
        with tf.GradientTape() as tape:
            value = one(labels, variable)
        found.append(np.asarray(tape.gradient(value, variable))[0, 0, :, 1])
    return (found[0] / np.where(found[1] == 0, 1, found[1])).round(4).tolist()


@pytest.mark.parametrize(
    ("hardest", "kept"),
    [(0.01, [4]), (0.25, [4]), (0.5, [4, 3]), (0.7, [4, 3, 2]), (0.9, [4, 3, 2, 1]), (1.0, [4, 3, 2, 1])],
)
def test_the_hardest_pixels_are_kept_and_divide(hardest, kept):
    case = pixels_that_cost(2, None, 4, 1, 3, None)
    total = PixelCrossentropy(reduction="sum", hardest=hardest)
    assert float(total(*case)) == pytest.approx(sum(kept), rel=1e-5)
    assert float(PixelCrossentropy(hardest=hardest)(*case)) == pytest.approx(np.mean(kept), rel=1e-5)
    assert shares(total, *case) == [float(cost in kept) for cost in (2, 0, 4, 1, 3, 0)]


def test_pixels_that_tie_share_the_last_places():
    """Three places: one for 5, and two for the three pixels of 2."""
    case = pixels_that_cost(2, 5, 2, 1, None, 2)
    loss = PixelCrossentropy(reduction="sum", hardest=0.6)
    assert float(loss(*case)) == pytest.approx(5 + 2 + 2, rel=1e-5)
    assert shares(loss, *case) == pytest.approx([0.6667, 1, 0.6667, 0, 0, 0.6667])


def test_all_pixels_of_a_new_net_learn():
    """Its scores are zero, so that all tie."""
    labels, scores = np.zeros((1, 1, 8), int), np.zeros((1, 1, 8, 2), "float32")
    loss = PixelCrossentropy(reduction="sum", hardest=0.25)
    assert float(loss(labels, scores)) == pytest.approx(2 * np.log(2), rel=1e-5)
    assert shares(loss, labels, scores) == [0.25] * 8


def test_the_hardest_are_found_over_the_batch_not_in_each_image():
    labels, scores = pixels_that_cost(1, 2, 3, 4)
    loss = PixelCrossentropy(hardest=0.5)
    assert float(loss(labels.reshape(2, 1, 2), scores.reshape(2, 1, 2, 2))) == pytest.approx(3.5, rel=1e-5)


def test_class_weights_enter_the_choice_and_sample_weights_do_not():
    labels, scores = pixels_that_cost(1, 2, 3)
    scores[0, 0, 0] = scores[0, 0, 0, ::-1]
    labels[0, 0, 0] = 1  # of class 1 now, and of the same loss
    chosen = PixelCrossentropy(hardest=0.34, class_weights=[1, 10])
    assert float(chosen(labels, scores)) == pytest.approx(10, rel=1e-5)
    plain = PixelCrossentropy(hardest=0.34, reduction="sum")
    assert float(plain(labels, scores, [[[100.0, 100.0, 0.5]]])) == pytest.approx(1.5, rel=1e-5)


def test_the_hardest_of_all_void_and_of_no_numbers():
    assert float(PixelCrossentropy(hardest=0.5)(*pixels_that_cost(None, None))) == 0
    labels, scores = pixels_that_cost(1, 2, 3)
    scores[0, 0, 0] = np.nan
    assert np.isnan(float(PixelCrossentropy(hardest=0.34)(labels, scores)))


def test_the_hardest_of_the_sampled_pixels():
    """All pixels cost ln 2; a half are sampled, a half of them kept: no more than sampled, none twice."""
    labels, scores = np.zeros((1, 40, 50), int), np.zeros((1, 40, 50, 2), "float32")
    sampled = float(PixelCrossentropy(reduction="sum", keep=0.5, seed=1)(labels, scores))
    both = float(PixelCrossentropy(reduction="sum", keep=0.5, seed=1, hardest=0.5)(labels, scores))
    assert both == pytest.approx(sampled / 2, rel=2e-3)
    assert sampled / np.log(2) == pytest.approx(1000, abs=100)


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
