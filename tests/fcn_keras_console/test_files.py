"""Files and folders appear whole or not at all; JSON in and out."""

import hashlib
import io
import json

import pytest

from fcn_keras_console.files import (
    made,
    new_folder,
    publish,
    read_json,
    require_folder,
    sha256_of,
    to_json,
    write_json,
    write_text,
    written,
)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_nobody_finds_half_a_file(tmp_path):
    target = tmp_path / "labels" / "a.png"

    def fail():
        with written(target) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert names(tmp_path) == ["labels"]


def test_a_file_replaces_the_older_one_and_its_writer_sees_the_extension(tmp_path):
    target = tmp_path / "a.png"
    target.write_text("old")
    with written(target, extension=".png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.png"]


def test_a_new_folder_appears_when_it_is_filled(tmp_path):
    source, out = tmp_path / "photos", tmp_path / "fixed"
    source.mkdir()
    with new_folder(out, "--fix", source) as folder:
        folder.mkdir()
        (folder / "a").touch()
        assert not out.exists()
    assert names(out) == ["a"]

    def fail():
        with new_folder(tmp_path / "other", "--fix", source) as folder:
            folder.mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(tmp_path) == ["fixed", "fixed/a", "photos"]


@pytest.mark.parametrize(
    ("out", "message"),
    [("full", r"--fix .*full is not empty\. Name a folder"), ("photos/fixed", r"--fix .* lies in the data set itself")],
)
def test_a_new_folder_is_new_and_apart(out, message, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(ValueError, match=message), new_folder(tmp_path / out, "--fix", tmp_path / "photos"):
        raise AssertionError("the body is never reached")


def test_files_appear_together_or_not_at_all(tmp_path):
    new, there = tmp_path / "new", tmp_path / "there"
    for folder, text in ((new, "new"), (there, "old")):
        folder.mkdir()
        for name in ("net.bin", "net.xml"):
            (folder / name).write_text(text)
    files = [new / "net.bin", new / "net.xml"]
    publish(files, there)
    assert [(there / name).read_text() for name in ("net.bin", "net.xml")] == ["new", "new"]
    files[0].write_text("newer")  # and net.xml is gone
    with pytest.raises(FileNotFoundError):
        publish(files, there)
    assert not list(there.iterdir())
    (there / "net.xml").mkdir()
    with pytest.raises(IsADirectoryError, match=r"net.xml is a folder. Choose another name"):
        publish(files, there)


def test_folders_made_for_nothing_go_away(tmp_path):
    with pytest.raises(KeyError), made(tmp_path / "a" / "b"):
        raise KeyError
    assert not list(tmp_path.iterdir())
    with made(tmp_path / "a" / "b") as folder:
        assert folder.is_dir()
    assert folder.is_dir()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    require_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"--output .*file cannot be written to: File exists\. Choose another folder"):
        require_folder(tmp_path / "file")


def test_json_there_and_back(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": [1, None]})
    assert path.read_text() == '{\n  "a": [\n    1,\n    null\n  ]\n}\n'
    assert read_json(path) == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"a\.json is not JSON \(.*\)\. Remove it, or restore it"),
        ("[1]", r"a\.json should hold a JSON object\. Received: list"),
        ("[" * 200_000, r"a\.json is not JSON"),
    ],
)
def test_what_is_no_json_object(text, message, tmp_path):
    path = tmp_path / "a.json"
    write_text(path, text)
    with pytest.raises(ValueError, match=message):
        read_json(path)


def test_rows_of_numbers_are_one_line():
    report = {"matrix": [[1, 2], [3, 4]], "name": "Stra\u00dfe", "share": 0.5}
    text = to_json(report)
    assert json.loads(text) == report
    assert "[1, 2]," in text
    assert "Stra\u00dfe" in text


def test_sha256_of_a_path_and_of_an_open_file(tmp_path):
    contents = bytes(range(256)) * 10_000  # more than one block
    expected = hashlib.sha256(contents).hexdigest()
    (tmp_path / "a").write_bytes(contents)
    assert sha256_of(tmp_path / "a") == expected
    assert sha256_of(str(tmp_path / "a")) == expected
    assert sha256_of(io.BytesIO(contents)) == expected
