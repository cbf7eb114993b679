"""A run is trained for longer: by steps from its last checkpoint, in minutes from its best net."""

import json
import shutil

import pytest

from tests.attacks.kills import arrays, differences, rows
from tests.training.quick_small import make_quick_small
from tests.training.train.own_photos import run, use_folder_recipe, write_photos
from tests.training.train.test_planning import photos  # noqa: F401
from tests.training.workdir.tiny_recipe import NAME
from training.recipes import catalogue
from training.train import budget, measurement
from training.train import command as train

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def constant(monkeypatch):
    """A learning rate that does not depend on the number of steps."""
    use_folder_recipe(monkeypatch, final_learning_rate=1.0)


def train_on_photos(folder, *options):
    if not (folder / "photos").exists():
        write_photos(folder / "photos")
    return run(folder, *options)


def test_four_steps_and_four_more_are_eight_bit_for_bit(tmp_path, constant, capsys):
    for name in ("whole", "longer"):
        (tmp_path / name).mkdir()
    assert train_on_photos(tmp_path / "whole", "--steps", 8) == 0
    longer = tmp_path / "longer"
    assert train_on_photos(longer, "--steps", 4) == 0
    shutil.copytree(longer, tmp_path / "refused")
    capsys.readouterr()
    assert run(longer, "--steps", 8, "--extend") == 0
    said = capsys.readouterr().out
    assert f"{NAME}: trained for longer: steps: 4 there, 8 now\n" in said
    assert f"{NAME}: going on after batch 4 of 8" in said
    stage, whole = (tmp_path / name / "runs" / NAME for name in ("longer", "whole"))
    assert differences(stage, whole) == []
    (change,) = json.loads((stage / "recipe.json").read_text())["extended"]
    assert (change["after_batch"], change["before"]) == (4, {"steps": 4})
    assert run(longer, "--steps", 7, "--extend") == 0  # whole epochs of two steps: eight
    assert "finished before" in capsys.readouterr().out


def test_an_extended_run_that_is_stopped_goes_on(tmp_path, constant):
    from tests.training.stops import stop_at

    assert train_on_photos(tmp_path, "--steps", 2) == 0
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "on_train_batch_end", 1)
        assert run(tmp_path, "--steps", 6, "--extend") == 143
    assert run(tmp_path, "--steps", 6, "--extend") == 0
    assert len(rows(tmp_path / "runs" / NAME / "log.csv")) == 3
    assert len(json.loads((tmp_path / "runs" / NAME / "recipe.json").read_text())["extended"]) == 1


def test_a_cosine_goes_on_as_that_of_all_steps(tmp_path, monkeypatch, capsys):
    use_folder_recipe(monkeypatch, final_learning_rate=0.05)
    assert train_on_photos(tmp_path, "--steps", 2) == 0
    before = arrays(tmp_path / "runs" / NAME / "last.keras")
    assert run(tmp_path, "--steps", 6, "--extend") == 0
    assert "the learning rate goes on as in a run of 6 steps" in capsys.readouterr().out
    from training.train.command import _load

    model = _load(tmp_path / "runs" / NAME / "last.keras")
    assert model.optimizer._learning_rate.decay_steps == 6
    assert before.keys() == arrays(tmp_path / "runs" / NAME / "last.keras").keys()


def test_other_options_are_said_with_the_commands_for_them(tmp_path, constant, capsys):
    assert train_on_photos(tmp_path, "--steps", 2) == 0
    capsys.readouterr()
    assert run(tmp_path, "--steps", 4) == 2
    said, longer, anew = capsys.readouterr().err.splitlines()
    runs = tmp_path / "runs"
    assert said == (
        f"fcn-train: {runs / NAME} holds a run of other options: steps: 2 there, 4 now. Or choose another --workdir."
    )
    assert longer.startswith("For longer: fcn-train ")
    assert longer.endswith("--steps 4 --extend")
    assert anew.startswith(f"Anew, with this one kept in {runs / 'before_1'}: fcn-train ")
    assert anew.endswith("--steps 4 --if-changed anew")
    for options, said in [
        (("--steps", 4, "--seed", 3), "seed: 1337 there, 3 now"),
        (("--steps", 4, "--seed", 3, "--extend"), "--extend goes with more steps, minutes and patience alone.\nAnew"),
        (("--steps", 1, "--steps-per-epoch", 1, "--extend"), "--steps 1 is fewer"),
    ]:
        assert run(tmp_path, *options) == 2
        assert said in capsys.readouterr().err
    assert run(tmp_path, "--steps", 4, "--if-changed", "anew") == 0
    assert len(rows(tmp_path / "runs" / NAME / "log.csv")) == 2
    assert len(rows(tmp_path / "runs" / "before_1" / NAME / "log.csv")) == 1
    (tmp_path / "runs" / NAME / "last.keras").unlink()
    (tmp_path / "runs" / NAME / "previous.keras").unlink()
    assert run(tmp_path, "--steps", 8, "--extend") == 2
    assert "last.keras, from which" in capsys.readouterr().err


def test_nothing_to_extend(tmp_path, constant, capsys):
    write_photos(tmp_path / "photos")
    assert run(tmp_path, "--extend", "--steps", 4) == 2
    assert "holds no run of synthetic_fcn32s that could be trained for longer" in capsys.readouterr().err
    assert run(tmp_path, "--extend") == 2
    assert "--extend goes with how long" in capsys.readouterr().err


def test_in_minutes_a_run_starts_from_the_best_net_of_the_one_before(photos, tmp_path, monkeypatch, capsys):  # noqa: F811
    make_quick_small(monkeypatch, catalogue, budget, measurement)
    monkeypatch.setattr(budget, "DRAWS", 1)
    arguments = ["--no-watchdog", "--quiet", "--data", str(photos), "--workdir", str(tmp_path / "runs"), "--minutes"]
    assert train.main([*arguments, "1"]) == 0
    capsys.readouterr()
    assert train.main([*arguments, "2"]) == 2
    line = capsys.readouterr().err
    assert "minutes: 1 there, 2 now. Or choose another --workdir.\nFor longer: fcn-train" in line
    assert train.main([*arguments, "2", "--extend"]) == 0
    kept = tmp_path / "runs" / "before_1" / "quick_fcn8s" / "best.keras"
    assert f"quick_fcn8s_head: 5 steps, starting from {kept}" in capsys.readouterr().out
    decided = json.loads((tmp_path / "runs" / "quick_fcn8s" / "recipe.json").read_text())["decisions"]
    assert decided["weights"] == str(kept.resolve())
    for options in (["2"], []):
        assert train.main([*(arguments if options else arguments[:-1]), *options]) == 0
        assert capsys.readouterr().out.count("finished before") == 2
