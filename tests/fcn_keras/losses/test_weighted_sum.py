"""Sums of losses, and losses by name."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import (
    FocalCrossentropy,
    LovaszSoftmax,
    PixelCrossentropy,
    SoftDice,
    SumOfLosses,
    Tversky,
    from_text,
)
from tests.fcn_keras.losses.every_loss import LABELS, SCORES


def test_factors_multiply_losses():
    parts = [(1.0, PixelCrossentropy()), (0.25, SoftDice()), (0.0, LovaszSoftmax())]
    expected = float(parts[0][1](LABELS, SCORES)) + 0.25 * float(parts[1][1](LABELS, SCORES))
    assert float(SumOfLosses(parts)(LABELS, SCORES)) == pytest.approx(expected, rel=1e-6)


def test_sample_weights_reach_every_loss():
    parts = [PixelCrossentropy(), SoftDice()]
    weights = np.array([0.0, 2.0])
    expected = sum(float(loss(LABELS, SCORES, weights)) for loss in parts)
    found = float(SumOfLosses([(1, loss) for loss in parts])(LABELS, SCORES, weights))
    assert found == pytest.approx(expected, rel=1e-6)
    assert found != pytest.approx(sum(float(loss(LABELS, SCORES)) for loss in parts), rel=1e-2)


def test_losses_of_keras_and_sums_are_losses_too():
    """Labels here are without void, which Keras's own losses do not know."""
    labels = np.array([[[0, 1]]])
    scores = SCORES[:1, :1, :2]
    alien = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = SumOfLosses([(2, SumOfLosses([(3, alien)]))])
    assert float(loss(labels, scores)) == pytest.approx(6 * float(PixelCrossentropy()(labels, scores)), rel=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(labels, scores)) == float(loss(labels, scores))


def test_round_trip_keeps_factors_names_and_arguments():
    loss = SumOfLosses([(0.5, Tversky(0.1, 0.9, ignore_label=3)), (2, SoftDice(class_weights=[1, 2]))], name="mine")
    again = SumOfLosses.from_config(loss.get_config())
    assert [factor for factor, _ in again.losses] == [0.5, 2.0]
    assert [part.get_config() for _, part in again.losses] == [part.get_config() for _, part in loss.losses]
    assert again.name == "mine"


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([], r"at least one pair of a factor and a loss\. Received: none"),
        (
            [(1.0, "dice")],
            r"pairs of a factor and a Keras loss, such as \(0\.5, SoftDice\(\)\)\. Received: \(1\.0, 'dice'\)",
        ),
        ([(1.0, SoftDice(), 2)], r"pairs of a factor and a Keras loss"),
        ([(-1.0, SoftDice())], r"factor is finite and not negative\. Received: -1\.0"),
        ([(float("inf"), SoftDice())], r"factor is finite and not negative\. Received: inf"),
    ],
)
def test_what_is_no_sum(losses, message):
    with pytest.raises(ValueError, match=message):
        SumOfLosses(losses)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("crossentropy", PixelCrossentropy),
        ("focal", FocalCrossentropy),
        ("dice", SoftDice),
        ("tversky", Tversky),
        (" lovasz ", LovaszSoftmax),
    ],
)
def test_a_name_is_a_loss(text, kind):
    loss = from_text(text, ignore_label=11, class_weights=[1, 2])
    assert type(loss) is kind
    assert (loss.ignore_label, loss.class_weights) == (11, [1.0, 2.0])


def test_a_sum_in_words():
    loss = from_text("crossentropy + 0.5*dice+lovasz", label_smoothing=0.1, hardest=0.25)
    assert [(factor, type(part)) for factor, part in loss.losses] == [
        (1.0, PixelCrossentropy),
        (0.5, SoftDice),
        (1.0, LovaszSoftmax),
    ]
    assert (loss.losses[0][1].label_smoothing, loss.losses[0][1].hardest) == (0.1, 0.25)
    assert [factor for factor, _ in from_text("2*focal").losses] == [2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jaccard", r"one of crossentropy, focal, dice, tversky, lovasz, or a sum.*Received: 'jaccard'"),
        ("dice+", r"one of crossentropy.*Received: 'dice\+'"),
        ("half*dice", r"factor is a number, as in 0\.5\*dice\. Received: 'half\*dice'"),
        ("-1*dice", r"finite and not negative\. Received: -1\.0"),
    ],
)
def test_words_that_are_no_loss(text, message):
    with pytest.raises(ValueError, match=message):
        from_text(text)
