"""The bar: what it shows, and when it is silent."""

import contextlib
import io
import logging
import re
import sys
import time

import pytest

from fcn_keras_console import Parser, Progress, add_reporting


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_count_rate_and_time_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    with Progress("Scoring", "images") as progress:
        for done in range(1, 5):
            progress(done, 8)
    told = sys.stderr.getvalue()
    assert "Scoring" in told
    assert "4/8" in told
    assert "images/s" in told


def test_a_pipe_gets_its_lines_while_the_bar_moves(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with Progress("Scoring", "images") as progress:
        progress(1, 2)
        print("a line")
    assert sys.stdout.getvalue() == "a line\n"


@pytest.mark.parametrize(("stream", "quiet"), [(Terminal, True), (io.StringIO, False)])
def test_progress_is_silent_off_a_terminal_and_when_told(stream, quiet, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream())
    with Progress("Scoring", "images", quiet=quiet) as progress:
        progress(1, 2)
    assert sys.stderr.getvalue() == ""


def test_a_long_silence_off_a_terminal_is_broken_by_lines(monkeypatch):
    times = iter([0, 9, 10, 10, 19, 20, 20])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress("Comparing", "images", logged=True) as progress:
        for done in range(1, 5):
            progress(done, 4)
    assert sys.stderr.getvalue() == "Comparing: 2 of 4 images\nComparing: 4 of 4 images\n"


def test_lines_of_the_log_take_the_place_of_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser)
    parser.parse_args(["-v"])
    with Progress("Scoring", "images") as progress:
        logging.getLogger("fcn_keras").debug("a.png: scored")
        progress(1, 2)
    assert sys.stderr.getvalue().endswith(" fcn-y: a.png: scored\n")
    parser.parse_args([])
    assert Progress("Scoring", "images").shown


@pytest.mark.parametrize("words", [[], ["-v"]])
def test_a_notice_does_not_land_in_the_line_of_a_bar(words, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser)
    parser.parse_args(words)
    logging.getLogger("fcn_keras").setLevel(logging.WARNING)  # a bar is shown with -v too
    with Progress("Scoring", "images") as progress:
        progress(1, 8)
        logging.getLogger("fcn_keras").warning("a.png: odd")
        progress(8, 8)
    drawn = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", sys.stderr.getvalue())
    lines = [line for end in drawn.split("\n") for line in end.split("\r")]
    assert [line for line in lines if "a.png" in line and "Scoring" in line] == []
    assert any(line.endswith("fcn-y: a.png: odd") for line in lines)


def test_a_notice_comes_while_the_words_of_a_library_are_caught(capsys):
    Parser("fcn-y", "Do it.").parse_args([])
    with contextlib.redirect_stderr(io.StringIO()) as caught:
        logging.getLogger("fcn_keras_console").warning("a.png: odd")
    assert caught.getvalue() == ""
    assert capsys.readouterr().err == "fcn-y: a.png: odd\n"


def test_a_bar_outlives_that_stderr_is_caught(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress("Scoring", "images") as progress:
        progress(0, None)
        with contextlib.redirect_stderr(io.StringIO()) as caught:
            print("a library's word", file=sys.stderr)
            progress(7, 8)
    assert sys.stderr is terminal
    assert "7/8" in terminal.getvalue()
    assert caught.getvalue() == "a library's word\n"
