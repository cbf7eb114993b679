"""A run that was begun before images were held out by `hold_out.divide` goes on as it was begun.

`begun_before.tar.xz` was made by the commit before that rule, with the options of `OPTIONS`: the folder of a stage that
SIGTERM stopped after its third batch of four, and the log that the same commit wrote when it went on from there.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.folder import Folder
from training.evaluate import command as evaluate
from training.hold_out import divide
from training.recipes import readers
from training.report import command as report
from training.train import command as train
from training.train import planning
from training.train.plan import HELD_OUT

FILES = Path(__file__).with_name("begun_before.tar.xz")
WIDTH = ("--width", "0.002")
OPTIONS = ("--classes", "2", "--model", "fcn32s", *WIDTH, "--steps", "4", "--steps-per-epoch", "2")
VALIDATED = ("8", "9")  # by the old rule


def photographs(folder):
    """Write ten images of 12x16 and their masks, always the same."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    rows, columns = np.mgrid[:12, :16]
    for number in range(10):
        label = (rows * (number + 3) + columns * 5) % 7 > number % 5
        image = np.stack([label * 150 + rows * 3, columns * 9, (rows + columns) * (number + 1) % 90], axis=-1)
        Image.fromarray(image.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(label.astype(np.uint8)).save(folder / "labels" / f"{number}.png")
    return folder


def lay_out(folder):
    """Unpack the old run beside its photographs, which lie elsewhere now than where it was begun."""
    data = photographs(folder / "photos")
    shutil.unpack_archive(FILES, folder / "runs")
    settings = folder / "runs" / "folder_fcn32s" / "recipe.json"
    held = json.loads(settings.read_text())
    held["decisions"]["data"] = str(data)
    settings.write_text(json.dumps(held))
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A workdir in which the old run went on to its end, and what `fcn-train` read for it."""
    folder = lay_out(tmp_path_factory.mktemp("begun"))
    opened = []

    class Opened(Folder):
        def __init__(self, directory, split=None, *, ids=None, **options):
            super().__init__(directory, split, ids=ids, **options)
            opened.append(ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "Folder", Opened)
        options = ["--data", folder / "photos", "--workdir", folder / "runs", *OPTIONS, "--learning-rate", "0.05"]
        assert train.main([*map(str, options), "--quiet", "--no-watchdog"]) == 0
    return folder / "runs" / "folder_fcn32s", [ids for ids in opened if ids]


def rows(path):
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_it_trains_and_validates_on_its_own_images(begun):
    _, (trained, validated) = begun
    assert tuple(validated) == VALIDATED
    assert sorted([*trained, *validated]) == list("0123456789")
    assert divide("0123456789", HELD_OUT).isdisjoint(VALIDATED)


def test_it_ends_as_it_would_have_before(begun):
    stage, _ = begun
    ours, theirs = rows(stage / "log.csv"), rows(stage.parent / "finished_log.csv")
    assert len(ours) == len(theirs) == 2
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, rel=1e-4)


def test_other_commands_read_it(begun, capsys):
    stage, _ = begun
    assert evaluate.main([str(stage), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["mean_iu"] == pytest.approx(rows(stage / "log.csv")[0]["val_confusion_mean_iu"], rel=1e-4)
    assert report.main([str(stage.parent), "--quiet"]) == 0
    page = (stage.parent / "report.html").read_text()
    assert "folder_fcn32s" in page


def test_finer_nets_follow_the_run_that_they_start_from(tmp_path):
    assert planning._begun(tmp_path / "runs") is None
    lay_out(tmp_path)
    (tmp_path / "runs" / "folder_fcn16s").mkdir()
    begun = planning._begun(tmp_path / "runs")
    assert "held_out_by" not in begun
    assert begun["held_out"] == 0.2


def test_a_run_on_a_divided_folder_was_begun_too(tmp_path):
    lay_out(tmp_path)
    settings = tmp_path / "runs" / "folder_fcn32s" / "recipe.json"
    held = json.loads(settings.read_text())
    del held["decisions"]["overrides"]["held_out"]
    settings.write_text(json.dumps(held))
    assert planning._begun(tmp_path / "runs") == held["decisions"]["overrides"]
    # One by a recipe was not planned.
    held["decisions"]["overrides"] = {"classes": 2}
    settings.write_text(json.dumps(held))
    assert planning._begun(tmp_path / "runs") is None
