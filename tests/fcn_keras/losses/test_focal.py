"""FocalCrossentropy by hand; `test_every_loss.py` has float64 and gradients."""

import numpy as np
import pytest

from fcn_keras.losses import FocalCrossentropy, PixelCrossentropy

# Two classes; logits ln(9) and 0 give 0.9 and 0.1.
SCORES = np.array([[[[np.log(9), 0.0], [np.log(9), 0.0], [5.0, 5.0]]]], "float32")
LABELS = np.array([[[0, 1, 255]]], "uint8")
RIGHT, WRONG = 0.1**2 * -np.log(0.9), 0.9**2 * -np.log(0.1)  # (1 - p)**2 of p 0.9 and of 0.1


def test_by_hand():
    assert float(FocalCrossentropy()(LABELS, SCORES)) == pytest.approx((RIGHT + WRONG) / 2, rel=1e-5)
    assert float(FocalCrossentropy(reduction="sum")(LABELS, SCORES)) == pytest.approx(RIGHT + WRONG, rel=1e-5)
    weighted = FocalCrossentropy(class_weights=[2, 0.25])
    assert float(weighted(LABELS, SCORES)) == pytest.approx((2 * RIGHT + 0.25 * WRONG) / 2, rel=1e-5)


def test_gamma_0_is_crossentropy():
    expected = float(PixelCrossentropy()(LABELS, SCORES))
    assert float(FocalCrossentropy(gamma=0)(LABELS, SCORES)) == pytest.approx(expected, rel=1e-6)


def test_a_probability_near_one_does_not_cancel():
    """p is 1 - e**-12: in float32 `1 - p` has two digits left, and the loss is e**-36."""
    scores = np.array([[[[12.0, 0.0]]]], "float32")
    loss = float(FocalCrossentropy()(np.zeros((1, 1, 1)), scores))
    wrong = 1 / (1 + np.exp(12))
    assert loss == pytest.approx(wrong**2 * -np.log1p(-wrong), rel=0.02)


def test_sample_weights_multiply_pixels():
    loss = FocalCrossentropy(reduction="sum")
    assert float(loss(LABELS, SCORES, [[[3.0, 0.5, 9.0]]])) == pytest.approx(3 * RIGHT + 0.5 * WRONG, rel=1e-5)
    two = np.concatenate([LABELS, LABELS]), np.concatenate([SCORES, SCORES])
    assert float(loss(*two, [0.0, 1.0])) == pytest.approx(RIGHT + WRONG, rel=1e-5)


@pytest.mark.parametrize("gamma", [-1, float("inf"), float("nan")])
def test_arguments_out_of_range(gamma):
    with pytest.raises(ValueError, match=r"`gamma` is a finite number, at least 0\. Received: "):
        FocalCrossentropy(gamma=gamma)
    with pytest.raises(ValueError, match=r"`reduction` is one of.*Received: 'none'"):
        FocalCrossentropy(reduction="none")
