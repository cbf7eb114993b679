"""`fcn-bound`: its table, its JSON, and what a user reads when it fails."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras.datasets.folder import Folder
from tests.training import tiny
from tests.training.tiny import data_set, write
from training.bound.coarse_labels import bound, mean_iu
from training.bound.command import main
from training.recipes import readers

error_of = partial(tiny.error_of, main)


def test_the_command_and_its_json(tmp_path, capsys):
    folder = data_set(tmp_path, 4)
    arguments = ["--data", str(folder), "--classes", "4", "--factors", "2", "1"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f"Bound on mean IU of {folder}, val: 3 images, in percent"
    assert out.splitlines()[-1].split() == ["1", "100.00"]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["data"], report["split"], report["images"]) == (str(folder), "val", 3)
    expected = bound(Folder(folder, "val", classes=4), [2])[""][2]
    assert report["mean_iu"] == {"2": mean_iu(expected)[0], "1": 1.0}
    assert list(report["per_class_iu"]["2"]) == ["0", "1", "2", "3"]


def test_a_folder_that_is_not_divided_is_taken_whole_and_that_is_told(tmp_path, capsys):
    folder = data_set(tmp_path, 4) / "val"
    assert main(["--data", str(folder), "--classes", "4", "--factors", "1"]) == 0
    told = f"Bound on mean IU of {folder}: all 3 images, as it is not divided, in percent"
    assert capsys.readouterr().out.splitlines()[0] == told


def test_recipes_and_finer_outputs(capsys, monkeypatch):
    monkeypatch.setitem(readers.SCENES, "val", (6, 2))
    assert main(["--recipe", "synthetic_fcn8s", "--json", "--factors", "64", "16", "4"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["recipe"], report["data"], report["split"]) == ("synthetic_fcn8s", None, "val")
    coarse, middle, fine = report["mean_iu"].values()
    assert coarse < middle < fine < 1


def test_ones_own_folder_needs_no_tensorflow(tmp_path):
    folder = data_set(tmp_path, 4)
    code = "import sys; from training.bound import main; main(); print({'keras', 'tensorflow'} & set(sys.modules))"
    options = ["--data", str(folder), "--classes", "4", "--factors", "1"]
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, cwd=root)
    assert done.stdout.split()[-2:] == ["100.00", "set()"], done.stderr


def test_what_cannot_be_counted(tmp_path, capsys):
    folder = data_set(tmp_path / "data", 4)
    options = ["--data", folder, "--classes", 4]
    assert "--factors is at least 1. Received: 0." in error_of(capsys, *options, "--factors", 4, 0)
    assert "Nothing says which images: say --data DIR, or --recipe NAME." in error_of(capsys)
    assert "gone is not a folder. Name the data set's folder." in error_of(capsys, "--data", tmp_path / "gone")
    assert "has no split 'test'" in error_of(capsys, *options, "--split", "test")
    write(folder / "val" / "labels" / "1.png", np.full((1, 1), 9, np.uint8))
    assert "Received: [9] in" in error_of(capsys, *options)


def test_what_is_left_alone_ends_the_output(tmp_path, capsys):
    folder = data_set(tmp_path, 4)
    for name in ("images/x.cr3", "labels/.DS_Store", "labels/notes.md"):
        (folder / "val" / name).touch()
    arguments = ["--data", str(folder), "--classes", "4", "--factors", "1"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Left alone: 1 .cr3, 1 .md, 1 hidden file."
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_alone"] == {".cr3": 1, ".md": 1, "hidden file": 1}
    (folder / "val").rename(folder / "Validation")
    assert main([*arguments, "--split", "val"]) == 0
    assert ", val: 3 images" in capsys.readouterr().out
