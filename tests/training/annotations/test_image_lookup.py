"""Which image an annotation means by a name: looked up, never followed."""

import pytest
from PIL import Image

from tests.training.imported import SQUARE, label, labelme, run_import, shape
from tests.training.tiny import picture, write


@pytest.mark.parametrize("path", ["../images/a.png", "..\\images\\a.png", "C:\\Users\\b\\images\\a.png", "/etc/a.png"])
def test_image_paths_are_looked_up_not_followed(source, out, path):
    labelme(source, "a", [shape("cat", SQUARE)], imagePath=path)
    (source / "images").mkdir()
    (source / "a.png").rename(source / "images" / "a.png")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert label(out, "a").any()


def test_images_may_lie_elsewhere(source, out, tmp_path, capsys):
    labelme(source, "a", [shape("cat", SQUARE)])
    elsewhere = tmp_path / "pictures"
    elsewhere.mkdir()
    (source / "a.png").rename(elsewhere / "a.png")
    assert run_import("labelme", source, out) == 2
    told = capsys.readouterr().err
    assert "a.json names the image 'a.png', and below" in told
    assert "--images DIR" in told
    assert run_import("labelme", source, out, "--images", elsewhere, "--val", "0") == 0


def test_of_two_images_of_one_name_the_one_beside_is_taken(source, out, capsys):
    for folder, value in (("x", 3), ("y", 200)):
        (source / folder).mkdir()
        labelme(source / folder, "a", [shape("cat", SQUARE)])
        Image.new("RGB", (24, 20), (value, 0, 0)).save(source / folder / "a.png")
    assert run_import("labelme", source, out, "--val", "0") in (0, 1)
    assert (out / "images/y/a.png").read_bytes() == (source / "y/a.png").read_bytes()
    (source / "x/a.json").rename(source / "a.json")
    assert run_import("labelme", source, out.with_name("again")) == 2
    assert "which may be" in capsys.readouterr().err


def test_case_and_the_coding_of_accents_make_no_difference_where_there_is_no_other(source, out):
    labelme(source, "a", [shape("cat", SQUARE)], imagePath="Fu\u0308r.PNG")  # as macOS and cameras write it
    (source / "a.png").rename(source / "f\u00fcr.png")
    labelme(source, "b", [shape("cat", SQUARE)])
    Image.fromarray(picture(20, 24, 7)).save(source / "B.png")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert label(out, "a").any()
    assert (out / "images/b.png").read_bytes() == (source / "b.png").read_bytes()


def test_a_name_that_begins_above_the_images_is_not_taken_for_a_deeper_one(source, out, tmp_path):
    for place, value in (("photos/x", 3), ("photos/y/x", 200)):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (24, 20), (value, 0, 0)).save(tmp_path / place / "a.png")
    labelme(source, "a", [shape("cat", SQUARE)], image=False, imagePath="../photos/x/a.png")
    assert run_import("labelme", source, out.with_name("new"), "--images", tmp_path / "photos", "--val", "0") == 0
    assert (out.with_name("new") / "images/a.png").read_bytes() == (tmp_path / "photos/x/a.png").read_bytes()


def test_masks_that_are_called_like_images(source, out):
    """Nothing but the name of its folder tells a mask from the image of the same name."""
    (source / "json").mkdir()
    labelme(source / "json", "a", [shape("cat", SQUARE)], image=False)
    write(source / "photos" / "a.png", picture(20, 24, seed=1))
    for folder in ("Labels", "masks", "SegmentationClass"):
        write(source / folder / "a.png", picture(20, 24, seed=2))
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert (out / "images/json/a.png").read_bytes() == (source / "photos/a.png").read_bytes()
