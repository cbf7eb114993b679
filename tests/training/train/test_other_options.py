"""Where options differ, the commands below the line can be given as they are."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.train.found import Found
from training.train.other_options import other_options
from training.workdir.stage import Stage

GIVEN = ["--data", "photos", "--minutes", "3"]
PLACES = {"kept_in": Path("runs/before_1"), "other": Path("runs_2")}


def error(folder, given, options, *, extend=False, **decisions):
    (folder / "one").mkdir(parents=True, exist_ok=True)
    (folder / "one" / "recipe.json").write_text(json.dumps({"decisions": decisions}))
    found = Found(SimpleNamespace(name="one"), Stage(folder / "one"), options=options)
    return other_options(found, given, extend=extend, **PLACES)


def test_three_lines_name_what_differs_and_what_can_be_given(tmp_path):
    told = error(tmp_path, GIVEN, {"minutes": (1.0, 3.0)})
    assert (
        str(told)
        == f"{tmp_path}/one holds a run of other options: minutes: 1 there, 3 now. Or choose another --workdir."
    )
    command = "fcn-train --data photos --minutes 3"
    anew = f"Anew, with this one kept in runs/before_1: {command} --if-changed anew"
    assert told.below == [f"For longer: {command} --extend", anew]
    assert error(tmp_path, GIVEN, {"seed": (1, 2)}).below == [anew, f"Beside it: {command} --workdir runs_2"]


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], "--weights /w.npz --weights-preprocessing torch"),
        (["--weights", "/w.npz"], "--weights /w.npz --weights-preprocessing torch"),
        (["--weights=/w.npz", "--weights-preprocessing", "caffe"], "--weights-preprocessing caffe --weights /w.npz"),
        (["--weights", "/other.npz"], "--weights /other.npz"),
    ],
)
def test_the_weights_that_the_run_needs_are_named(tmp_path, given, added):
    decisions = {"weights": "/w.npz", "weights_preprocessing": "torch"}
    for below in error(tmp_path, given, {"seed": (1, 2)}, **decisions).below:
        assert added in below.replace(" --if-changed anew", "").replace(" --workdir runs_2", "")


def test_a_run_that_was_trained_on_needs_the_weights_of_the_first(tmp_path):
    before = tmp_path / "before_1" / "one"
    before.mkdir(parents=True)
    (before / "recipe.json").write_text(
        json.dumps({"decisions": {"weights": "/w.npz", "weights_preprocessing": "torch"}})
    )
    told = error(tmp_path, GIVEN, {"seed": (1, 2)}, weights=str(before / "best.keras"), weights_preprocessing=None)
    assert all("--weights /w.npz --weights-preprocessing torch" in below for below in told.below)
