"""SoftDice and Tversky by hand; `test_every_loss.py` has float64 and gradients."""

import numpy as np
import pytest

from fcn_keras.losses import SoftDice, Tversky


def logits(*probabilities):
    """Scores whose softmax is given, pixel by pixel, as one row of an image."""
    return np.log(np.array([[probabilities]], "float32"))


# Truth 0, 0, 1, void. Class 0: TP 0.75 + 0.5, FN 0.25 + 0.5, FP 0.5. Class 1: TP 0.25, FN 0.75, FP 0.25 + 0.25.
LABELS = np.array([[[0, 0, 1, 255]]])
SCORES = logits([0.75, 0.25, 1e-9], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8])


def test_dice_by_hand():
    first, second = 1 - 2 * 1.25 / (1.75 + 2), 1 - 2 * 0.25 / (0.75 + 1)
    assert float(SoftDice()(LABELS, SCORES)) == pytest.approx((first + second) / 2, rel=1e-5)
    weighted = SoftDice(class_weights=[0, 4, 100])(LABELS, SCORES)  # class 2 is absent
    assert float(weighted) == pytest.approx(4 * second / 2, rel=1e-5)


def test_dice_of_squares_by_hand():
    first = 1 - 2 * 1.25 / (0.75**2 + 0.5**2 + 0.5**2 + 2)
    second = 1 - 2 * 0.25 / (3 * 0.25**2 + 1)
    loss = SoftDice(denominator="squares")
    assert float(loss(LABELS, SCORES)) == pytest.approx((first + second) / 2, rel=1e-5)


def test_tversky_by_hand():
    first = 1 - 1.25 / (1.25 + 0.2 * 0.5 + 0.9 * 0.75)
    second = 1 - 0.25 / (0.25 + 0.2 * 0.5 + 0.9 * 0.75)
    loss = Tversky(alpha=0.2, beta=0.9)
    assert float(loss(LABELS, SCORES)) == pytest.approx((first + second) / 2, rel=1e-5)


def test_alpha_is_for_false_positives_and_beta_for_false_negatives():
    """Keras's own exchanged them up to 3.15.1. One class predicted everywhere has only false positives."""
    everywhere = logits([1.0, 1e-9], [1.0, 1e-9])
    labels = np.array([[[0, 1]]])  # class 0: TP 1, FP 1; class 1: FN 1, loss 1
    assert float(Tversky(alpha=3, beta=0.5)(labels, everywhere)) == pytest.approx((1 - 1 / 4 + 1) / 2, rel=1e-5)
    assert float(Tversky(alpha=0, beta=0.5)(labels, everywhere)) == pytest.approx(1 / 2, rel=1e-5)


def test_halves_are_dice():
    assert float(Tversky(0.5, 0.5)(LABELS, SCORES)) == pytest.approx(float(SoftDice()(LABELS, SCORES)), rel=1e-6)


def test_default_of_the_paper():
    assert Tversky().get_config() | {"alpha": 0.3, "beta": 0.7} == Tversky().get_config()
    assert float(Tversky()(LABELS, SCORES)) == float(Tversky(0.3, 0.7)(LABELS, SCORES))


@pytest.mark.parametrize("loss", [SoftDice(), SoftDice(denominator="squares"), Tversky()])
def test_areas_are_those_of_the_batch_not_of_an_image(loss):
    """A second image without class 1 adds to class 1's false positives."""
    alone = float(loss(LABELS, SCORES))
    labels, scores = np.concatenate([LABELS, LABELS * 0]), np.concatenate([SCORES, SCORES])
    side_by_side = float(loss(labels.reshape(1, 2, 4), scores.reshape(1, 2, 4, 3)))
    assert float(loss(labels, scores)) == pytest.approx(side_by_side, rel=1e-6)
    assert side_by_side != pytest.approx((alone + float(loss(labels[1:], scores[1:]))) / 2, rel=1e-2)


@pytest.mark.parametrize("loss", [SoftDice(), SoftDice(denominator="squares"), Tversky()])
def test_bounds(loss):
    certain = np.eye(3, dtype="float32")[None, None] * 300
    assert float(loss(np.array([[[0, 1, 2]]]), certain)) == 0
    assert float(loss(np.array([[[1, 2, 0]]]), certain)) == 1


@pytest.mark.parametrize("loss", [SoftDice(), SoftDice(denominator="squares"), Tversky()])
def test_a_small_loss_is_not_lost_beside_one(loss):
    """A million pixels right to one in ten million: 1 minus a float32 near 1 would be 0 or a multiple of 6e-8."""
    scores = np.zeros((1, 1, 2000, 2), "float32")
    scores[..., 0] = 16
    wrong = 1 / (1 + np.exp(16.0))
    expected = {"soft_dice": wrong / (2 - wrong), "tversky": 0.7 * wrong / (1 - 0.3 * wrong)}[loss.name]
    if loss.get_config().get("denominator") == "squares":
        expected = wrong**2 / (1 + (1 - wrong) ** 2)
    assert float(loss(np.zeros((1, 1, 2000)), scores)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SoftDice(denominator="mean"), r"`denominator` is one of \('sum', 'squares'\)\. Received: 'mean'"),
        (lambda: Tversky(alpha=-0.1), r"`alpha` is a finite number, at least 0\. Received: -0\.1"),
        (lambda: Tversky(alpha=float("nan")), r"`alpha` is a finite number"),
        (lambda: Tversky(alpha=float("inf")), r"`alpha` is a finite number"),
        (lambda: Tversky(beta=0), r"`beta` is a finite number above 0\. Received: 0"),
        (lambda: Tversky(beta=float("inf")), r"`beta` is a finite number"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
