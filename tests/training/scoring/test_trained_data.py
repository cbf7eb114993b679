"""What scores a net says where its images are not those of the run that trained it."""

import json
import shutil

import pytest

from tests.training.train.own_photos import draw, run, use_folder_recipe, write_photos
from tests.training.workdir.tiny_recipe import NAME
from training.evaluate import command as evaluate
from training.report import command as report


@pytest.fixture
def trained(eagerly, tmp_path, monkeypatch):
    use_folder_recipe(monkeypatch)
    write_photos(tmp_path / "photos")
    assert run(tmp_path) == 0
    return tmp_path


def evaluated(capsys, *arguments):
    capsys.readouterr()
    assert evaluate.main([*map(str, arguments), "--quiet"]) == 0
    return capsys.readouterr().out.splitlines()


def test_images_that_changed_since_are_noted(trained, capsys):
    stage = trained / "runs" / NAME
    same = evaluated(capsys, stage)
    assert not any("not the images" in line for line in same)
    draw(trained / "photos", [7], "val")
    note = f"These are not the images and masks of the run in {stage}: val: 1 image more (7)."
    assert evaluated(capsys, stage)[-1] == note
    assert json.loads("\n".join(evaluated(capsys, stage, "--json")))["data_notes"] == [note]
    assert "images and masks of the run" not in evaluated(capsys, stage, "--split", "train")[-1]
    shutil.copytree(trained / "photos", trained / "elsewhere")  # other data by its name, of which nothing is said
    assert "images and masks of the run" not in evaluated(capsys, stage, "--data", trained / "elsewhere")[-1]
    (stage / "data.json").unlink()
    assert "the lost data.json would tell" in evaluated(capsys, stage)[-1]
    assert report.main([str(trained / "runs"), "--quiet"]) == 0
    assert "not the images and masks of the run" in (trained / "runs" / "report.html").read_text()


def test_changes_while_it_was_trained_are_noted(trained, capsys):
    settings = trained / "runs" / NAME / "recipe.json"
    held = json.loads(settings.read_text())
    again = {"epochs": 1, "best": 0, "mean_iu": 0.125, "logs": {}}
    what = {"val": "1 mask changed (4)"}
    held["run"]["changes"] = [{"after_batch": 2, "what": what, "data": {}, "rescored": again}]
    settings.write_text(json.dumps(held))
    said = "was trained on other data up to batch 2 (val: 1 mask changed (4))."
    assert evaluated(capsys, settings.parent)[-1].endswith(said)
    assert report.main([str(trained / "runs"), "--quiet"]) == 0
    page = (trained / "runs" / "report.html").read_text()
    assert "the data changed after batch 2: val: 1 mask changed (4)." in page
    assert "has a mean IU of 12.50 % on the new ones" in page
