"""`fcn-doctor --import labelme`: shapes worked out by hand, the classes, and where the images come from."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.training.imported import SQUARE, files, label, labelme, names, run_import, shape
from tests.training.tiny import picture


def drawn(source, out, *shapes, size=(20, 24), options=()):
    """Import one image with these shapes; return its label."""
    labelme(source, "a", list(shapes), size)
    assert run_import("labelme", source, out, "--val", "0", *options) in (0, 1)
    return label(out, "a")


def box(rows, columns, value=1, size=(20, 24)):
    expected = np.zeros(size, np.uint8)
    expected[rows, columns] = value
    return expected


def test_a_later_shape_lies_on_top_and_groups_change_nothing(source, out):
    found = drawn(
        source,
        out,
        shape("cat", [[0, 0], [9, 0], [9, 9], [0, 9]], group_id=1),
        shape("dog", [[5, 5], [12, 5], [12, 12], [5, 12]], group_id=1),
        shape("cat", [[11, 11], [14, 11], [14, 14], [11, 14]], group_id=1),
    )
    expected = box(slice(0, 10), slice(0, 10))
    expected[5:13, 5:13] = 2
    expected[11:15, 11:15] = 1
    np.testing.assert_array_equal(found, expected)
    assert names(out) == ["background", "cat", "dog"]


def test_images_are_copied_byte_for_byte_and_others_counted(source, out, capsys):
    labelme(source, "a", [shape("cat", SQUARE)])
    labelme(source, "b", [])
    Image.fromarray(picture(9, 9)).save(source / "c.png")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert files(out) == ["classes.txt", "images/a.png", "images/b.png", "labels/a.png", "labels/b.png"]
    assert (out / "images/a.png").read_bytes() == (source / "a.png").read_bytes()
    assert not label(out, "b").any()
    assert "left out, image without annotation: 1 (c.png)" in capsys.readouterr().out


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_embedded_images_are_unpacked(source, out, format):
    file = io.BytesIO()
    Image.fromarray(picture(20, 24)).save(file, format)
    embedded = base64.b64encode(file.getvalue()).decode()
    labelme(source, "a", [shape("cat", SQUARE)], image=False, imageData=embedded, imagePath="gone.jpg")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert (out / f"images/a.{'png' if format == 'PNG' else 'jpg'}").read_bytes() == file.getvalue()
    np.testing.assert_array_equal(label(out, "a"), box(slice(3, 9), slice(2, 7)))


@pytest.mark.parametrize("turned", [5, 6, 7, 8])
@pytest.mark.parametrize("upright", [True, False])
def test_labels_fit_the_image_as_exif_turns_it(source, out, turned, upright):
    exif = Image.Exif()
    exif[0x0112] = turned
    labelme(source, "a", [shape("cat", [[1, 2], [4, 2], [4, 9], [1, 9]])], size=(24, 20) if upright else (20, 24))
    Image.fromarray(picture(20, 24)).save(source / "a.png", exif=exif)
    assert run_import("labelme", source, out, "--val", "0") == 0
    found = label(out, "a")
    assert found.shape == (24, 20)
    expected = np.zeros((24, 20) if upright else (20, 24), np.uint8)
    expected[2:10, 1:5] = 1
    if not upright:  # Pillow's own transposition of each EXIF orientation
        ways = {5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
        expected = np.array(Image.fromarray(expected).transpose(Image.Transpose[ways[turned]]))
    np.testing.assert_array_equal(found, expected)


def test_other_json_is_left_out_or_named(source, out, capsys):
    (source / "settings.json").write_text('{"images": []}')
    assert run_import("labelme", source, out) == 2
    assert "settings.json has no `shapes`. For COCO's, say --import coco" in capsys.readouterr().err
    labelme(source, "a", [shape("cat", SQUARE)])
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert "left out, file of another kind: 1 (settings.json)" in capsys.readouterr().out


def test_an_empty_folder_holds_no_annotations(source, out, capsys):
    assert run_import("labelme", source, out) == 2
    assert "there is no JSON or XML file below" in capsys.readouterr().err
    assert run_import("labelme", source / "gone", out) == 2
    assert "is not a folder" in capsys.readouterr().err


FAULTS = {
    "shapes": ({"shapes": 3}, "should hold a list as `shapes`"),
    "size": ({"imageHeight": 40, "imageWidth": 48}, "was drawn on an image of 40x48 pixels"),
    "size of text": ({"imageHeight": "x"}, "`imageHeight` should be an integer from 1"),
    "size of nothing": ({"imageHeight": float("nan")}, "`imageHeight` should be an integer from 1"),
    "no image": ({"imagePath": 5}, "should name its image"),
    "embedded": ({"imagePath": "gone", "imageData": "?"}, "that is no base64"),
    "embedded text": (
        {"imagePath": "gone", "imageData": "aGVsbG8="},
        "annotation of a cannot be read as an image",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_strangers_files_end_in_one_line(source, out, capsys, fault):
    given, message = FAULTS[fault]
    more = dict(given)
    labelme(source, "a", more.pop("shapes", []), **more)
    assert run_import("labelme", source, out) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "a.json" in told or "annotation of a" in told
    assert told.count("\n") == 1
    assert [path.name for path in out.parent.iterdir()] == ["annotated"]


def test_bad_files_may_be_skipped(source, out, capsys):
    for key in ("a", "b", "c", "d"):
        labelme(source, key, [shape("cat", SQUARE)])
    (source / "b.json").write_text("{")
    labelme(source, "c", [shape("cat", SQUARE)], imagePath=3)
    assert run_import("labelme", source, out, "--on-error", "skip", "--val", "0") in (0, 1)
    printed = capsys.readouterr()
    assert printed.err.count("fcn-doctor: skipped: ") == 2
    assert "skipped, as said above: 2" in printed.out
    assert [name for name in files(out) if "images" in name] == ["images/a.png", "images/d.png"]
    assert [name for name in files(out) if "labels" in name] == ["labels/a.png", "labels/d.png"]


def test_nothing_left_is_an_error(source, out, capsys):
    labelme(source, "a", [shape("cat", SQUARE)], imageHeight=40)
    assert run_import("labelme", source, out, "--on-error", "skip") == 2
    assert "None of 1 files can be read" in capsys.readouterr().err
    assert not out.exists()


def square(left, top, name="cat"):
    return shape(name, [[left, top], [left + 4, top], [left + 4, top + 4], [left, top + 4]])


def test_files_about_one_image_are_joined(source, out, capsys):
    for person, shapes in (("ben", [square(4, 4, "dog")]), ("anna", [square(2, 2)])):
        (source / person).mkdir()
        labelme(source / person, "a", shapes, image=False, imagePath="..\\a.png")
    Image.fromarray(picture(20, 24)).save(source / "a.png")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert files(out) == ["classes.txt", "images/a.png", "labels/a.png"]
    expected = box(slice(2, 7), slice(2, 7))
    expected[4:9, 4:9] = 2  # of ben's file, whose name comes later
    np.testing.assert_array_equal(label(out, "a"), expected)
    told = capsys.readouterr().out
    assert "of shapes that overlap, the later is on top" in told
    assert "1 image labelled by several files or entries, joined" in told
    assert "they give 9 pixels of 1 image different classes: 9 of a (anna/a.json, ben/a.json)" in told


def test_files_that_embed_one_image_are_joined(source, out):
    file = io.BytesIO()
    Image.fromarray(picture(20, 24)).save(file, "PNG")
    embedded = base64.b64encode(file.getvalue()).decode()
    for key, shapes in (("a", [square(2, 2)]), ("b", [square(10, 2)])):
        labelme(source, key, shapes, image=False, imageData=embedded, imagePath="gone.png")
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert files(out) == ["classes.txt", "images/a.png", "labels/a.png"]
    assert label(out, "a").sum() == 50


def test_void_contradicts_nothing(source, out, capsys):
    for key, name in (("a", "cat"), ("b", "__ignore__")):
        labelme(source, key, [square(2, 2, name)], image=key == "a", imagePath="a.png")
    assert run_import("labelme", source, out, "--val", "0") in (0, 1)
    told = capsys.readouterr().out
    assert "1 image labelled by several files" in told
    assert "different classes" not in told


def test_folders_called_like_splits_divide(source, out):
    for folder, key in (("train", "a"), ("valid", "bb")):
        (source / folder).mkdir()
        labelme(source / folder, key, [shape("cat", SQUARE)])
    assert run_import("labelme", source, out) == 0
    written = ["classes.txt", "train/images/a.png", "train/labels/a.png", "val/images/bb.png", "val/labels/bb.png"]
    assert files(out) == written
    labelme(source, "ccc", [shape("cat", SQUARE)])
    assert run_import("labelme", source, out.with_name("mixed"), "--val", "0") == 0
    assert "images/train_/a.png" in files(out.with_name("mixed"))  # `images/train` would be a split, without ccc
