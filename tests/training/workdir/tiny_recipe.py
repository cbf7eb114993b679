"""A recipe of four drawn scenes that takes seconds, for the tests that stop it and go on."""

import pytest

from fcn_keras.datasets.synthetic import Synthetic
from training.recipes import catalogue as recipes

NAME = "synthetic_fcn32s"  # which it stands in for
TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)


def use_tiny_recipe(patch, **changes):
    """Put it, with the changes, in the catalogue for as long as `patch`, a `pytest.MonkeyPatch`, lasts."""
    tiny = {"data": _scenes, "model_options": {"channels": TINY, "dropout": 0.5}, "validation_images": 2}
    sizes = {"steps": 4, "steps_per_epoch": 2, "batch_size": 2}
    recipe = recipes.replace(recipes.RECIPES[NAME], **{**tiny, **sizes, **changes})
    patch.setitem(recipes.RECIPES, NAME, recipe)


def whole_run(folder, run, **changes):
    """Train the recipe in a folder without a stop, by the function `run`; return the stage's folder."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_recipe(patch, **changes)
        assert run(folder) == 0
    return folder / NAME


def _scenes(directory, split):
    return Synthetic(4, seed={"train": 1, "val": 2}[split], height=32, width=40)
