"""What counts as an image to label, how its results are named, and by what they are known again."""

import os

import numpy as np
import pytest
from PIL import Image

from fcn_keras_console.image_files import ImageFinder, files_below, is_written_by, png_mark

FINDER = ImageFinder(frozenset({".png", ".jpg"}), lambda path: path.name.startswith("result"), frozenset({".mp4"}))


@pytest.fixture
def folder(tmp_path):
    """Files that are empty: what an image is, only names and `is_result` tell here."""
    names = ("a.png", "b.v2.JPG", "inner/a.png", "film.mp4", "result.png", "notes.txt", ".hidden/c.png", "inner/.d.png")
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def found(*inputs, **options):
    return [(image.key, image.path.name, image.video) for image in FINDER.find(inputs, **options)]


def test_folders_give_images_alone(folder):
    assert found(folder) == [("a", "a.png", False), ("b.v2", "b.v2.JPG", False), ("inner/a", "a.png", False)]
    assert [path.name for path in files_below(folder)] == [
        "a.png",
        "b.v2.JPG",
        "film.mp4",
        "notes.txt",
        "result.png",
        "a.png",
    ]


def test_patterns_give_videos_as_well_and_files_whatever_they_are(folder):
    assert found(f"{folder}/*") == [("a", "a.png", False), ("b.v2", "b.v2.JPG", False), ("film", "film.mp4", True)]
    assert found(f"{folder}/**/a.*") == [("a", "a.png", False), ("inner/a", "a.png", False)]
    assert found(f"{folder}/i*/a.png") == [("inner/a", "a.png", False)]  # from the last folder without wildcards on
    assert found(folder / "notes.txt", str(folder / "result.png")) == [
        ("notes", "notes.txt", False),
        ("result", "result.png", False),
    ]
    (folder / "a[1].png").touch()
    assert found(folder / "a[1].png") == [("a[1]", "a[1].png", False)]  # its name before what it may mean


def test_what_is_named_twice_is_there_once(folder):
    (folder.parent / "link.png").symlink_to(folder / "a.png")
    linked = folder.parent / "again" / "a.png"
    linked.parent.mkdir()
    linked.symlink_to(folder / "a.png")
    assert found(folder / "a.png", folder / "a.png", linked) == [("a", "a.png", False)]
    assert len(found(folder / "a.png", folder.parent / "link.png")) == 2  # of two names


def test_two_images_of_one_result(folder):
    (folder / "a.jpg").touch()
    with pytest.raises(ValueError, match=r"in/a\.jpg and .*in/a\.png would both become a\.png\. Rename one, or label"):
        found(folder)
    with pytest.raises(ValueError, match=r"^FIRST and SECOND would both become a\.png"):
        found(
            folder / "a.png",
            folder / "inner/a.png",
            name_of={folder / "a.png": "FIRST", folder / "inner/a.png": "SECOND"}.get,
        )
    (folder / "a.mp4").touch()
    assert found(folder / "a.png", folder / "a.mp4") == [("a", "a.png", False), ("a", "a.mp4", True)]  # a.png and a.mp4


def test_companions_have_the_image_s_key(folder, tmp_path):
    for name in ("a.png", "inner/a.jpg", "other.png"):
        (tmp_path / "depth" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "depth" / name).touch()
    images = FINDER.find([folder / "a.png", f"{folder}/**/a.png"], {"depth": tmp_path / "depth"})
    assert [image.companions for image in images] == [
        {"depth": tmp_path / "depth" / "a.png"},
        {"depth": tmp_path / "depth" / "inner" / "a.jpg"},
    ]
    with pytest.raises(ValueError, match=r"b\.v2\.JPG lacks a file of the same name in --depth .*depth\. Add it\."):
        FINDER.find([folder], {"depth": tmp_path / "depth"})
    with pytest.raises(ValueError, match=r"a\.png, .*b\.v2\.JPG, .*a\.png lack a file of the same name in --hha"):
        FINDER.find([folder], {"hha": folder / "result.png"})


def test_what_names_no_image(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "x.mp4").touch()
    for given, message in [
        ("", "An input is empty. Name images, or folders of images; this folder is called `.`."),
        (tmp_path / "none.png", r"none\.png is missing\. Name images, or folders of images\."),
        (tmp_path / "empty", r"empty holds no image\. Expected files such as 0001\.jpg\.$"),
        (tmp_path / "films", r"holds no image\. .* Videos are labelled when they are named: .*x\.mp4\.$"),
        (
            f"{folder}/*.txt",
            r"\.txt matches no image\. .* such as 'photos/\*\*/\*\.jpg', in quotes\. Left alone: 1 \.txt\.$",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            found(given)


def test_what_is_passed_over_is_counted(folder):
    finder = ImageFinder(FINDER.extensions, FINDER.is_result, FINDER.videos, {".heic": "pip install it"})
    for name in ("inner/1.heic", "inner/2.HEIC", "LICENSE", "result.json"):
        (folder / name).touch()
    (folder / "elsewhere").symlink_to(folder.parent)
    others = []
    assert len(finder.find([folder], passed_over=others)) == 3
    told = "left alone: 2 .heic (pip install it reads them), 1 .mp4, 1 .txt, 1 no extension, 1 link, 2 hidden files"
    assert finder.left_alone(others) == told
    others = []
    assert len(finder.find([folder, f"{folder}/*"], passed_over=others)) == 4  # the pattern names the film as well
    assert finder.left_alone(others) == told.replace("1 .mp4, ", "")
    assert finder.left_alone([]) == ""
    (folder / "inner" / "a.png").unlink()
    with pytest.raises(
        ValueError, match=r"as 0001\.jpg\. Left alone: 2 \.heic \(pip install it reads them\), 1 hidden file\.$"
    ):
        finder.find([folder / "inner"])


def test_links_to_nowhere_are_images_and_pipes_and_folders_are_not(folder):
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    assert ("gone", "gone.png", False) in found(folder)
    assert {name for _, name, _ in found(f"{folder}/*.png")} == {"a.png", "gone.png"}


def test_a_folder_that_cannot_be_read_is_told(folder, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        found(folder)


def test_results_are_known_by_their_mark(tmp_path):
    image = Image.fromarray(np.zeros((2, 3), np.uint8))
    image.save(tmp_path / "marked.png", pnginfo=png_mark("fcn-x"))
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "marked.jpg", comment="fcn-x")
    image.save(tmp_path / "plain.gif", comment=b"fcn-x")  # none that a command writes
    (tmp_path / "cut.png").write_bytes((tmp_path / "marked.png").read_bytes()[:40])
    os.mkfifo(tmp_path / "pipe.png")
    names = [path.name for path in sorted(tmp_path.iterdir()) if is_written_by("fcn-x", path)]
    assert names == ["marked.jpg", "marked.png"]
    assert not is_written_by("fcn-y", tmp_path / "marked.png")
    assert not is_written_by("fcn-x", tmp_path / "none.png")


def test_links_that_lead_to_each_other_are_files(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert files_below(tmp_path) == [tmp_path / "a.png", tmp_path / "b.png"]
