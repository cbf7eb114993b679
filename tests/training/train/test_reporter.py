"""What `fcn-train` says, to people and to programs."""

import contextlib
import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.training.train.screen import shown
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
    ("options", "terminal", "live"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"logged": True}, True, False),
        ({"quiet": True}, True, False),
        ({"as_json": True}, True, False),
        ({"lead": False}, True, False),
    ],
)
def test_a_display_is_for_terminals(options, terminal, live, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert Reporter(**{"lead": True, **options}).live is live


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert not Reporter(lead=True).live


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


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@contextlib.contextmanager
def following(steps_per_epoch=2, **options):
    """Yield a reporter amid two stages of two epochs, what `fit` calls, and the clock; one epoch was done before."""
    clock = Clock()
    names = ("folder_fcn32s", "folder_fcn16s")
    recipes = [
        SimpleNamespace(name=name, steps=2 * steps_per_epoch, epochs=2, steps_per_epoch=steps_per_epoch, batch_size=1)
        for name in names
    ]
    reporter = Reporter(lead=True, clock=clock, **options)
    with reporter.showing(recipes):
        reporter.begin(recipes[0])
        (callback,) = reporter.callbacks(done=steps_per_epoch, mean_ious=[0.5], validation_images=3)
        yield reporter, callback, clock


def epoch(callback, clock, steps=2):
    """Train an epoch: a first step of 30 s, others of 5 s, and validation of 7 s."""
    callback.on_epoch_begin(1, {})
    clock.now += 25
    for batch in range(steps):
        clock.now += 5
        callback.on_train_batch_end(batch, logs={"loss": 0.75})
    for batch in range(3):
        callback.on_test_batch_end(batch, logs={})
    clock.now += 7
    callback.on_epoch_end(1, {"loss": 0.5, "confusion": {"val_mean_iu": 0.25}})


def test_an_epoch_is_a_line(capsys):
    with following() as (_, callback, clock):
        epoch(callback, clock)
    # The other stage takes 4 steps of 5 s and 2 ends of 7 s.
    assert capsys.readouterr() == ("folder_fcn32s: epoch 2 of 2, loss 0.5, mean IU 25.00 %, 34 s left\n", "")


def test_an_epoch_of_one_step_tells_no_time(capsys):
    with following(steps_per_epoch=1) as (_, callback, clock):
        epoch(callback, clock, steps=1)
    assert capsys.readouterr().out == "folder_fcn32s: epoch 2 of 2, loss 0.5, mean IU 25.00 %\n"


def test_programs_get_an_epoch_with_the_seconds_left(capsys):
    with following(as_json=True) as (_, callback, clock):
        epoch(callback, clock)
    assert json.loads(capsys.readouterr().out) == {
        "event": "epoch",
        "stage": "folder_fcn32s",
        "epoch": 1,
        "loss": 0.5,
        "val_mean_iu": 0.25,
        "seconds_left": 34.0,
    }


def test_quiet_tells_no_epochs(capsys):
    with following(quiet=True) as (_, callback, clock):
        epoch(callback, clock)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("options", [{}, {"quiet": True}, {"as_json": True}])
def test_after_ten_steps_the_time_of_the_run_is_told_once(options, capsys):
    with following(steps_per_epoch=20, **options) as (_, callback, clock):
        callback.on_epoch_begin(1, {})
        for batch in range(20):
            clock.now += 5
            callback.on_train_batch_end(batch, logs={"loss": 0.75})
    # After 11 steps, of which the first compiles: 9 of this epoch and 40 of the other stage, and 3 times 3 images at a
    # third of a step.
    told = "" if "as_json" in options else "folder_fcn32s: 5 s a step, 4 min left of the whole run\n"
    assert capsys.readouterr() == (told, "")


def test_a_short_run_is_not_told_its_time(capsys):
    with following(steps_per_epoch=20) as (_, callback, clock):
        callback.on_epoch_begin(1, {})
        for batch in range(20):
            clock.now += 0.5
            callback.on_train_batch_end(batch, logs={"loss": 0.75})
    assert capsys.readouterr() == ("", "")


def test_a_phase_is_a_sentence_and_counts(capsys):
    name = "computing the feature maps of 160 images"
    with following() as (reporter, _, clock), reporter.phase(name, 160) as advance:
        clock.now += 8
        advance()
        advance(31)
        assert reporter.progress.phase_left() == 32
    assert capsys.readouterr() == ("folder_fcn32s: computing the feature maps of 160 images\n", "")


def test_a_phase_is_no_line_for_programs(capsys):
    with following(as_json=True) as (reporter, *_), reporter.phase("computing", 160) as advance:
        advance(160)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_sentences_stand_above_the_display(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    console = Console(file=stream, force_terminal=True, width=60, height=24, legacy_windows=False, _environ={})
    with following(console=console) as (reporter, callback, clock):
        reporter.report("training", "folder_fcn32s: 4 steps")
        reporter.warn("fcn-train: a warning")
        reporter.tell_signal("fcn-train: SIGTERM: saving after this batch")
        epoch(callback, clock)
        with reporter.phase("computing", 160):
            reporter.report("weights", "loaded")
        lines, _ = shown(stream.getvalue(), 60)
        assert lines[:3] == ["folder_fcn32s: 4 steps", "fcn-train: a warning", "loaded"]
        assert lines[4:6] == ["folder_fcn32s, stage 1 of 2", "computing"]
    lines, _ = shown(stream.getvalue(), 60)
    assert lines[3:] == ["fcn-train: SIGTERM: saving after this batch", ""]
    reporter.tell_signal("at once again")
    assert shown(stream.getvalue(), 60)[0][4:] == ["at once again", ""]


def test_at_the_end_of_the_run_no_time_is_left(capsys):
    with following() as (reporter, callback, clock):
        for stage in reporter.progress.stages[1:]:
            reporter.progress.begin(stage.name)
            stage.ended = stage.epochs - 1
            stage.done = stage.steps - 2
        epoch(callback, clock)
    assert capsys.readouterr().out.endswith(", mean IU 25.00 %\n")
