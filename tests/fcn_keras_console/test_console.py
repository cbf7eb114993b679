"""What every command shares: version, help, completion, how it ends, its progress."""

import contextlib
import importlib
import io
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_keras_console import Interrupted, Parser, Progress, add_reporting, run

SETUP = (Path(__file__).parents[2] / "setup.py").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r'"(fcn-[\w-]+)=fcn_keras_(\w+\.\w+):main"', SETUP))


@pytest.mark.parametrize("command", COMMANDS)
class TestEveryCommand:
    def call(self, command, *arguments):
        with pytest.raises(SystemExit) as end:
            importlib.import_module(COMMANDS[command]).main(arguments)
        return end.value.code

    def test_tells_its_version(self, command, capsys):
        assert self.call(command, "--version") == 0
        assert capsys.readouterr().out == f"{command} (fcn_keras {version()})\n"

    def test_help_shows_examples_and_exit_codes(self, command, capsys):
        assert self.call(command, "--help") == 0
        told = capsys.readouterr().out
        assert f"\nexamples:\n  {command} " in told
        assert re.search(r"\nexit codes:\n +0  ", told)
        assert re.search(r"\n +2  ", told)

    def test_completion_is_what_bash_reads(self, command, capsys):
        assert self.call(command, "--print-completion", "bash") == 0
        script = capsys.readouterr().out
        assert "--print-completion" in script
        assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True).stderr == ""

    def test_examples_in_the_help_are_accepted(self, command, capsys, monkeypatch):
        parser = importlib.import_module(f"{COMMANDS[command]}.command")._parser()
        shown = parser.epilog.split("exit codes:")[0].splitlines()
        lines = [line.strip() for line in shown if line.startswith(f"  {command} ")]
        assert lines
        for line in lines:
            words = shlex.split(re.split("[<>|]", line)[0])  # what the shell takes is not the command's
            parser.parse_args(words[1:])


def version():
    return re.search(r'__version__ = "(.+)"', (Path(__file__).parents[2] / "fcn_keras/__init__.py").read_text())[1]


def test_there_are_commands():
    assert {"fcn-train", "fcn-serve", "fcn-predict"} <= set(COMMANDS)


def test_completion_without_shtab_names_the_command(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(SystemExit) as end:
        Parser("fcn-x", "Do it.").parse_args(["--print-completion", "zsh"])
    assert end.value.code == 2
    told = 'fcn-x: --print-completion needs shtab: pip install "fcn_keras[completion]"\n'
    assert capsys.readouterr().err == told


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A command with one option of each kind, in a folder of a file and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "net.keras").touch()
    parser = Parser(
        "fcn-x", "Do it.\n\n" + "Word after word. " * 20, examples=[("fcn-x " + "long " * 20, "meaning " * 20)]
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("input", nargs="+")
    parser.add_argument("--output", type=Path, help="where")
    parser.add_argument("--count", type=int, metavar="HOST:PORT", help="how many")
    parser.add_argument("--mode", choices=("one", "two"), help="how")
    return parser


def completion(parser, shell, capsys):
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--print-completion", shell])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ph"], "photos"),
        (["net.keras", "a.jpg", "ph"], "photos"),
        (["--output", "ne"], "net.keras"),
        (["--mode", ""], "one two"),
        (["--count", ""], ""),
        (["--ou"], "--output"),
    ],
)
def test_bash_completes_options_choices_and_files(words, expected, small, capsys):
    line = shlex.join(["fcn-x", *words])
    asked = f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _shtab_fcn_x; echo "${{COMPREPLY[@]}}"'
    script = completion(small, "bash", capsys)
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], text=True, capture_output=True)
    assert (done.stdout, done.stderr) == (f"{expected}\n", "")


