"""The one script that shows all of serving: train, export, serve, ask, change the version under load, stop."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from serving.export import command as export
from training.train import command as train

PATH = Path(__file__).resolve().parents[2] / "examples" / "serving.py"


@pytest.mark.early
def test_no_request_fails_while_the_version_changes(tmp_path, capfd):
    spec = importlib.util.spec_from_file_location("serving_show", PATH)
    show = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(show)
    show.ASKERS, show.PAUSE = 1, 0.2  # exporting meanwhile takes half the time
    commands = {
        "fcn-train": train.main,
        "fcn-export": export.main,
    }  # in this process, which has TensorFlow; not fcn-serve
    show.command = lambda name, *arguments: commands[name]([str(word) for word in arguments])
    assert show.main([str(tmp_path / "show")]) == 0
    said = capfd.readouterr().out
    first, second = map(int, re.search(r"(\d+) answers from version 1, (\d+) from version 2, 0 failed", said).groups())
    assert first >= 1
    assert second >= show.ENOUGH
    assert sorted(path.name for path in (tmp_path / "show" / "models" / "scenes").iterdir()) == ["1", "2"]


def test_a_command_is_the_installed_one_and_its_failure_ends_the_show(tmp_path, capfd):
    spec = importlib.util.spec_from_file_location("serving_show", PATH)
    show = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(show)
    assert Path(show.words("fcn-train")[0]).parent == Path(sys.executable).parent
    with pytest.raises(SystemExit, match="fcn-kit failed"):
        show.command("fcn-kit", "--no-such-option", tmp_path)
    assert "fcn-kit: " in capfd.readouterr().err


def test_a_failure_or_a_strange_answer_is_no_success():
    spec = importlib.util.spec_from_file_location("serving_show", PATH)
    show = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(show)

    class Load:
        answers, failures = {"a": 5, "b": 30}, []

    assert show.verdict(Load, ["a", "b"], 1) == 0
    assert show.verdict(Load, ["a", "c"], 1) == 1
    Load.failures = ["http://host: timed out"]
    assert show.verdict(Load, ["a", "b"], 1) == 1
