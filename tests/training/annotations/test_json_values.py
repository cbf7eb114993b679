"""JSON that strangers wrote."""

import pytest

from tests.training.imported import SQUARE, labelme, run_import, shape
from training.annotations import json_values as json_files
from training.annotations.json_values import as_json, whole


def test_nesting_and_broken_json(source, out, capsys):
    for text, message in (("[" * 100_000, "nested too deeply"), ("{", "cannot be read as JSON"), ("\xff", "as JSON")):
        (source / "a.json").write_text(text, encoding="latin-1")
        assert run_import("labelme", source, out) == 2
        told = capsys.readouterr().err
        assert message in told
        assert "a.json" in told


def test_json_files_have_an_end(source, out, capsys, monkeypatch):
    monkeypatch.setattr(json_files, "_MOST", 10)
    labelme(source, "a", [shape("cat", SQUARE)])
    assert run_import("labelme", source, out) == 2
    assert "a.json cannot be read as JSON: it has more than" in capsys.readouterr().err


def test_integers():
    assert (whole(3.0, "b"), whole(-1, "b")) == (3, -1)
    for value, least in ((True, None), (2.5, None), ("3", None), (0, 1), (float("nan"), None), (float("inf"), None)):
        with pytest.raises(ValueError, match=r"^b should be an integer"):
            whole(value, "b", least=least)


def test_values_are_told_as_the_file_has_them():
    assert [as_json(value) for value in (None, True, "é", [1, None], float("nan"))] == [
        "null",
        "true",
        '"é"',
        "[1, null]",
        "NaN",
    ]
    assert as_json(list(range(1000)), 12) == "[0, 1, 2,..."
    assert as_json("x" * 1000, 12) == '"xxxxxxxx...'
