"""What a recipe's numbers become in a compiled model."""

import math
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.losses import PixelCrossentropy, SumOfLosses
from fcn_keras.optimizers import SGDW, AdamW
from tests.training import small_run
from training.train.compiling import compile_model, optimizer_of, rate_of

RECIPE = small_run.recipes_by_name()["tiny_fcn32s"]


def rates(recipe, batches):
    rate = rate_of(recipe)
    return [float(rate(np.int64(batch))) for batch in batches]


def test_the_rate_stands_falls_and_rises():
    assert rate_of(RECIPE) == 1e-2
    falls = replace(RECIPE, steps=100, final_learning_rate=0.1)
    cosine = [1e-2 * (0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2) for share in (0, 0.25, 0.5, 1)]
    assert rates(falls, (0, 25, 50, 100)) == pytest.approx(cosine, rel=1e-5)
    rises = replace(falls, steps=104, warm_up=4)
    # A line from a fourth, and then the cosine of the hundred batches that are left.
    line = [1e-2 * (0.25 + 0.75 * batch / 4) for batch in range(4)]
    assert rates(rises, range(4)) == pytest.approx(line, rel=1e-5)
    assert rates(rises, (4, 29, 54, 104)) == pytest.approx(cosine, rel=1e-5)
    stands = replace(RECIPE, warm_up=2)
    assert rates(stands, (0, 1, 2, 3)) == pytest.approx([5e-3, 7.5e-3, 1e-2, 1e-2], rel=1e-6)


def test_what_an_optimizer_is_given():
    recipe = replace(
        RECIPE, optimizer=partial(AdamW, weight_decay=0.3), clip=2.0, ema=0.9, accumulate=4, rate_factors={"conv": 0.1}
    )
    optimizer = optimizer_of(recipe, 0.5)
    assert (optimizer.global_clipnorm, optimizer.use_ema, optimizer.ema_momentum) == (2.0, True, 0.9)
    assert (optimizer.decay, optimizer.rate_factors) == (0.3, {"conv": 0.1})
    assert optimizer.gradient_accumulation_steps == 4
    assert float(optimizer.learning_rate) == 0.5
    untouched = optimizer_of(replace(RECIPE, optimizer=SGDW), 0.5).get_config()
    assert untouched == SGDW(0.5).get_config()


def test_rates_by_layer_are_not_for_every_optimizer():
    recipe = replace(RECIPE, rate_factors={"conv": 0.1})
    with pytest.raises(ValueError, match=r"tiny_fcn32s: CaffeSGD has no rates by layer\. Take --optimizer adamw\."):
        optimizer_of(recipe, 0.5)
    with pytest.raises(ValueError, match="Adam has no rates by layer"):
        optimizer_of(replace(recipe, optimizer=keras.optimizers.Adam), 0.5)


def test_rates_are_for_layers_that_are_there():
    model = fcn.FCN32s(3, channels=small_run.TINY)
    with pytest.raises(ValueError, match=r"has 'stem', and no layer of tiny_fcn32s .* There are: conv1_1, .*score_fr"):
        compile_model(model, replace(RECIPE, optimizer=AdamW, rate_factors={"stem": 0.1}), 3)
    compile_model(model, replace(RECIPE, optimizer=AdamW, rate_factors={"conv5": 0.1}), 3)
    assert model.optimizer.rate_factors == {"conv5": 0.1}


def test_every_head_has_the_loss():
    model = fcn.FCN32s({"sem": 3, "geo": 2}, channels=small_run.TINY)
    recipe = replace(RECIPE, loss="crossentropy+0.5*dice", label_smoothing=0.25, hardest=0.5)
    compile_model(model, recipe, {"sem": 3, "geo": 2})
    assert set(model.loss) == {"sem", "geo"}
    for loss in model.loss.values():
        assert isinstance(loss, SumOfLosses)
        (one, crossentropy), (half, _) = loss.losses
        assert (one, half) == (1.0, 0.5)
        assert (crossentropy.label_smoothing, crossentropy.hardest) == (0.25, 0.5)


def test_the_papers_loss_is_as_it_was():
    model = fcn.FCN32s(2, channels=small_run.TINY)
    compile_model(model, replace(RECIPE, reduction="sum", class_weights=(1.0, 2.0)), 2)
    assert model.loss.get_config() == PixelCrossentropy(reduction="sum", class_weights=(1.0, 2.0)).get_config()


def test_class_weights_are_as_many_as_classes():
    with pytest.raises(ValueError, match="There are 2 class weights for 3 classes"):
        compile_model(fcn.FCN32s(3, channels=small_run.TINY), replace(RECIPE, class_weights=(1.0, 2.0)), 3)
