"""What every command shares: version, help, completion, wrong arguments, `--verbose`."""

import importlib
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_keras_console import Parser, add_reporting

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
        parser = importlib.import_module(f"{COMMANDS[command]}.command").build_parser()
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
        (
            "net.keras --inpt a",
            "fcn-x: unrecognized arguments: --inpt (give input by its place, without --inpt). See fcn-x --help.\n",
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


def test_a_word_that_an_option_takes(capsys):
    parser = Parser("fcn-x", "Do it.")
    parser.bare = "--data"
    for words, hint in ((["my photos"], " (did you mean --data 'my photos'?)"), (["--zz", "a"], "")):
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        assert capsys.readouterr().err == f"fcn-x: unrecognized arguments: {words[0]}{hint}. See fcn-x --help.\n"


def test_nothing_heavy_is_imported():
    code = "import sys, fcn_keras_console; print({'keras', 'tensorflow', 'rich', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], text=True, capture_output=True).stdout == "set()\n"


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


def test_the_values_of_another_command_leave_what_is_said_its_name(capsys):
    Parser("fcn-y", "Do it.").parse_args([])
    other = Parser("fcn-z", "Do that.")
    other.add_argument("--count", type=int, default="3")
    assert vars(other.values_of([])) == {"count": 3}
    logging.getLogger("fcn_keras_console").warning("Scores are off.")
    assert capsys.readouterr().err == "fcn-y: Scores are off.\n"


@pytest.mark.parametrize("name", ["fcn-y", "fcn_keras", "fcn_keras_console"])
@pytest.mark.parametrize("words", [[], ["-v"]])
def test_a_warning_is_said_once_whatever_logs_at_the_root(name, words, capsys, monkeypatch):
    """As Apache Beam does, whose import gives the root logger a handler. Without `-v` it is said as well."""
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser)
    parser.parse_args(words)
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler()])
    logging.getLogger(name).warning("Scores are off.")
    assert re.fullmatch(r"(\d\d:\d\d:\d\d )?fcn-y: Scores are off\.\n", capsys.readouterr().err)


def test_a_command_has_only_the_options_that_do_something():
    parser = Parser("fcn-y", "Do it.")
    add_reporting(parser, progress=False, steps=False)
    assert vars(parser.parse_args([])) == {}
