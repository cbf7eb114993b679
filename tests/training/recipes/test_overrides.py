"""What a run changes in its recipes."""

import json
from functools import partial

import numpy as np
import pytest

from training.recipes.catalogue import RECIPES, chain, find
from training.recipes.overrides import Overrides


def test_options_become_values():
    changed = find("folder_fcn8s", Overrides(classes=4, steps=10))
    assert isinstance(changed.data, partial)
    assert (changed.steps, changed.steps_per_epoch) == (10, 10)
    shorter = find("camvid_fcn16s", Overrides(steps=80))  # its own epochs of 50 do not fit
    assert (shorter.steps, shorter.steps_per_epoch) == (80, 40)
    assert find("folder_fcn8s").steps == RECIPES["folder_fcn8s"].steps


def test_width_multiplies_the_channels():
    recipe = find("voc_fcn32s", Overrides(width=0.125))
    assert recipe.model_options["channels"] == ((((8, 2), (16, 2), (32, 3), (64, 3), (64, 3))), 512)
    assert not recipe.imagenet
    assert find("voc_fcn32s", Overrides(width=1)).imagenet
    for width in (0, 1.5):
        with pytest.raises(ValueError, match=rf"`width` is above 0, at most 1. Received: {width}"):
            find("voc_fcn32s", Overrides(width=width))


def test_stand_ins_have_the_heads_of_the_data_set():
    assert find("voc_fcn32s", Overrides(stand_in=True)).data(None, "val").num_classes == 8
    assert find("sift_flow_fcn8s", Overrides(stand_in=True)).data(None, "val").num_classes == {
        "sem": 8,
        "geo": 3,
    }


def test_a_stage_may_have_values_of_its_own():
    own = Overrides(steps=30, steps_per_epoch=10)
    overrides = Overrides(seed=5, steps=8, stages={"folder_fcn32s": own})
    coarse, *finer = chain("folder_fcn8s", overrides)
    assert (coarse.steps, coarse.steps_per_epoch, coarse.seed) == (30, 10, 5)
    assert [(recipe.steps, recipe.seed) for recipe in finer] == [(8, 5), (8, 5)]
    written = {"seed": 5, "steps": 8, "stages": {"folder_fcn32s": {"steps": 30, "steps_per_epoch": 10}}}
    assert json.loads(json.dumps(overrides.as_json())) == written
    assert Overrides().as_json() == {}


def test_a_crop_comes_after_the_recipes_own_augmentation():
    recipe = find("folder_fcn32s", Overrides(crop=[8, 6]))
    image = np.zeros((20, 30, 3), "float32")
    example = recipe.augment({"image": image, "label": np.zeros((20, 30), "int32")}, [1, 2])
    assert example["image"].shape == (8, 6, 3)


def test_names_become_functions():
    given = Overrides(optimizer="adamw", weight_decay=0.1, augment=["scale", "cutmix"], batch_size=2, crop=[8, 6])
    recipe = find("folder_fcn32s", given)
    assert recipe.optimizer(1e-3).decay == 0.1
    example = recipe.augment({"image": np.zeros((20, 30, 3), "float32"), "label": np.zeros((20, 30), "int32")}, [1, 2])
    assert example["image"].shape == (8, 6, 3)
    assert recipe.mix.__name__ == "cutmix"
    assert json.loads(json.dumps(given.as_json())) == given.as_json()
    bare = find("folder_fcn32s", Overrides(augment=["none"]))
    assert (bare.augment, bare.mix, bare.optimizer) == (None, None, RECIPES["folder_fcn32s"].optimizer)


def test_how_a_recipe_descends():
    values = {"warm_up": 5, "clip": 1.0, "ema": 0.9, "raw_scores": True, "patience": 3, "rate_factors": {"conv": 0.1}}
    values |= {"loss": "focal", "label_smoothing": 0.0, "hardest": 1.0}
    recipe = find("folder_fcn32s", Overrides(**values))
    assert {name: getattr(recipe, name) for name in values} == values
    coarse, finer, _ = chain("folder_fcn8s", Overrides(stages={"folder_fcn16s": Overrides(ema=0.5)}))
    assert (coarse.ema, finer.ema) == (None, 0.5)


def test_a_decay_is_refused_where_the_optimizer_has_none():
    with pytest.raises(ValueError, match="folder_fcn32s descends by Adam"):
        find("folder_fcn32s", Overrides(weight_decay=0.1))


def test_a_folder_with_hha_is_ones_own_too(tmp_path):
    data = find("quick_fcn8s_rgb_hha", Overrides(classes=3, held_out=0.2)).data
    assert (data.func.__name__, data.keywords) == ("folder_with_hha", {"classes": 3, "held_out": 0.2})


def test_only_ones_own_folder_takes_classes():
    with pytest.raises(ValueError, match="voc_fcn8s knows how its data is read: leave out --classes, --ignore-label"):
        find("voc_fcn8s", Overrides(classes=3, ignore_label=9))
