"""The one script that shows all of serving: train, export, serve, ask, change the version under load, stop."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "examples" / "serving.py"


@pytest.fixture
def show():
    spec = importlib.util.spec_from_file_location("serving_show", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leave_what_training_leaves(arguments):
    """Put untrained nets of two kinds in the place of those that `fcn-train` would make with these options."""
    from fcn_keras import FCN16s, FCN32s
    from fcn_keras_console.workdir import StageFiles
    from tests.training.tiny import saved
    from training.recipes.catalogue import RECIPES
    from training.train.options import build_parser

    options = build_parser().parse_args(arguments)
    recipe = RECIPES[options.recipe]
    for stage, network in ((recipe.init_from, FCN32s), (recipe.name, FCN16s)):
        net = network(6, channels=(((4, 1),) * 5, 8))
        saved(net, StageFiles(Path(options.workdir) / stage).best)
    return 0


@pytest.mark.early
def test_no_request_fails_while_the_version_changes(show, tmp_path, capfd):
    from serving.export.command import main as export

    show.ASKERS, show.PAUSE, show.ENOUGH = 1, 0.5, 5  # exporting meanwhile takes half the time
    # In this process, which has TensorFlow. fcn-serve is a process of its own.
    commands = {"fcn-train": leave_what_training_leaves, "fcn-export": export}
    show.command = lambda name, *arguments: commands[name]([str(word) for word in arguments])
    assert show.main([str(tmp_path / "show")]) == 0
    printed = capfd.readouterr().out
    outcome = re.search(r"(\d+) answers from version 1, (\d+) from version 2, 0 failed", printed)
    first, second = map(int, outcome.groups())
    assert first >= 1
    assert second >= show.ENOUGH
    assert sorted(path.name for path in (tmp_path / "show" / "models" / "scenes").iterdir()) == ["1", "2"]


def test_a_command_is_the_installed_one_and_its_failure_ends_the_show(show, tmp_path, capfd):
    assert Path(show.words("fcn-train")[0]).parent == Path(sys.executable).parent
    with pytest.raises(SystemExit, match="fcn-kit failed"):
        show.command("fcn-kit", "--no-such-option", tmp_path)
    assert "fcn-kit: " in capfd.readouterr().err


def test_a_failure_or_a_strange_answer_is_no_success(show):
    class Load:
        answers, failures = {"a": 5, "b": 30}, []

    assert show.verdict(Load, ["a", "b"], 1) == 0
    assert show.verdict(Load, ["a", "c"], 1) == 1
    Load.failures = ["http://host: timed out"]
    assert show.verdict(Load, ["a", "b"], 1) == 1
