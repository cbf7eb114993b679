"""Recipes as values, and every one of them run by the real command on drawn scenes with a tiny net."""

import json
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.recipes import catalogue as recipes
from training.recipes import overrides, paper
from training.recipes import readers as sources
from training.recipes.overrides import Overrides
from training.recipes.recipe import Recipe, describe
from training.train import callbacks
from training.train import command as train

TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)
COUNTS = {"sem": 7, "geo": 3}


def test_every_recipe_builds_its_net():
    for name, recipe in recipes.RECIPES.items():
        assert recipe.name == name
        assert set(recipe.sources.values()) <= set(recipes.RECIPES)
        classes = COUNTS if sources.has_two_heads(recipe.data) else 5
        output = recipe.model(classes, **{**recipe.model_options, "channels": TINY}).output
        heads = output if isinstance(output, dict) else {"": output}
        expected = classes if isinstance(classes, dict) else {"": classes}
        assert {head: scores.shape[-1] for head, scores in heads.items()} == expected
        assert json.loads(json.dumps(describe(recipe)))["name"] == name


def test_recipes_are_values():
    assert isinstance(recipes.find("camvid_fcn8s"), Recipe)
    changed = recipes.find("folder_fcn8s", Overrides(classes=4, steps=10))
    assert isinstance(changed.data, partial)
    assert (changed.steps, changed.steps_per_epoch) == (10, 10)
    shorter = recipes.find("camvid_fcn16s", Overrides(steps=80))  # its own epochs of 50 do not fit
    assert (shorter.steps, shorter.steps_per_epoch) == (80, 40)
    assert recipes.find("folder_fcn8s").steps == recipes.RECIPES["folder_fcn8s"].steps


