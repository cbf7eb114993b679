"""The line that names the next command."""

import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from fcn_keras_console.next_step import say_next


def test_it_can_be_copied_into_a_shell(capsys):
    path = Path("my runs/a'b")
    say_next(Namespace(), "fcn-evaluate", path)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("next: ")
    assert shlex.split(err.removeprefix("next: ")) == ["fcn-evaluate", str(path)]


@pytest.mark.parametrize("option", ["json", "quiet"])
def test_programs_are_told_nothing(option, capsys):
    say_next(Namespace(**{option: True}), "fcn-evaluate", "x")
    assert capsys.readouterr() == ("", "")