def test_other_shells_complete_files_too(small, capsys):
    assert '"--output[where]:output:_files"' in completion(small, "zsh", capsys)
    assert "'p/*/f/'" in completion(small, "tcsh", capsys)
    assert '"--count[how many]:HOST PORT:"' in completion(small, "zsh", capsys)  # with a colon, PORT would be a command


@pytest.mark.parametrize("columns", [60, 200])
def test_help_fits_the_terminal(columns, small, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = small.format_help().splitlines()
    text, example = told[told.index("Do it.") :], "  fcn-x " + "long " * 20
    assert example in text  # whole, to be copied
    widths = [len(line) for line in text if line != example]
    assert min(columns, 100) - 25 < max(widths) <= columns
    assert max(len(line) for line in text if line.startswith("Word")) <= 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "fcn-x: the following arguments are required: model, input. See fcn-x --help.\n"),
        (
            "net.keras a --outptu=b",
            "fcn-x: unrecognized arguments: --outptu=b (did you mean --output?). See fcn-x --help.\n",
        ),
        ("net.keras a --zzz", "fcn-x: unrecognized arguments: --zzz. See fcn-x --help.\n"),
        ("net.keras a --count b", "fcn-x: argument --count: invalid int value: 'b'. See fcn-x --help.\n"),
    ],
)
def test_wrong_arguments_are_one_line(words, told, small, capsys):
    with pytest.raises(SystemExit) as end:
        small.parse_args(words.split())
    assert end.value.code == 2
    assert capsys.readouterr() == ("", told)


def test_nothing_heavy_is_imported():
    code = "import sys, fcn_keras_console; print({'keras', 'tensorflow', 'rich', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], text=True, capture_output=True).stdout == "set()\n"


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ValueError("two\n lines"), 2, "fcn-x: two lines\n"),
        (FileNotFoundError(2, "No such file or directory", "a.png"), 2, "fcn-x: a.png: No such file or directory\n"),
        (ImportError("pip install it"), 2, "fcn-x: pip install it\n"),
        (KeyboardInterrupt(), 130, "fcn-x: interrupted\n"),
        (Interrupted("stopped by SIGTERM", 143), 143, "fcn-x: stopped by SIGTERM\n"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, code, told, capsys):
    def body(_):
        raise error

    assert run("fcn-x", body, None) == code
    assert capsys.readouterr().err == told


def test_other_errors_keep_their_traceback():
    with pytest.raises(RuntimeError):
        run("fcn-x", lambda _: (_ for _ in ()).throw(RuntimeError("a fault of ours")), None)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_body_may_say_its_code(returned, code):
    assert run("fcn-x", lambda _: returned, None) == code


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


def test_verbose_lets_the_command_log(capsys):
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser, json="all of it")
    assert vars(parser.parse_args([])) == {"json": False, "quiet": False, "verbose": False}
    assert parser.parse_args(["-v"]).verbose
    for name in ("fcn-y", "fcn_keras"):
        logging.getLogger(name).debug("image %s: step %d", "a.png", 3)
    assert re.fullmatch(r"(\d\d:\d\d:\d\d fcn-y: image a.png: step 3\n){2}", capsys.readouterr().err)
    parser.parse_args([])
    logging.getLogger("fcn-y").debug("a call before was verbose, this one is not")
    assert capsys.readouterr().err == ""


def test_any_name_can_be_printed(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))

    def body(_):
        print("\N{LATIN SMALL LETTER A WITH DIAERESIS}.png \udcff.png")  # the second's byte is not UTF-8
        raise ValueError("\N{LATIN SMALL LETTER A WITH DIAERESIS}.png is missing")

    assert run("fcn-x", body, None) == 2
    for stream, told in ((sys.stdout, "\\xe4.png \\udcff.png\n"), (sys.stderr, "fcn-x: \\xe4.png is missing\n")):
        stream.flush()
        assert stream.buffer.getvalue().decode() == told


def test_a_command_has_only_the_options_that_do_something():
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser, progress=False, steps=False)
    assert vars(parser.parse_args([])) == {}
