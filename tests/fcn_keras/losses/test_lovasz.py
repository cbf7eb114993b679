"""LovaszSoftmax by hand, and where it is IU; `test_every_loss.py` has float64 and gradients."""

import numpy as np
import pytest

from fcn_keras.losses import LovaszSoftmax

RNG = np.random.default_rng(2)


def test_by_hand():
    """Truth 0, 0, 1; probabilities of class 0: 0.9, 0.4, 0.3.

    Class 0 has errors 0.1, 0.6, 0.3. Sorted 0.6 (true), 0.3 (not), 0.1 (true): 1 - IU grows to 1/2, 2/3, 1.
    Class 1 has the same errors; 0.6 (not), 0.3 (true), 0.1 (not): 1/2, 1, 1.
    """
    scores = np.log(np.array([[[[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]]], "float32"))
    first = 0.6 * 1 / 2 + 0.3 * (2 / 3 - 1 / 2) + 0.1 * (1 - 2 / 3)
    second = 0.6 * 1 / 2 + 0.3 * 1 / 2
    loss = LovaszSoftmax()(np.array([[[0, 0, 1]]]), scores)
    assert float(loss) == pytest.approx((first + second) / 2, rel=1e-5)


def test_of_certain_predictions_it_is_one_minus_the_mean_iu():
    labels, predicted = RNG.integers(0, 4, (2, 2, 6, 5))
    labels[0, 0] = 255
    scores = np.eye(4, dtype="float32")[predicted] * 300
    counted = labels != 255
    unions = [((labels == c) | (predicted == c)) & counted for c in range(4)]
    ious = [((labels == c) & (predicted == c)).sum() / union.sum() for c, union in enumerate(unions)]
    assert float(LovaszSoftmax()(labels, scores)) == pytest.approx(1 - np.mean(ious), rel=1e-5)


def test_ties_do_not_change_the_value():
    """All errors of zero scores tie. Class 0: 1 - p is 2/3 at its two pixels, p is 1/3 at the other."""
    labels = np.array([[[0, 0, 1]]])
    first = 2 / 3
    expected = (first + 2 / 3 * 1 + 1 / 3 * 0) / 2  # true pixels first: their steps sum to 1
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        loss = LovaszSoftmax()(labels[..., order], np.zeros((1, 1, 3, 3)))
        assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_gradients_of_many_pixels_do_not_cancel():
    """Differences of neighbouring 1 - IU, 1e-5 apart, would be off by a hundredth in float32."""
    tf = pytest.importorskip("tensorflow")
    size = 60_000
    labels = (np.arange(size) % 2).reshape(1, 1, size)
    scores = tf.convert_to_tensor(RNG.normal(0, 1, (1, 1, size, 2)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = LovaszSoftmax()(labels, scores)
    powers = np.exp(np.asarray(scores, "float64"))[0, 0]
    p = powers / powers.sum(-1, keepdims=True)
    steps = np.zeros((size, 2))
    for c in range(2):
        truth = labels[0, 0] == c
        order = np.argsort(-np.where(truth, 1 - p[:, c], p[:, c]), kind="stable")
        union = truth.sum() + np.cumsum(~truth[order])
        jaccard = 1 - (truth.sum() - np.cumsum(truth[order])) / union
        steps[order, c] = np.diff(jaccard, prepend=0) * np.where(truth[order], -1, 1) / 2
    expected = p * (steps - (p * steps).sum(-1, keepdims=True))
    found = np.asarray(tape.gradient(loss, scores))[0, 0]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-9)


def test_config():
    expected = {"ignore_label": 0, "class_weights": [1.0], "name": "mine", "dtype": "float32"}
    assert LovaszSoftmax(0, [1], "mine").get_config() == expected
