"""Files and folders appear whole or not at all; JSON in and out."""

import contextlib
import errno
import hashlib
import io
import json

import pytest

from fcn_keras_console.files import (
    ManyFiles,
    made,
    new_folder,
    read_json,
    require_folder,
    sha256_of,
    to_json,
    write_json,
    write_text,
    written,
    written_together,
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


def test_a_file_replaces_the_older_one_and_its_writer_sees_the_name(tmp_path):
    target = tmp_path / ("a" * 251 + ".png")  # as long as the system allows
    target.write_text("old")
    for durable in (False, True):
        with written(target, durable=durable) as temporary:
            assert temporary.name == target.name
            temporary.write_text(f"new {durable}")
            assert target.read_text() == ("new False" if durable else "old")
        assert target.read_text() == f"new {durable}"
    assert names(tmp_path) == [target.name]


def test_of_two_that_write_at_once_the_last_one_wins_whole(tmp_path):
    target = tmp_path / "a"
    with written(target) as one:
        one.write_text("one")
        with written(target) as other:
            other.write_text("other")
        assert target.read_text() == "other"
    assert target.read_text() == "one"
    assert names(tmp_path) == ["a"]


def test_errors_of_the_disk_name_what_was_to_be_written(tmp_path):
    def full(path, name):
        with ManyFiles() as files, files.written(path) if name is None else written(path) as temporary:
            raise OSError(errno.ENOSPC, "No space left on device", name and str(temporary / name))

    for name in (None, "inner"):
        with pytest.raises(OSError, match="No space left") as caught:
            full(tmp_path / "a.png", name)
        assert caught.value.filename == str(tmp_path / "a.png")


def test_many_files_in_many_folders(tmp_path):
    with ManyFiles() as files:
        for number in range(100):
            with files.written(tmp_path / str(number % 40) / f"{number}.png") as temporary:
                temporary.write_text(str(number))
            if number == 99:
                assert len(list(tmp_path.glob("*/.fcn-*"))) == ManyFiles._MOST
        with contextlib.suppress(KeyError), files.written(tmp_path / "0" / "half.png") as temporary:
            temporary.write_text("half")
            raise KeyError
    assert len(names(tmp_path)) == 40 + 100
    assert (tmp_path / "39" / "79.png").read_text() == "79"


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


def test_files_of_one_result_appear_together(tmp_path):
    for text in ("old", "new"):
        with written_together(tmp_path / "there", "net.xml") as place:
            (place / "pictures").mkdir()
            for name in ("net.xml", "net.bin", "pictures/a.png"):
                (place / name).write_text(text)
    assert names(tmp_path / "there") == ["net.bin", "net.xml", "pictures", "pictures/a.png"]
    assert {path.read_text() for path in (tmp_path / "there").rglob("*.*")} == {"new"}

    def fail():
        with written_together(tmp_path / "there", "net.xml") as place:
            (place / "net.xml").write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (tmp_path / "there" / "net.xml").read_text() == "new"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_new_folder_is_made_where_a_link_leads(tmp_path, is_there):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    if is_there:
        target.mkdir()
    with new_folder(link, "--fix", tmp_path / "photos") as folder:
        folder.mkdir()
        (folder / "a").touch()
    assert link.is_symlink()
    assert names(target) == names(link) == ["a"]


def test_a_new_folder_has_a_name_and_no_endless_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for out, message in (
        ("", r"--fix \. is not a new folder"),
        (".", r"--fix \. is not a new folder"),
        ("a/..", r"--fix a/\.\. is not a new folder"),
        ("loop", "--fix loop is a link that leads nowhere"),
    ):
        with pytest.raises(ValueError, match=message), new_folder(out, "--fix", tmp_path / "photos"):
            raise AssertionError("the body is never reached")


def test_two_do_not_make_one_new_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    with new_folder(tmp_path / "fixed", "--fix", tmp_path / "photos") as folder:
        folder.mkdir()
        (folder / "a").touch()
        with (
            pytest.raises(ValueError, match=r"Another command is writing to .*fixed\. Wait until it ends, or .* --fix"),
            new_folder(tmp_path / "fixed", "--fix", tmp_path / "photos"),
        ):
            raise AssertionError("the body is never reached")
    assert names(tmp_path) == ["fixed", "fixed/a", "photos"]


def test_folders_made_for_nothing_go_away(tmp_path):
    with pytest.raises(KeyError), made(tmp_path / "a" / "b"):
        raise KeyError
    assert not list(tmp_path.iterdir())
    with made(tmp_path / "a" / "b") as folder:
        assert folder.is_dir()
    assert folder.is_dir()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    require_folder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    require_folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"--output .*file cannot be written to: File exists\. Choose another folder"):
        require_folder(tmp_path / "file")
    with pytest.raises(ValueError, match=r"--html .*file/inner cannot be written to"):
        require_folder(tmp_path / "file" / "inner", "--html")


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
