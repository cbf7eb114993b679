"""The recipes by name, and every one of them run by the real command on drawn scenes with a tiny net."""

import json
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.datasets.synthetic import Synthetic
from training.recipes import catalogue as recipes
from training.recipes import overrides
from training.recipes import readers as sources
from training.recipes.overrides import Overrides
from training.recipes.recipe import describe
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


def test_unknown_names_are_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"No recipe is called 'fcn9s'\. There are: synthetic_fcn32s, "):
        recipes.find("fcn9s")


def test_what_is_trained_before():
    names = [recipe.name for recipe in recipes.chain("nyud_fcn16s_rgb_hha")]
    assert names == ["nyud_fcn32s_rgb", "nyud_fcn32s_hha", "nyud_fcn32s_rgb_hha", "nyud_fcn16s_rgb_hha"]
    assert [recipe.name for recipe in recipes.chain("voc_fcn8s")] == ["voc_fcn32s", "voc_fcn16s", "voc_fcn8s"]


def test_two_backbones_in_minutes():
    """As with one backbone, but for the second one: the same layers stand still, and the maps of both are kept."""
    fused, single = (recipes.chain(f"quick_fcn8s{end}") for end in ("_rgb_hha", ""))
    assert [recipe.name for recipe in fused] == ["quick_fcn8s_rgb_hha_head", "quick_fcn8s_rgb_hha"]
    for ours, theirs in zip(fused, single, strict=True):
        network = ours.model(3, **{**ours.model_options, "channels": TINY})
        assert {"fuse_pool4", "fuse_pool3"} <= {layer.name for layer in network.layers}
        still = {layer.name for layer in network.layers if layer.name.startswith(ours.frozen) and layer.weights}
        alone = theirs.model(3, **{**theirs.model_options, "channels": TINY})
        expected = {layer.name for layer in alone.layers if layer.name.startswith(theirs.frozen) and layer.weights}
        assert still == {name + suffix for name in expected for suffix in ("color", "hha")}
        assert set(ours.kept_maps) == {name + suffix for name in theirs.kept_maps for suffix in ("color", "hha")}
        assert set(ours.kept_maps) <= {layer.name for layer in network.layers}
        assert (ours.imagenet, ours.views, ours.learning_rate) == (True, theirs.views, theirs.learning_rate)


# Every recipe that no other starts from: training it trains all the others.
LAST = sorted(set(recipes.RECIPES) - {s for r in recipes.RECIPES.values() for s in r.sources.values()})


@pytest.fixture
def tiny(monkeypatch):
    """Nets of five convolutions on three scenes: what takes time is TensorFlow's tracing of every layer."""

    def narrowed(recipe, width):
        # A finer net has the augmentation of those that it starts from: it is traced once a chain.
        augment = recipe.augment if recipe.name in LAST else None
        options = {**recipe.model_options, "channels": TINY}
        if options.get("padding") != "caffe":  # which is made for one kernel
            options["fc6_kernel"] = 1
        views = recipe.views and 2
        return replace(recipe, model_options=options, augment=augment, imagenet=False, views=views)

    monkeypatch.setattr(overrides, "narrowed", narrowed)
    monkeypatch.setattr(sources, "SCENES", {"train": (3, 1), "val": (2, 2)})


# On drawn scenes it is a run of the same decisions as the other: their data sets alone differ.
COARSER = ("quick_fcn32s_rgb_hha", "quick_fcn16s_rgb_hha")  # than one that is run
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
def eagerly(monkeypatch):
    """Run without graphs and on the smallest scenes: of a single step, tracing is nearly all the time."""
    monkeypatch.setattr(sources, "SCENES", {"train": (1, 1), "val": (1, 2)})
    monkeypatch.setattr(sources, "Synthetic", partial(Synthetic, height=48, width=64))
    monkeypatch.setattr(keras.callbacks, "TensorBoard", lambda *_, **__: keras.callbacks.Callback())
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("tiny", "eagerly")
@pytest.mark.parametrize(
    "name", [n for n in LAST if not n.startswith(("synthetic", "folder", "camvid", *SAME, *COARSER))]
)
def test_every_recipe_runs_on_its_stand_in(name, tmp_path, capsys):
    options = ["--stand-in", "--width", "0.125", "--steps", "1", "--quiet"]
    if recipes.RECIPES[name].buckets:
        options += ["--buckets", "64x64"]
    assert train.main([name, "--workdir", str(tmp_path), *options]) == 0
    printed = capsys.readouterr().out
    for recipe in recipes.chain(name):
        assert f"{recipe.name}: mean IU" in printed
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
    monkeypatch.setattr(sources, "SCENES", {"train": (3, 1), "val": (1, 2)})
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
    model = keras.saving.load_model(tmp_path / "voc_fcn32s_fixed" / "last.keras")
    assert model.get_layer("fc6").filters == 64
    assert model.optimizer.iterations == 1
