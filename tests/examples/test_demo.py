"""The parts of `make demo` that need no training: what it draws on, and when it fails."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("demo", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_scores_the_scenes_that_training_validates_on(demo):
    drawn = demo.scenes()
    assert len(drawn) == 80
    assert max(demo.PICTURED) < len(drawn)
    assert drawn[0]["image"].shape == (128, 160, 3)


def test_every_net_is_promised_something_and_has_a_recipe(demo):
    from training.recipes.catalogue import chain

    assert tuple(recipe.name for recipe in chain(demo.NETS[-1])) == demo.NETS == tuple(demo.PROMISED)


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ((0.36, 0.54, 0.72), 0, ""),
        ((0.29, 0.54, 0.72), 1, "synthetic_fcn32s reached 0.290, promised 0.3"),
        ((0.7, 0.6, 0.65), 1, "does not rise"),
    ],
)
def test_it_fails_if_the_nets_do_not_reach_what_is_promised(demo, values, code, message, capsys):
    assert demo.verdict(dict(zip(demo.NETS, values, strict=True))) == code
    assert message in capsys.readouterr().err


def test_the_table_is_in_percent(demo):
    result = {"pixel_accuracy": 0.5, "mean_accuracy": 0.25, "mean_iu": 0.125, "fw_iu": 1.0}
    last = demo.tabulate({"synthetic_fcn8s": result}).splitlines()[-1]
    assert last.split() == ["FCN-8s", "50.0", "25.0", "12.5", "100.0"]
