"""What `fcn-train` says, to people and to programs."""

import json
from types import SimpleNamespace

import pytest

from training.train.reporter import Reporter


def test_people_get_the_sentence(capsys):
    Reporter(lead=True).report("finished", "folder_fcn32s: finished", stage="folder_fcn32s")
    assert capsys.readouterr() == ("folder_fcn32s: finished\n", "")


def test_programs_get_the_facts(capsys):
    Reporter(lead=True, as_json=True).report("finished", "a sentence", stage="folder_fcn32s", mean_iu=0.5)
    assert json.loads(capsys.readouterr().out) == {"event": "finished", "stage": "folder_fcn32s", "mean_iu": 0.5}


def test_only_the_leading_process_speaks(capsys):
    silent = Reporter(lead=False)
    silent.report("finished", "a sentence")
    silent.warn("a warning")
    assert capsys.readouterr() == ("", "")
    Reporter(lead=True, as_json=True).warn("a warning")
    assert capsys.readouterr() == ("", "a warning\n")


@pytest.mark.parametrize(
    ("options", "terminal", "verbose"),
    [
        ({}, True, 1),
        ({}, False, 2),
        ({"logged": True}, True, 2),
        ({"quiet": True}, True, 0),
        ({"as_json": True}, True, 0),
    ],
)
def test_a_bar_is_for_terminals(options, terminal, verbose, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert Reporter(lead=True, **options).verbose == verbose


def test_the_plan_is_a_table(capsys):
    overrides = SimpleNamespace(as_json=lambda: {"steps": 3})
    plan = SimpleNamespace(recipe="folder_fcn8s", overrides=overrides, reasons=[("images", "5"), ("batch size", "1")])
    Reporter(lead=True).plan("photos", plan)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("photos: chosen from what is there")
    assert lines == ["  images      5", "  batch size  1"]
    Reporter(lead=True, as_json=True).plan("photos", plan)
    told = json.loads(capsys.readouterr().out)
    assert told["overrides"] == {"steps": 3}
    assert told["reasons"] == {"images": "5", "batch size": "1"}


def test_epochs_are_lines_for_programs_alone(capsys):
    assert Reporter(lead=True).callbacks(SimpleNamespace(name="folder_fcn32s")) == []
    (callback,) = Reporter(lead=True, as_json=True).callbacks(SimpleNamespace(name="folder_fcn32s"))
    callback.on_epoch_end(2, {"loss": 0.5, "confusion": {"val_mean_iu": 0.25}})
    expected = {"event": "epoch", "stage": "folder_fcn32s", "epoch": 2, "loss": 0.5, "val_mean_iu": 0.25}
    assert json.loads(capsys.readouterr().out) == expected