def test_the_released_rates_fall_by_a_hundred_from_stage_to_stage():
    rates = {name: recipe.learning_rate for name, recipe in recipes.RECIPES.items()}
    assert [rates[f"voc_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-14]
    assert [rates[f"context_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-14]
    assert [rates[f"sift_flow_fcn{s}s"] for s in (32, 16, 8)] == [1e-10, 1e-12, 1e-12]
    assert [rates[f"voc_paper_fcn{s}s"] for s in (32, 16, 8)] == [1e-4, 1e-6, 1e-8]
    assert rates["nyud_fcn32s_rgb_hha"] == 1e-12
    for recipe in paper.RECIPES:
        if recipe.optimizer in (paper.VOC_FCN32S.optimizer,):
            solver = recipe.optimizer(recipe.learning_rate)
            assert (solver.momentum, solver.l2, solver.bias_multiplier) == (0.99, 5e-4, 2.0)
            assert (recipe.reduction, recipe.batch_size, recipe.replacement) == ("sum", 1, True)
    for recipe in (paper.VOC_PAPER_FCN32S, paper.VOC_MIXED_FCN32S):
        assert (recipe.optimizer(1e-4).momentum, recipe.reduction) == (0.9, "mean")
        assert recipe.batch_size * recipe.accumulate == 20
        assert recipe.batch_size * recipe.steps == 200_000
    assert [rates[f"voc_mixed_fcn{s}s"] for s in (32, 16, 8)] == [1e-4, 1e-6, 1e-8]


def test_what_is_trained_before():
    names = [recipe.name for recipe in recipes.chain("nyud_fcn16s_rgb_hha")]
    assert names == ["nyud_fcn32s_rgb", "nyud_fcn32s_hha", "nyud_fcn32s_rgb_hha", "nyud_fcn16s_rgb_hha"]
    assert [recipe.name for recipe in recipes.chain("voc_fcn8s")] == ["voc_fcn32s", "voc_fcn16s", "voc_fcn8s"]


def test_the_fixed_net_learns_its_scoring_layer_alone():
    recipe = paper.VOC_FCN32S_FIXED
    model = recipe.model(21, **{**recipe.model_options, "channels": TINY})
    kept = [
        layer.name for layer in model.layers if layer.trainable_weights and not layer.name.startswith(recipe.frozen)
    ]
    assert kept == ["score_fr"]


def test_width_multiplies_the_channels():
    recipe = recipes.find("voc_fcn32s", Overrides(width=0.125))
    assert recipe.model_options["channels"] == ((((8, 2), (16, 2), (32, 3), (64, 3), (64, 3))), 512)
    assert not recipe.imagenet
    assert recipes.find("voc_fcn32s", Overrides(width=1)).imagenet
    for width in (0, 1.5):
        with pytest.raises(ValueError, match=rf"`width` is above 0, at most 1. Received: {width}"):
            recipes.find("voc_fcn32s", Overrides(width=width))


@pytest.mark.usefixtures("tiny")
def test_class_weights_of_the_doctor(tmp_path, capsys):
    weights = tmp_path / "doctor.json"
    options = [
        "voc_fcn32s",
        "--stand-in",
        "--width",
        "0.1",
        "--steps",
        "1",
        "--quiet",
        "--workdir",
        str(tmp_path / "w"),
    ]
    for text, message in (
        ("{", "cannot be read"),
        ('{"class_weights": {"sem": [1]}}', "holds no list of numbers"),
        ("[1, 2]", "There are 2 class weights for 8 classes"),
    ):
        weights.write_text(text)
        assert train.main([*options, "--class-weights", str(weights)]) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "w").exists()
    weights.write_text('{"class_weights": [1, 2, 3, 4, 5, 6, 7, 0.5]}')
    assert train.main([*options, "--class-weights", str(weights)]) == 0
    loss = keras.saving.load_model(tmp_path / "w" / "voc_fcn32s" / "best.keras").loss
    assert loss.class_weights == [1, 2, 3, 4, 5, 6, 7, 0.5]


def test_stand_ins_have_the_heads_of_the_data_set():
    assert recipes.find("voc_fcn32s", Overrides(stand_in=True)).data(None, "val").num_classes == 8
    assert recipes.find("sift_flow_fcn8s", Overrides(stand_in=True)).data(None, "val").num_classes == {
        "sem": 8,
        "geo": 3,
    }


@pytest.mark.parametrize(
    "name", ["voc_fcn32s", "context_fcn32s", "nyud_fcn32s_rgb", "sift_flow_fcn32s", "stanford_fcn32s"]
)
def test_a_data_set_needs_its_folder(name, tmp_path, capsys):
    assert train.main([name, "--workdir", str(tmp_path / "runs")]) == 2
    assert "give their folder with --data DIR" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert train.main([name, "--workdir", str(tmp_path / "runs"), "--data", str(empty)]) == 2
    message = capsys.readouterr().err
    assert str(empty) in message
    assert message.count("\n") == 1
    assert not (tmp_path / "runs").exists()


# Every recipe that no other starts from: training it trains all the others.
LAST = sorted(set(recipes.RECIPES) - {s for r in recipes.RECIPES.values() for s in r.sources.values()})


@pytest.fixture
def tiny(monkeypatch):
    """Nets of five convolutions on three scenes: what takes time is TensorFlow's tracing of every layer."""

    def narrowed(recipe, width):
        return replace(recipe, model_options={**recipe.model_options, "channels": TINY}, imagenet=False)

    monkeypatch.setattr(overrides, "narrowed", narrowed)
    monkeypatch.setattr(sources, "SCENES", {"train": (3, 1), "val": (2, 2)})


# On drawn scenes it is a run of the same decisions as the other: their data sets alone differ.
SAME = {"context_fcn8s": "voc_fcn8s"}


@pytest.mark.parametrize(("name", "other"), SAME.items())
def test_what_is_not_run_on_its_stand_in_is_the_same_as_what_is(name, other):
    def decisions(name):
        for recipe in recipes.chain(name, Overrides(stand_in=True, width=0.125)):
            found = describe(recipe)
            found["model_options"].pop("mean", None)  # VOC's, which is the default
            yield {key: found[key] for key in set(found) - {"name", "init_from", "steps", "steps_per_epoch"}}

    assert list(decisions(name)) == list(decisions(other))


@pytest.fixture
def eagerly():
    """Run without graphs: of a single step, tracing is nearly all the time. Others, test_train.py's too, run them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("tiny", "eagerly")
@pytest.mark.parametrize("name", [n for n in LAST if not n.startswith(("synthetic", "folder", "camvid", *SAME))])
def test_every_recipe_runs_on_its_stand_in(name, tmp_path, capsys):
    options = ["--stand-in", "--width", "0.125", "--steps", "1", "--quiet"]
    assert train.main([name, "--workdir", str(tmp_path), *options]) == 0
    said = capsys.readouterr().out
    for recipe in recipes.chain(name):
        assert f"{recipe.name}: mean IU" in said
        lists = sorted(path.name for path in (tmp_path / recipe.name).glob("classes*.txt"))
        heads = ["classes_geo.txt", "classes_sem.txt"] if sources.has_two_heads(recipe.data) else []
        assert lists == ["classes.txt", *heads]
    if recipe.dtype_policy != "float32":  # the best is for scoring and export, the last for going on
        best, last = (keras.saving.load_model(tmp_path / name / f"{which}.keras") for which in ("best", "last"))
        assert {layer.compute_dtype for layer in best.layers} == {"float32"}
        assert last.get_layer("fc6").compute_dtype == recipe.dtype_policy.removeprefix("mixed_")
        for ours, theirs in zip(best.get_weights(), last.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("tiny")
def test_a_stopped_run_goes_on_amid_accumulated_gradients(tmp_path, monkeypatch):
    """Four images make an update, and epochs of three end amid them."""
    recipe = recipes.RECIPES["voc_paper_fcn32s"]
    patched = replace(recipe, accumulate=4, learning_rate=0.1, steps=9, steps_per_epoch=3)
    monkeypatch.setitem(recipes.RECIPES, recipe.name, patched)
    options = ["voc_paper_fcn32s", "--stand-in", "--width", "0.125", "--quiet", "--workdir"]
    assert train.main([*options, str(tmp_path / "whole")]) == 0
    save = callbacks.Checkpoint.on_epoch_end

    def stop(self, epoch, logs=None):
        save(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Checkpoint, "on_epoch_end", stop)
        assert train.main([*options, str(tmp_path / "stopped")]) == 130
    assert train.main([*options, str(tmp_path / "stopped")]) == 0
    ours, theirs = (
        keras.saving.load_model(tmp_path / run / "voc_paper_fcn32s" / "last.keras") for run in ("stopped", "whole")
    )
    assert theirs.optimizer.iterations == 2  # of nine images, the last waits
    assert np.abs(theirs.get_layer("score_fr").get_weights()[0]).max() > 0
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)
    log = (tmp_path / "stopped" / "voc_paper_fcn32s" / "log.csv").read_text()
    assert [row.partition(",")[0] for row in log.splitlines()] == ["epoch", "0", "1", "2"]


def test_the_narrow_net_of_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SCENES", {"train": (1, 1), "val": (1, 2)})
    options = ["--stand-in", "--width", "0.015625", "--steps", "1", "--quiet"]
    assert train.main(["voc_fcn32s_fixed", "--workdir", str(tmp_path), *options]) == 0
    model = keras.saving.load_model(tmp_path / "voc_fcn32s_fixed" / "best.keras")
    assert model.get_layer("fc6").filters == 64
    assert model.optimizer.iterations == 1
