"""The loss that a recipe names."""

from types import SimpleNamespace

import pytest

from fcn_keras.losses import LovaszSoftmax, PixelCrossentropy, SumOfLosses
from training.recipes.loss import averages_pixels, loss_of, names_in


def recipe(**changes):
    plain = {"name": "tiny", "loss": "crossentropy", "reduction": "mean", "class_weights": None}
    return SimpleNamespace(**{**plain, "label_smoothing": 0.0, "hardest": 1.0, **changes})


def test_cross_entropy_takes_everything():
    loss = loss_of(recipe(reduction="sum", class_weights=(1.0, 3.0), label_smoothing=0.1, hardest=0.5))
    wanted = PixelCrossentropy(reduction="sum", class_weights=(1.0, 3.0), label_smoothing=0.1, hardest=0.5)
    assert loss.get_config() == wanted.get_config()


def test_others_take_the_class_weights():
    lovasz = loss_of(recipe(loss="lovasz", class_weights=(1.0, 3.0)))
    assert isinstance(lovasz, LovaszSoftmax)
    assert lovasz.class_weights == [1.0, 3.0]
    both = loss_of(recipe(loss="2*crossentropy + 0.5*dice", hardest=0.5))
    assert isinstance(both, SumOfLosses)
    assert [factor for factor, _ in both.losses] == [2.0, 0.5]
    assert both.losses[0][1].hardest == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "hinge"}, r"A loss is one of crossentropy, .* Received: 'hinge'"),
        ({"loss": "dice", "hardest": 0.5}, r"tiny: `hardest` is for crossentropy\. The loss is dice\."),
        ({"loss": "focal", "label_smoothing": 0.1}, r"tiny: `label_smoothing` is for crossentropy"),
        ({"loss": "dice", "reduction": "sum"}, r"tiny sums its loss over the pixels.* The loss is dice\."),
        ({"hardest": 0.0}, r"`hardest` is a share above 0"),
        ({"label_smoothing": 1.0}, r"`label_smoothing` is a share from 0 to below 1"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        loss_of(recipe(**changes))


def test_which_losses_are_of_each_pixel_alone():
    assert names_in("crossentropy+0.5*dice + focal") == ["crossentropy", "dice", "focal"]
    assert averages_pixels(recipe())
    assert averages_pixels(recipe(loss="crossentropy+2*focal"))
    assert not averages_pixels(recipe(loss="crossentropy+dice"))
    assert not averages_pixels(recipe(hardest=0.9))
