"""A best net is scored on other images as an epoch would have been."""

import pytest

from tests.attacks.kills import rows
from tests.training.workdir.tiny_recipe import NAME, use_tiny_recipe
from training.recipes import catalogue
from training.train import command as train
from training.train.rescoring import rescored
from training.workdir.run_record import RunRecord
from training.workdir.stage import Stage


def test_the_score_is_that_of_its_epoch(eagerly, tmp_path, monkeypatch):
    use_tiny_recipe(monkeypatch)
    assert train.main([NAME, "--workdir", str(tmp_path), "--quiet", "--no-watchdog"]) == 0
    stage, recipe = Stage(tmp_path / NAME), catalogue.RECIPES[NAME]
    run = RunRecord.of(stage).id
    again = rescored(recipe, stage, recipe.data(None, "val"), run, 2)
    row = rows(stage.log)[again["best"]]
    assert again["epochs"] == 2
    assert again["mean_iu"] == pytest.approx(float(row["val_confusion_mean_iu"]), abs=1e-6)
    assert set(again["logs"]) == {name for name in row if name.startswith("val_")}
    assert all(again["logs"][name] == pytest.approx(float(row[name]), rel=1e-4) for name in again["logs"])
    assert rescored(recipe, stage, recipe.data(None, "train"), "another", 2)["best"] is None
