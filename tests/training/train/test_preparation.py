"""What is trained is chosen by what the workdir holds; another data set's run there is told by its name."""

import json

import pytest

from tests.training.train.own_photos import draw, write_photos
from tests.training.train.test_planning import calls, photos  # noqa: F401
from training.train import command as train

pytestmark = pytest.mark.usefixtures("eagerly")


def run(*arguments):
    return train.main(["--no-watchdog", "--quiet", *map(str, arguments)])


def test_another_data_sets_run_is_told(photos, tmp_path, calls, capsys):  # noqa: F811
    """In minutes, where the folder here is divided and that there is not, too: it is the folder that differs."""
    assert run("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 1) == 0
    write_photos(tmp_path / "divided")
    draw(tmp_path, range(6), "undivided")
    for name, told in [
        (
            "divided",
            f"divided is not what it was for {tmp_path / 'runs' / 'quick_fcn8s_head'} (trained on {photos}: for",
        ),
        ("undivided", f"holds a run of other options: data: {photos} there, {tmp_path / 'undivided'} now."),
    ]:
        capsys.readouterr()
        assert run("--data", tmp_path / name, "--workdir", tmp_path / "runs", "--minutes", 1) == 2
        assert told in capsys.readouterr().err.splitlines()[0]
    assert len(calls) == 1


def test_a_run_in_minutes_tells_other_data_and_plans_anew(photos, tmp_path, calls, capsys):  # noqa: F811
    arguments = ("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 1)
    assert run(*arguments) == 0
    mask = photos / "labels" / "3.png"
    mask.write_bytes((photos / "labels" / "2.png").read_bytes())
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "1 mask changed (3)" in capsys.readouterr().err
    assert run(*arguments, "--if-changed", "anew") == 0
    assert len(calls) == 2
    kept = tmp_path / "runs" / "before_1"
    assert sorted(path.name for path in kept.iterdir()) == ["quick_fcn8s", "quick_fcn8s_head"]
    # The last stage is gone: what is left of the run is not taken for one of other data.
    (tmp_path / "runs" / "quick_fcn8s_head" / "recipe.json").unlink()
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "quick_fcn8s_head/recipe.json, which says what was trained there, is lost" in capsys.readouterr().err


def test_a_plan_of_which_nothing_was_trained_is_made_anew(photos, tmp_path, calls, monkeypatch, capsys):  # noqa: F811
    from training.features.views import Views

    arguments = ("--data", photos, "--workdir", tmp_path / "runs", "--minutes", 1)
    with monkeypatch.context() as patch:

        def stop(self, *rest):
            raise KeyboardInterrupt

        patch.setattr(Views, "_write", stop)
        assert run(*arguments) == 130
    mask = photos / "labels" / "3.png"
    mask.write_bytes((photos / "labels" / "2.png").read_bytes())
    capsys.readouterr()
    assert run(*arguments) == 0
    assert "1 mask changed (3). Nothing was trained: it is planned anew." in capsys.readouterr().err
    assert len(calls) == 2
    record = json.loads((tmp_path / "runs" / "quick_fcn8s" / "recipe.json").read_text())["run"]
    assert list(record["starts_from"]) == ["quick_fcn8s_head"]
