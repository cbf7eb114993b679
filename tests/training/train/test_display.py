"""What is to be seen on a terminal: few lines that fit, below everything that is printed."""

import io
import itertools
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console, Group

from tests.training.train.screen import shown
from training.train import display as module
from training.train.display import Display, lines_of, time_left
from training.train.run_progress import RunProgress

NAMES = ("folder_fcn32s", "folder_fcn16s", "folder_fcn8s")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def begun(name="folder_fcn16s", *, names=NAMES, seconds=1.0, steps_per_epoch=800, done=0, mean_ious=()):
    """Return the progress of a run whose stage stands after `done` steps that took `seconds` each."""
    clock = Clock()
    made = RunProgress(
        [
            SimpleNamespace(
                name=each, steps=20 * steps_per_epoch, epochs=20, steps_per_epoch=steps_per_epoch, batch_size=4
            )
            for each in names
        ],
        clock,
    )
    made.begin(name)
    made.go_on(max(0, done - 2), mean_ious, 40)
    made.begin_epoch()
    for _ in range(min(done, 2)):
        clock.now += seconds
        made.step(0.41234)
    return made


@pytest.fixture(autouse=True)
def no_drawing_by_itself(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 3600)


def console(width=60, height=24):
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, legacy_windows=False, _environ={}
    )


def plain(progress, width=60):
    """Return the lines of a progress as text, without the bar."""
    made = Console(file=io.StringIO(), width=width, _environ={})
    made.print(Group(*lines_of(progress)))
    return [line.strip("━╸╺ ") for line in made.file.getvalue().splitlines() if line.strip()]


def test_the_lines_say_where_a_run_stands():
    progress = begun(done=1212, mean_ious=[0.4512])
    assert plain(progress) == [
        "folder_fcn16s, stage 2 of 3: epoch 2 of 20",
        "batch 412 of 800, 1 s a step",
        "loss 0.4123, mean IU 45.12 % (the best)",
        # 14788 steps of 1 s, and 19 times 40 images at a third of a second / 4; then 16000 and 20 times that
        "left: 4 h 08 min of this stage, 8 h 35 min of the run",
    ]


def test_the_page_on_training_shows_the_lines():
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    printed = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1].splitlines()
    lines = plain(begun(seconds=1.31, done=2012, mean_ious=[0.4512, 0.4312]))
    assert [line.strip("━╸╺ ") for line in printed] == lines


def test_the_bar_is_as_long_as_the_epoch_is_done():
    made = Console(file=io.StringIO(), width=61, _environ={})  # without colours, what is not done is blank
    made.print(lines_of(begun(done=200))[1])
    bar, _, words = made.file.getvalue().rstrip("\n").partition(" batch")
    assert words == " 200 of 800, 1 s a step"
    assert bar.count("━") == 8  # of 32


def test_the_best_mean_iu_is_named_with_its_epoch():
    assert "loss 0.4123, mean IU 30.00 % (best 45.12 %, epoch 2)" in plain(
        begun(done=3000, mean_ious=[0.1, 0.4512, 0.3])
    )


def test_before_the_first_step_nothing_is_made_up():
    assert plain(begun("folder_fcn32s")) == [
        "folder_fcn32s, stage 1 of 3: epoch 1 of 20",
        "batch 0 of 800",
        "loss -, mean IU after the first epoch",
        "left: known after the first steps",
    ]


def test_of_one_stage_its_number_is_not_told():
    progress = begun("voc_fcn32s", names=["voc_fcn32s"], done=802, mean_ious=[0.5])
    first, *_, last = plain(progress)
    assert first == "voc_fcn32s: epoch 2 of 20"
    assert re.fullmatch(r"left: \d h \d\d min", last)


def test_validation_counts_images():
    progress = begun(done=800)
    assert plain(progress)[:2] == ["folder_fcn16s, stage 2 of 3: epoch 1 of 20, validation", "40 images"]
    progress.score()
    assert plain(progress)[1] == "1 of 40 images"


def test_a_phase_has_a_bar_of_its_own():
    progress = begun("folder_fcn32s")
    with progress.counting("computing the feature maps of 160 images", 160) as phase:
        assert plain(progress)[-1] == "left: known after the first steps"
        progress.clock.now = 8.0
        phase.advance(32)
        assert plain(progress) == [
            "folder_fcn32s, stage 1 of 3",
            "computing the feature maps of 160 images",
            "32 of 160",
            "left: 32 s of this; the rest is known after the first steps",
        ]


def test_the_last_stage_has_one_time():
    # 38 steps of 3 s, and 20 times 40 images at 3 s / 3 / 4
    assert time_left(begun("folder_fcn8s", done=2, steps_per_epoch=2, seconds=3)) == "left: 5 min"


