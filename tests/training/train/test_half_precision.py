"""Half precision and accumulated gradients: what stays float32, what a checkpoint keeps, and what one batch equals."""

import csv
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.interface import in_float32
from tests.training import small_run
from training.recipes import catalogue as recipes
from training.recipes.overrides import Overrides
from training.train import command as train
from training.train.compiling import compile_model
from training.workdir import checkpoint

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def tiny(monkeypatch):
    """Register the tiny recipe with changes."""

    def register(**changes):
        recipe = replace(small_run.recipes_by_name()["tiny_fcn32s"], **changes)
        monkeypatch.setitem(recipes.RECIPES, recipe.name, recipe)
        return recipe

    return register


def run(workdir, *options):
    code = train.main(["tiny_fcn32s", "--workdir", str(workdir), "--quiet", *options])
    return code, workdir / "tiny_fcn32s"


def test_float16_by_the_sum_goes_on_where_it_stopped(in_graphs, tmp_path, tiny, monkeypatch):
    """The first batches overflow and are left out: they still count as seen, and the loss scale is kept."""
    tiny(reduction="sum", learning_rate=1e-6, steps=10, accumulate=2)
    start = keras.optimizers.LossScaleOptimizer.__init__

    def too_high(self, inner_optimizer, initial_scale=2.0**10, **options):
        start(self, inner_optimizer, max(initial_scale, 2.0**10), **options)

    monkeypatch.setattr(keras.optimizers.LossScaleOptimizer, "__init__", too_high)
    options = ("--dtype-policy", "mixed_float16")
    assert run(tmp_path / "whole", *options)[0] == 0
    undo = small_run.stop_after_an_epoch()
    assert run(tmp_path / "stopped", *options)[0] == 130
    undo()
    code, stage = run(tmp_path / "stopped", *options)
    assert code == 0
    runs = (tmp_path / name / "tiny_fcn32s" / "last.keras" for name in ("stopped", "whole"))
    ours, theirs = map(keras.saving.load_model, runs)
    assert isinstance(ours.optimizer, keras.optimizers.LossScaleOptimizer)
    for mine, other in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-3, atol=1e-3)
    assert checkpoint.verify(stage / "last.keras").batches == 10
    assert 0 < int(ours.optimizer.iterations) < 5  # updates of two batches each; the first were left out
    assert float(ours.optimizer.dynamic_scale) < 2.0**10
    with (stage / "log.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [str(epoch) for epoch in range(5)]
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_what_stays_float32(tiny, policy):
    recipe = tiny(dtype_policy=policy)
    keras.config.set_dtype_policy(policy)
    try:
        model = fcn.FCN32s(5, channels=small_run.TINY)
        compile_model(model, recipe, 5)
    finally:
        keras.config.set_dtype_policy("float32")
    half = policy.removeprefix("mixed_")
    assert model.get_layer("conv1_1").compute_dtype == half
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    image = np.random.default_rng(0).integers(0, 256, (1, 33, 40, 3)).astype("float32")
    label = np.random.default_rng(1).integers(0, 5, (1, 33, 40))
    assert model.loss(label, model(image)).dtype == "float32"
    kernel = np.asarray(model.get_layer("upscore").kernel)
    assert kernel[31, 31, 0, 0] == (63 / 64) ** 2  # twelve bits, of which neither half precision has as many
    single = in_float32(model)
    assert {layer.compute_dtype for layer in single.layers} == {"float32"}
    assert not single.compiled
    for ours, theirs in zip(single.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_scale_starts_where_the_reduction_needs_it(tiny):
    scales = {}
    for reduction in ("mean", "sum"):
        model = fcn.FCN32s(3, channels=small_run.TINY)
        compile_model(model, tiny(dtype_policy="mixed_float16", reduction=reduction), 3)
        scales[reduction] = model.optimizer.initial_scale
    assert scales["mean"] == 2**15
    assert scales["sum"] == pytest.approx(2**15 / 250_000)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_accumulated_batches_of_one_are_a_batch(tiny, reduction):
    """Keras averages the batches' gradients: of the means that is the batch's mean, of the sums a third of its sum."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 24, 31, 3)).astype("float32")
    labels = rng.integers(0, 3, (3, 24, 31))
    labels[:, :5] = 255  # as many counted pixels in each
    scale = 3 if reduction == "sum" else 1
    trained = []
    for accumulate, size, factor in ((3, 1, 1), (1, 3, scale)):
        keras.utils.set_random_seed(1)
        model = fcn.FCN32s(3, channels=small_run.TINY, dropout=0)
        before = model.get_weights()
        # A gradient three times as large needs a third of the rate, and three times the decay beside it.
        optimizer = partial(fcn.CaffeSGD, weight_decay=0.5 * factor)
        rate = (1e-2 if reduction == "mean" else 1e-5) / factor
        recipe = tiny(optimizer=optimizer, learning_rate=rate, reduction=reduction, accumulate=accumulate)
        compile_model(model, recipe, 3)
        for _ in range(2):
            for at in range(0, 3, size):
                model.train_on_batch(images[at : at + size], labels[at : at + size])
        assert int(model.optimizer.iterations) == 2
        trained.append([after - first for after, first in zip(model.get_weights(), before, strict=True)])
    assert max(np.abs(change).max() for change in trained[0]) > 1e-3
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_accumulation_replaces_the_recipes_own(tiny):
    model = fcn.FCN32s(3, channels=small_run.TINY)
    for given, expected in ((None, None), (1, None), (6, 6)):
        compile_model(model, tiny(accumulate=given), 3)
        assert model.optimizer.gradient_accumulation_steps == expected
    assert recipes.find("voc_paper_fcn32s", Overrides(accumulate=1)).accumulate == 1
    with pytest.raises(ValueError, match=r"`accumulate` is at least 1\. Received: 0"):
        recipes.find("voc_paper_fcn32s", Overrides(accumulate=0))


def test_batches_of_several_sizes_are_padded_and_accumulated(tmp_path, tiny):
    tiny(steps=1, steps_per_epoch=1)
    assert run(tmp_path, "--buckets", "32x32", "64x64", "--accumulate", "2")[0] == 0
