"""`fcn-doctor --import labelme`: shapes worked out by hand, the classes, and where the images come from."""

import base64
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from tests.training.imported import SQUARE, files, label, labelme, names, run_import, shape
from tests.training.label_maps import NAMES, painted
from tests.training.tiny import picture
from training.annotations import labelme as labelme_files
from training.annotations.labelme import write_labelme
from training.predict.marks import is_result
from training.predict.results import Classes, Result


def drawn(source, out, *shapes, size=(20, 24), options=()):
    """Import one image with these shapes; return its label."""
    labelme(source, "a", list(shapes), size)
    assert run_import("labelme", source, out, "--val", "0", *options) in (0, 1)
    return label(out, "a")


def box(rows, columns, value=1, size=(20, 24)):
    expected = np.zeros(size, np.uint8)
    expected[rows, columns] = value
    return expected


def test_a_polygon_holds_its_outline(source, out):
    np.testing.assert_array_equal(drawn(source, out, shape("cat", SQUARE)), box(slice(3, 9), slice(2, 7)))


def test_a_triangle(source, out):
    found = drawn(source, out, shape("cat", [[0, 0], [4, 0], [0, 4]]))
    expected = np.zeros((20, 24), np.uint8)
    for row in range(5):
        expected[row, : 5 - row] = 1
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("corners", [[[2, 3], [6, 8]], [[6, 8], [2, 3]], [[6, 3], [2, 8]], SQUARE])
def test_a_rectangle_from_any_corner(source, out, corners):
    found = drawn(source, out, shape("cat", corners, "rectangle"))
    np.testing.assert_array_equal(found, box(slice(3, 9), slice(2, 7)))


def test_a_circle_is_centre_and_rim(source, out):
    found = drawn(source, out, shape("cat", [[5, 6], [7, 6]], "circle"))
    expected = box(slice(4, 9), slice(3, 8))
    expected[[4, 4, 8, 8], [3, 7, 3, 7]] = 0  # the corners are 2.8 from the centre
    np.testing.assert_array_equal(found, expected)


def test_a_point_is_five_in_radius(source, out):
    found = drawn(source, out, shape("cat", [[11, 10]], "point"))
    assert np.flatnonzero(found[10]).tolist() == list(range(6, 17))
    assert np.flatnonzero(found[:, 11]).tolist() == list(range(5, 16))
    assert not found[[5, 15], [6, 16]].any()


@pytest.mark.parametrize("kind", ["line", "linestrip"])
def test_a_line_is_ten_wide(source, out, kind):
    found = drawn(source, out, shape("cat", [[2, 10], [21, 10]], kind))
    assert (found[:, 4:20].sum(axis=0) == 10).all()
    assert (found[10, 4:20] == 1).all()


def test_a_mask_fills_its_box(source, out):
    stencil = np.array([[1, 0, 1], [0, 1, 1]], bool)
    file = io.BytesIO()
    Image.fromarray(stencil).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    found = drawn(source, out, shape("cat", [[4, 7], [6, 8]], "mask", mask=encoded))
    np.testing.assert_array_equal(found[7:9, 4:7], stencil)
    assert found.sum() == 4


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


def test_what_lies_outside_is_cut_off(source, out):
    found = drawn(source, out, shape("cat", [[-5, -5], [3, -5], [3, 2], [-5, 2]]))
    np.testing.assert_array_equal(found, box(slice(0, 3), slice(0, 4)))


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
    assert "left out, JSON of another kind: 1 (settings.json)" in capsys.readouterr().out


def test_an_empty_folder_holds_no_annotations(source, out, capsys):
    assert run_import("labelme", source, out) == 2
    assert "there is no JSON file below" in capsys.readouterr().err
    assert run_import("labelme", source / "gone", out) == 2
    assert "is not a folder" in capsys.readouterr().err


