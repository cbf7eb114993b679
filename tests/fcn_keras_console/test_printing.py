"""Text of strangers on a terminal: what steers it or is not seen is escaped, what people write is not."""

import io
import json
import logging
import subprocess
import sys
import unicodedata

import pytest

from fcn_keras_console import Progress
from fcn_keras_console.files import to_json
from fcn_keras_console.printing import (
    Printed,
    VisibleFormatter,
    drawn_on,
    in_one_line,
    printed_visibly,
    say,
    visible,
    visible_json,
)

READABLE = (
    "Größe",
    "日本語",
    "cafe\u0301",
    "عربي",
    "ไทย",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, joined
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # a flag, spelt in tags
    "1\ufe0f\u20e3",
    "\u0645\u06cc\u200c\u06a9\u0646\u0645",  # Persian, not joined
    "葛\U000e0100城",  # a variant of a character
    "a\tb\nc",
    "100 % — “x”",
)
ODD_MARKS = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")  # are seen


@pytest.mark.parametrize("text", READABLE)
def test_what_people_write_is_printed_as_it_is(text):
    assert visible(text) == text


def test_every_control_and_format_character_is_escaped():
    every = map(chr, range(sys.maxunicode + 1))
    hidden = [character for character in every if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")]
    seen = {character for character in hidden if visible(f"a{character}b") == f"a{character}b"}
    assert seen == {"\n", "\t", *ODD_MARKS}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b2J", r"\u009b2J"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u200db", r"a\u200db"),
        ("\u200d\u200d", r"\u200d\u200d"),
        ("a\U000e0100", r"a\U000e0100"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff\r", r"\udcff\x0d"),
    ],
)
def test_what_steers_or_hides_is_escaped(text, shown):
    assert visible(text) == shown
    assert json.loads(visible_json(json.dumps(text, ensure_ascii=False))) == text
    assert visible(visible_json(json.dumps(text, ensure_ascii=False))) == json.dumps(text)


def test_a_name_amid_a_line_has_no_line_breaks(capsys):
    assert in_one_line("a\nfcn-x: done\tb\x1b") == r"a\nfcn-x: done\tb\x1b"
    say("a\nb.png")
    assert capsys.readouterr().out == "a\\nb.png\n"


def test_json_that_is_printed_stays_json(capsys):
    value = {"e\u0301 \u202e\x7f\x85\U000e0041": "\x1b"}
    with printed_visibly():
        print(to_json(value))
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert text.isprintable() is False
    assert text.replace("\n", "").isprintable()
    assert "e\u0301" in text


def test_streams_are_the_same_again_afterwards(capsys):
    before = sys.stdout, sys.stderr
    with printed_visibly():
        print("\x1b[0m out")
        print("\u202e err", file=sys.stderr)
        drawn_on(sys.stderr).write("\x1b[2K")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("\\x1b[0m out\n", "\\u202e err\n\x1b[2K")


def test_a_logged_line_is_one(capsys):
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter("fcn-x: %(message)s"))
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "%s", ("a\nb\x1b",), None))
    assert capsys.readouterr().err == "fcn-x: a\\nb\\x1b\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal_is_drawn_and_names_above_it_are_not(monkeypatch):
    out, err = Terminal(), Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with printed_visibly(), Progress("film\u202e\x1b[31m\n.mp4", "frames") as progress:
        progress(1, 2)
        print("name\x1b[5m\x9b\u202e.png")
    drawn = out.getvalue() + err.getvalue()
    assert "\x1b[" in drawn  # rich's own
    assert r"name\x1b[5m\u009b\u202e.png" in drawn
    assert r"film\u202e\x1b[31m\n.mp4" in drawn
    assert not {"\u202e", "\x9b"} & set(drawn)
    assert isinstance(sys.stdout, Terminal)


CODE = """
import sys
from fcn_keras_console.run import run
sys.exit(run("fcn-x", lambda _: print("a" * int(sys.argv[1])), None))
"""


def ended(redirections, size):
    command = ["sh", "-c", f'exec "$0" -c "$1" {size} {redirections}', sys.executable, CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize(
    ("redirections", "reason"),
    [
        (">/dev/full", " cannot be written: No space left on device. Make room, and give the same command again."),
        (">&-", ": Bad file descriptor"),
    ],
)
def test_an_output_that_takes_nothing_is_an_error_of_one_line(redirections, reason, size):
    assert ended(redirections, size) == (2, "", f"fcn-x: stdout{reason}\n")


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full"])
def test_a_message_that_nobody_takes_changes_no_exit_code(redirections):
    assert ended(redirections, 1) == (0, "a\n", "")
    assert ended(f">/dev/full {redirections}", 1) == (2, "", "")


def test_errors_of_a_stream_have_its_name():
    file = io.TextIOWrapper(io.FileIO("/dev/full", "w"), encoding="utf-8", write_through=True)
    with pytest.raises(OSError, match="stdout"):
        Printed(file, "stdout").write("a")
