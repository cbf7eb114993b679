"""Paths and numbers of a command line, looked at before anything starts."""

import pytest

from fcn_keras_console.given import did_you_mean, require_classes, require_directory, require_file, require_range


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "classes.txt").touch()
    (tmp_path / "astray").symlink_to("gone")


def test_what_is_there_is_accepted(place):
    require_file("classes.txt", "--x", "Name it.")
    require_directory("photos", "--x", "Name it.")
    for given in (None, "3", "classes.txt"):
        require_classes(given)


@pytest.mark.parametrize(
    ("look", "path", "message"),
    [
        (require_file, "photos", "--x photos is a folder. Name it."),
        (require_file, "clases.txt", "--x clases.txt is missing. Name it. Did you mean classes.txt?"),
        (require_file, "no/where/at.all", "--x no/where/at.all is missing. Name it."),
        (require_file, "astray", "--x astray is missing. Name it. It is a link to nowhere."),
        (require_directory, "photo", "--x photo is not a folder. Name it. Did you mean photos?"),
        (require_directory, "classes.txt", "--x classes.txt is not a folder but a file. Name it."),
    ],
)
def test_what_is_wrong_with_a_path(look, path, message, place):
    with pytest.raises(ValueError, match=r"^--x ") as error:
        look(path, "--x", "Name it.")
    assert str(error.value) == message


@pytest.mark.parametrize("given", ["0", "-3", "gone.txt", "photos"])
def test_what_is_no_class_file(given, place):
    with pytest.raises(ValueError, match=r"^--classes "):
        require_classes(given)


def test_numbers_within_bounds():
    for value, bounds in ((None, {"least": 1}), (1, {"least": 1}), (0.5, {"above": 0, "most": 1})):
        require_range("--x", value, **bounds)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {"least": 1}, "--x is at least 1. Received: 0."),
        (0.0, {"above": 0, "most": 1}, "--x is above 0 and at most 1. Received: 0."),
        (1.5, {"above": 0, "most": 1}, "--x is above 0 and at most 1. Received: 1.5."),
        (float("nan"), {"above": 0}, "--x is above 0. Received: nan."),
    ],
)
def test_numbers_that_are_not(value, bounds, message):
    with pytest.raises(ValueError, match=r"^--x ") as error:
        require_range("--x", value, **bounds)
    assert str(error.value) == message


def test_near_names():
    assert did_you_mean("voc_fcn8x", ["voc_fcn8s", "folder_fcn8s"]) == " Did you mean voc_fcn8s?"
    assert did_you_mean("VOC_FCN8S", ["voc_fcn8s", "folder_fcn8s"]) == " Did you mean voc_fcn8s?"
    assert did_you_mean("zebra", ["voc_fcn8s"]) == ""
