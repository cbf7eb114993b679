"""Files of this disk and of a bucket, by the same functions."""

import os
from pathlib import Path

import pytest

from serving.batch import filesystems
from tests.serving.batch.files import put


@pytest.fixture(params=["disk", "bucket"])
def place(request, tmp_path):
    """The address of a folder, as `fcn-batch` is given it; its files lie in `tmp_path` either way."""
    return str(tmp_path) if request.param == "disk" else f"room:/{tmp_path}"


def test_relative_paths_start_at_a_folder_and_dots_are_resolved():
    assert filesystems.absolute("a/../b.jpg", "/x") == "/x/b.jpg"
    assert filesystems.absolute("/a//./b.jpg", "/x") == "/a/b.jpg"
    assert filesystems.absolute("s3://b/a/../c", "/x") == "s3://b/c"


def test_a_file_is_replaced_when_it_is_complete(place, tmp_path):
    put(tmp_path, a__png=b"old")  # of a bundle that is tried again; the bucket renames onto no file
    with filesystems.replacing(f"{place}/a.png") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "a.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert filesystems.read_file(f"{place}/a.png") == b"new"
    assert filesystems.read_file(f"{place}/a.png", 2) == b"ne"


def test_files_below_a_folder_whose_name_looks_like_a_pattern(place, tmp_path):
    put(tmp_path / "o[ut]", a__png=b"", b__txt=b"")
    put(tmp_path / "o[ut]" / "in", c__png=b"")
    put(tmp_path / "ou", d__png=b"")
    folder = f"{place}/o[ut]"
    assert sorted(filesystems.files_below(folder)) == [f"{folder}/a.png", f"{folder}/b.txt", f"{folder}/in/c.png"]
    assert filesystems.files_below(folder, "*.txt") == [f"{folder}/b.txt"]
    assert filesystems.files_below(f"{place}/none") == []


def test_what_is_deleted_is_that_file_or_folder_alone(place, tmp_path):
    put(tmp_path, **{"[ab]__png": b"", "a__png": b""})
    put(tmp_path / "labels" / "in", c__png=b"")
    put(tmp_path / "labels_2", d__png=b"")
    if place.startswith("room"):
        filesystems.delete(f"{place}/a.png")
    else:
        filesystems.delete(f"{place}/[ab].png")
    filesystems.delete_folder(f"{place}/labels")
    filesystems.delete_folder(f"{place}/none")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"[ab].png" if place.startswith("room") else "a.png", "labels_2/d.png"}


def test_a_bucket_s_folder_is_copied_for_a_while_and_a_local_one_is_itself(place, tmp_path):
    put(tmp_path / "m", a__pb=b"1")
    put(tmp_path / "m" / "assets", c__txt=b"2", d__png=b"")
    with filesystems.local_copy(f"{place}/m", ["a.pb", "assets/*.txt"]) as folder:
        assert (folder == str(tmp_path / "m")) == (not place.startswith("room"))
        names = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*")}
        assert names - {"assets/d.png"} == {"a.pb", "assets/c.txt"}
    assert os.path.exists(folder) == (not place.startswith("room"))


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="Is a pipe"):
        filesystems.read_file(f"{tmp_path}/pipe.png")