FAULTS = {
    "nan": ([shape("cat", [[1, 1], [float("nan"), 2], [3, 3]])], "NaN is no number"),
    "infinite": ([shape("cat", [[1, 1], [float("inf"), 2], [3, 3]])], "should be finite numbers. Received: inf"),
    "huge": ([shape("cat", [[1, 1], [10**400, 2], [3, 3]])], "should be numbers"),
    "far": ([shape("cat", [[1, 1], [1e9, 2], [3, 3]])], "far outside of 24x20 pixels"),
    "text": ([shape("cat", [["x", 1], [1, 2], [3, 3]])], "should be numbers"),
    "two points": ([shape("cat", [[1, 1], [2, 2]])], "a polygon cannot have points of the shape (2, 2)"),
    "flat": ([shape("cat", [1, 2, 3])], "cannot have points of the shape (3,)"),
    "kind": ([shape("cat", SQUARE, "spline")], "is of the type 'spline'"),
    "kind of lists": ([shape("cat", SQUARE, [[]])], "is of the type [[]]"),
    "no label": ([shape(None, SQUARE)], "the label of shape 0 should be a name"),
    "no mask": ([shape("cat", [[1, 1], [2, 2]], "mask", mask="AAAA")], "its `mask` cannot be read"),
    "shapes": ({"shapes": 3}, "should hold a list of objects as `shapes`"),
    "size": ({"imageHeight": 40, "imageWidth": 48}, "was drawn on an image of 40x48 pixels"),
    "size of text": ({"imageHeight": "x"}, "`imageHeight` should be an integer from 1"),
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
    more = dict(given) if isinstance(given, dict) else {"shapes": given}
    labelme(source, "a", more.pop("shapes", []), **more)
    path = source / "a.json"
    path.write_text(path.read_text().replace("Infinity", "1e999"))  # JSON, and more than a float holds
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
    labelme(source, "c", [shape("cat", SQUARE, "spline")])
    assert run_import("labelme", source, out, "--on-error", "skip", "--val", "0") in (0, 1)
    printed = capsys.readouterr()
    assert printed.err.count("fcn-doctor: skipped: ") == 2
    assert "skipped, as said above: 2" in printed.out
    assert [name for name in files(out) if "images" in name] == ["images/a.png", "images/d.png"]
    assert [name for name in files(out) if "labels" in name] == ["labels/a.png", "labels/d.png"]


def test_nothing_left_is_an_error(source, out, capsys):
    labelme(source, "a", [shape("cat", SQUARE, "spline")])
    assert run_import("labelme", source, out, "--on-error", "skip") == 2
    assert "None of 1 files can be read" in capsys.readouterr().err
    assert not out.exists()


def test_polygons_have_an_end(source, out, capsys, monkeypatch):
    monkeypatch.setitem(labelme_files._POINTS, "polygon", range(3, 50))
    labelme(source, "a", [shape("cat", [[1, 1]] * 50)])
    assert run_import("labelme", source, out) == 2
    assert "a polygon cannot have points of the shape (50, 2)" in capsys.readouterr().err


def result(labels, *, source, names=NAMES):
    return Result(source, None, labels.astype(np.uint8), Classes.named(names, len(names)))


def test_a_labelme_file(tmp_path):
    image, labels = tmp_path / "photos" / "ä.jpg", np.zeros((5, 7), int)
    labels[1:3, 2:5] = 2
    path = tmp_path / "out" / "labelme" / "inner" / "ä.json"
    path.parent.mkdir(parents=True)
    image.parent.mkdir()
    Image.new("RGB", (7, 5)).save(image)
    write_labelme(path, result(labels, source=image))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"} <= set(content)
    assert (content["imageHeight"], content["imageWidth"], content["imageData"]) == (5, 7, None)
    assert os.path.samefile(path.parent / content["imagePath"], image)
    polygons = [(NAMES.index(shape["label"]), shape["points"]) for shape in content["shapes"]]
    np.testing.assert_array_equal(painted(labels.shape, polygons), labels)
    assert [shape["label"] for shape in content["shapes"]] == ["sky", "car"]
    assert {shape["shape_type"] for shape in content["shapes"]} == {"polygon"}
    # LabelMe adds keys of its own when it saves; a moved point is somebody's work.
    content["shapes"][0] |= {"mask": None, "flags": {"hidden": False}, "description": None}
    path.write_text(json.dumps(content, indent=2))
    assert is_result(path)
    points = [[1.0, 2.0], *content["shapes"][1]["points"][1:]]
    for edit in ({"points": points}, {"description": "a tram"}, {"group_id": 3}, {"flags": {"hidden": True}}):
        shapes = [content["shapes"][0], content["shapes"][1] | edit]
        path.write_text(json.dumps(content | {"shapes": shapes}))
        assert not is_result(path), edit
    path.write_text(json.dumps(content | {"flags": {"checked": True}}))
    assert not is_result(path)


def labels_in(path):
    return [shape["label"] for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]]


def test_only_a_class_called_background_is_what_no_shape_covers(tmp_path):
    labels = np.zeros((5, 5), int)
    labels[2, 2] = 1
    for given_names, expected in ((None, ["class 0", "class 1"]), (("background", "cat"), ["cat"])):
        given = Result(tmp_path / "a.png", None, labels, Classes.named(given_names, 2))
        write_labelme(tmp_path / "a.json", given)
        assert labels_in(tmp_path / "a.json") == expected


def test_a_link_to_an_image_keeps_its_name(tmp_path):
    for folder in ("store", "photos", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "store" / "0af3").write_bytes(b"")
    (tmp_path / "photos" / "a.png").symlink_to(tmp_path / "store" / "0af3")
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    path = tmp_path / "out" / "a.json"
    write_labelme(path, result(np.zeros((2, 2), int), source=tmp_path / "photos" / "a.png"))
    assert json.loads(path.read_text())["imagePath"] == "../photos/a.png"
