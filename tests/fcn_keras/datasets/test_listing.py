import unicodedata

import pytest

from fcn_keras.datasets.listing import files_below, list_images
from fcn_keras_console import image_files


@pytest.fixture
def tree(tmp_path):
    """Links to a folder beside, to a folder above, to itself, to nowhere, and two that lead into each other."""
    folder = tmp_path / "photos"
    for name in ("a.png", "note.txt", ".hidden.png", ".git/x.png", "inner/b.JPG"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "c.png").touch()
    (folder / "linked").symlink_to(tmp_path / "store")
    (folder / "file.png").symlink_to(tmp_path / "store" / "c.png")
    (folder / "inner" / "up").symlink_to(tmp_path)
    (folder / "inner" / "self").symlink_to(folder / "inner")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "store" / "back").symlink_to(tmp_path / "other")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "forth").symlink_to(tmp_path / "store")
    return folder


def test_links_are_followed_and_end(tree):
    listing = list_images(tree)
    assert sorted(listing.images) == ["a", "file", "gone", "inner/b", "linked/c"]
    others = sorted(path.relative_to(tree).as_posix() for path in listing.others)
    assert others == [".git", ".hidden.png", "inner/self", "inner/up", "linked/back/forth", "note.txt"]


def test_both_walks_are_one_rule(tree):
    """The console imports no library, and so it has a walk of its own."""
    mine, theirs = [], []
    assert files_below(tree, mine) == image_files.files_below(tree, others=theirs)
    assert mine == theirs != []


def test_ids_have_one_unicode_form(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Köln é.png")).touch()
    assert list(list_images(tmp_path).images) == ["Köln é"]


def test_two_files_of_one_id(tmp_path):
    for name in ("a.jpg", "a.png", unicodedata.normalize("NFD", "é.png"), "é.png"):
        (tmp_path / name).touch()
    listing = list_images(tmp_path)
    assert listing.doubled[0].name == "a.png"
    assert len(listing.images) == len(listing.doubled) == 2


def test_links_that_lead_to_each_other_are_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "c.png").write_bytes(b"")
    assert sorted(list_images(tmp_path).images) == ["a", "b", "c"]