def states():
    """List runs in all kinds of states, of small and of huge numbers."""
    for seconds, steps, done in itertools.product((0.01, 1.234, 500.0), (8, 8000), (0, 1, 5, 8)):
        for scores in ([], [0.5, 0.25]):
            yield begun(done=done + len(scores) * steps, seconds=seconds, steps_per_epoch=steps, mean_ious=scores)
    yield begun("a_recipe_of_a_very_long_name_fcn16s_at_once", names=["a_recipe_of_a_very_long_name_fcn16s_at_once"])
    phased = begun()
    phased.counting("computing the feature maps of 100000 images and of their mirrored copies", 100000).__enter__()
    yield phased


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_at_most_five_lines_fit_the_width(width):
    for progress in states():
        to = console(width)
        with Display(progress, to) as display:
            display.draw()
            lines = re.sub(r"\x1b\[\d*[A-Za-z]", "", to.file.getvalue()).replace("\r", "").splitlines()
            assert 3 <= len(lines) <= 5
            assert lines[0] == ""
            assert max(map(len, lines)) <= width


def test_at_60_columns_nothing_is_cut_of_what_a_run_of_days_says():
    progress = begun(done=2 * 8000 + 5, seconds=21.0, steps_per_epoch=8000, mean_ious=[0.5, 0.25])
    assert plain(progress) == plain(progress, 200)


def test_a_low_terminal_gets_fewer_lines():
    to = console(height=4)
    with Display(begun(), to) as display:
        display.draw()
        lines, cursor = shown(to.file.getvalue(), 60)
    assert len([line for line in lines if line]) == 2
    assert cursor == (0, 0)


def test_nothing_is_drawn_before_the_first_stage():
    to = console()
    with Display(RunProgress([]), to) as display:
        display.draw()
        display.print("Reading.")
    assert shown(to.file.getvalue(), 60) == (["Reading.", ""], (1, 0))


def test_what_is_printed_stands_above_and_whole():
    to = console()
    sentence = "fcn-train: watchdog: " + "what is wrong, and what to do about it; " * 5 + "[red]see[/red] :smile:"
    with Display(begun(), to) as display:
        display.draw()
        display.print("before")
        display.print(sentence)
        text = to.file.getvalue()
        lines, cursor = shown(text, 60)
    assert sentence in text  # in one piece, as it may be copied
    rows = -(-len(sentence) // 60)
    assert "".join(line.ljust(60) for line in lines[1 : 1 + rows]).rstrip() == sentence
    assert lines[0] == "before"
    assert lines[1 + rows] == ""
    assert lines[2 + rows] == "folder_fcn16s, stage 2 of 3: epoch 1 of 20"
    assert len(lines) == 1 + rows + 5 + 1
    assert cursor == (1 + rows, 0)


def test_what_passes_the_console_stands_on_a_line_of_its_own():
    to = console()
    with Display(begun(), to) as display:
        display.draw()
        to.file.write("W0000 written by native code\n")
        display.draw()
        display.draw()
        lines, _ = shown(to.file.getvalue(), 60)
    assert lines[:3] == ["W0000 written by native code", "", "folder_fcn16s, stage 2 of 3: epoch 1 of 20"]
    assert len(lines) == 1 + 5 + 1


def test_nothing_is_left_after_ctrl_c(capsys):
    to = console()

    def interrupted():
        with Display(begun(), to) as display:
            display.draw()
            to.file.write("^C")  # a terminal's echo
            display.waiting.append("fcn-train: SIGINT: saving after this batch")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert capsys.readouterr().err == "fcn-train: SIGINT: saving after this batch\n"  # no terminal here: its own stream
    lines, cursor = shown(to.file.getvalue(), 60)
    assert (lines, cursor) == ([""], (0, 0))
    to.print("later")  # no hook of the display is left
    assert shown(to.file.getvalue(), 60)[0] == ["later", ""]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_python_streams_of_a_terminal_go_above(monkeypatch):
    to, stream = console(), Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    with Display(begun(), to) as display:
        display.draw()
        sys.stderr.write("a library's warning\n")
        print("a sentence", flush=True)
        print("begun ", end="", file=sys.stderr)
        print("and ended\n\nafter an empty line", file=sys.stderr)
        assert sys.stderr.isatty()
        lines, _ = shown(to.file.getvalue(), 60)
        print("never ended", end="", file=sys.stderr)
    assert lines[:5] == ["a library's warning", "a sentence", "begun and ended", "", "after an empty line"]
    assert lines[6].startswith("folder_fcn16s")
    assert shown(to.file.getvalue(), 60)[0][5:] == ["never ended", ""]
    assert stream.getvalue() == ""
    assert sys.stderr is stream
    assert sys.stdout is stream


def test_a_stream_that_goes_to_a_file_still_does(capsys):
    to = console()
    with Display(begun(), to):
        print("a warning", file=sys.stderr)
        print("a sentence")
    assert capsys.readouterr() == ("a sentence\n", "a warning\n")


def test_it_draws_by_itself_and_what_a_signal_left(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.01)
    to, stream = console(), Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Display(begun(), to) as display:
        display.waiting.append("saving after this batch")
        end = time.monotonic() + 20
        while to.file.getvalue().count("folder_fcn16s") < 3 and time.monotonic() < end:
            time.sleep(0.01)
    text = to.file.getvalue()
    assert text.count("folder_fcn16s") >= 3
    assert shown(text, 60)[0] == ["saving after this batch", ""]
    time.sleep(0.05)
    assert to.file.getvalue() == text
