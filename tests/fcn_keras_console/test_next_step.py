"""The line that names the next command."""

import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from fcn_keras_console.next_step import free_folder, photographs_of, say_next


def test_it_can_be_copied_into_a_shell(capsys):
    path = Path("my runs/a'b")
    say_next(Namespace(), "fcn-evaluate", path)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("next: ")
    assert shlex.split(err.removeprefix("next: ")) == ["fcn-evaluate", str(path)]


def test_a_path_that_begins_with_a_hyphen_is_no_option(capsys):
    say_next(Namespace(), "fcn-train", "--data", Path("./-photos"), "--minutes", 10)
    assert capsys.readouterr().err == "next: fcn-train --data ./-photos --minutes 10\n"


@pytest.mark.parametrize("option", ["json", "quiet"])
def test_programs_are_told_nothing(option, capsys):
    say_next(Namespace(**{option: True}), "fcn-evaluate", "x")
    assert capsys.readouterr() == ("", "")


def test_paths_are_told_from_the_working_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    say_next(None, "fcn-export", tmp_path / "runs" / "net", "models/fcn", tmp_path.parent)
    assert capsys.readouterr().err == f"next: fcn-export runs/net models/fcn {tmp_path.parent}\n"


def test_a_folder_that_holds_something_is_not_named_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert free_folder("labelled") == Path("labelled")
    (tmp_path / "labelled").mkdir()
    assert free_folder("labelled") == Path("labelled")  # it is empty
    (tmp_path / "labelled" / ".fcn-labels.json").touch()
    (tmp_path / "labelled-2").touch()
    assert free_folder("labelled") == Path("labelled-3")


def test_images_at_hand_are_named(tmp_path):
    assert photographs_of(None) == photographs_of(tmp_path / "none") == Path("new_photos")
    assert photographs_of(tmp_path) == tmp_path
    (tmp_path / "train" / "images").mkdir(parents=True)
    assert photographs_of(tmp_path) == tmp_path / "train" / "images"
    (tmp_path / "val" / "images").mkdir(parents=True)
    assert photographs_of(str(tmp_path)) == tmp_path / "val" / "images"
