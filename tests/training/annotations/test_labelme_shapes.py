"""LabelMe's shapes: worked out by hand, as LabelMe 6.3.1 draws them, and what of strangers' shapes is left out."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import SQUARE, label, labelme, run_import, shape
from training.annotations import labelme_shapes
from training.annotations.labelme_shapes import draw_shape
from training.annotations.shape_tally import ShapeFault


def drawn_by_tool(folder, name):
    """Return the label map that the tool itself makes of its file."""
    return np.array(Image.open(unpacked("shapes", "expected", folder / "expected") / f"{name}.png"))


def drawn(source, out, *shapes, size=(20, 24), options=()):
    """Import one image with these shapes; return its label."""
    labelme(source, "a", list(shapes), size)
    assert run_import("labelme", source, out, "--val", "0", *options) in (0, 1)
    return label(out, "a")


def box(rows, columns, value=1, size=(20, 24)):
    expected = np.zeros(size, np.uint8)
    expected[rows, columns] = value
    return expected


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_a_polygon_holds_its_outline(source, out):
    np.testing.assert_array_equal(drawn(source, out, shape("cat", SQUARE)), box(slice(3, 9), slice(2, 7)))


def test_a_triangle(source, out):
    found = drawn(source, out, shape("cat", [[0, 0], [4, 0], [0, 4]]))
    expected = np.zeros((20, 24), np.uint8)
    for row in range(5):
        expected[row, : 5 - row] = 1
    np.testing.assert_array_equal(found, expected)


def test_types_in_any_case(source, out):
    np.testing.assert_array_equal(drawn(source, out, shape("cat", SQUARE, "Polygon ")), box(slice(3, 9), slice(2, 7)))


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


def test_what_lies_outside_is_cut_off(source, out):
    found = drawn(source, out, shape("cat", [[-5, -5], [3, -5], [3, 2], [-5, 2]]))
    np.testing.assert_array_equal(found, box(slice(0, 3), slice(0, 4)))


def test_every_type_as_labelme_draws_it(tmp_path, out):
    assert run_import("labelme", unpacked("shapes", "labelme", tmp_path / "export"), out, "--val", "0") == 0
    np.testing.assert_array_equal(label(out, "all"), drawn_by_tool(tmp_path, "labelme"))


def test_several_points_are_each_a_point(source, out):
    found = drawn(source, out, shape("cat", [[11, 10]], "point"), shape("cat", [[3, 3]], "point"))
    both = drawn(source, out.with_name("both"), shape("cat", [[11, 10], [3, 3]], "points"))
    np.testing.assert_array_equal(both, found)


@pytest.mark.parametrize("points", [[2, 3, 6, 3, 6, 8, 2, 8], [SQUARE], [[2, 3, 6, 3, 6, 8, 2, 8]]])
def test_brackets_are_put_right_and_told(source, out, capsys, points):
    found = drawn(source, out, shape("cat", points))
    np.testing.assert_array_equal(found, box(slice(3, 9), slice(2, 7)))
    assert "1 shape read with a bracket too many or too few: a.json: shape 0 (cat)" in capsys.readouterr().out


def test_a_mask_whose_box_is_rounded_otherwise(source, out):
    mask = png(np.ones((3, 4), bool))
    found = drawn(source, out, shape("cat", [[4.6, 7.4], [8.2, 9.9]], "mask", mask=mask))
    np.testing.assert_array_equal(found, box(slice(7, 10), slice(4, 8)))


@pytest.mark.parametrize(
    ("boxes", "expected_pixels"),
    [("leave", {0: 396, 1: 84}), ("rectangle", {0: 396, 1: 54, 2: 30}), ("void", {0: 366, 1: 84, 255: 30})],
)
def test_boxes_may_be_left_or_void(source, out, capsys, boxes, expected_pixels):
    inside = [[0, 0], [6, 0], [6, 11], [0, 11]]  # 7 x 12
    place = [[2, 3], [6, 8]] if boxes != "void" else [[12, 3], [16, 8]]
    found = drawn(source, out, shape("cat", inside), shape("dog", place, "rectangle"), options=("--boxes", boxes))
    values, counts = np.unique(found, return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == expected_pixels
    told = "left out, box (--boxes rectangle or void draws it): 1 (a.json: shape 1 (dog))"
    assert (told in capsys.readouterr().out) == (boxes == "leave")


FAULTS = {
    "nan": (shape("cat", [[1, 1], [float("nan"), 2], [3, 3]]), "coordinates that are no finite numbers"),
    "infinite": (shape("cat", [[1, 1], [float("inf"), 2], [3, 3]]), "coordinates that are no finite numbers"),
    "huge": (shape("cat", [[1, 1], [10**400, 2], [3, 3]]), "coordinates that are no numbers"),
    "far": (shape("cat", [[1, 1], [1e9, 2], [3, 3]]), "point far outside of the image"),
    "outside": (shape("cat", [[30, 1], [40, 2], [33, 9]]), "shape outside of the image"),
    "above": (shape("cat", [[3, -9], [9, -2], [5, -1]]), "shape outside of the image"),
    "text": (shape("cat", [["x", 1], [1, 2], [3, 3]]), "coordinates that are no numbers"),
    "numbers as text": (shape("cat", [["1", "1"], ["9", "2"], ["3", "3"]]), "coordinates that are no numbers"),
    "two points": (shape("cat", [[1, 1], [2, 2]]), "polygon of fewer than three points"),
    "one point": (shape("cat", [[1, 1]]), "polygon of fewer than three points"),
    "on one line": (shape("cat", [[1, 1], [5, 5], [3, 3]]), "shape without area"),
    "flat rectangle": (shape("cat", [[1, 1], [1, 9]], "rectangle"), "shape without area"),
    "circle of nothing": (shape("cat", [[1, 1], [1, 1]], "circle"), "shape without area"),
    "line of nothing": (shape("cat", [[1, 1], [1, 1]], "line"), "shape without area"),
    "odd": (shape("cat", [1, 2, 3]), "odd number of coordinates"),
    "ragged": (shape("cat", [[1, 2], [3, 4], [5]]), "points that are not x and y"),
    "three numbers": (shape("cat", [[1, 2, 3], [3, 4, 5], [5, 9, 1], [1, 1, 1]]), "points that are not x and y"),
    "no points": (shape("cat", []), "shape without points"),
    "no list": (shape("cat", {"x": 1}), "shape without points"),
    "line of three": (shape("cat", SQUARE[:3], "line"), "line of another number of points than 2"),
    "strip of one": (shape("cat", SQUARE[:1], "linestrip"), "linestrip of fewer than 2 points"),
    "kind": (shape("cat", SQUARE, "spline"), "unknown shape type"),
    "kind of lists": (shape("cat", SQUARE, [[]]), "unknown shape type"),
    "no label": (shape(None, SQUARE), "shape without a name of a class"),
    "no mask": (shape("cat", [[1, 1], [2, 2]], "mask"), "mask without a picture"),
    "bad mask": (shape("cat", [[1, 1], [2, 2]], "mask", mask="AAAA"), "mask that is no PNG file, or a damaged one"),
    "large mask": (
        shape("cat", [[1, 1], [2, 2]], "mask", mask=png(np.ones((9, 9), bool))),
        "mask of another size than its box",
    ),
    "empty mask": (
        shape("cat", [[1, 1], [2, 2]], "mask", mask=png(np.zeros((2, 2), bool))),
        "mask that covers nothing of the image",
    ),
    "number for a name": (shape(3, SQUARE), "shape without a name of a class"),
    "no object": (7, "shape that is no object"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_shape_costs_neither_the_image_nor_the_import(source, out, capsys, fault):
    bad, reason = FAULTS[fault]
    found = drawn(source, out, shape("cat", SQUARE), bad)
    np.testing.assert_array_equal(found, box(slice(3, 9), slice(2, 7)))
    told = capsys.readouterr().out
    assert "shapes left out: 1 of 2" in told
    assert f"left out, {reason}: 1 (a.json: shape 1" in told


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_but_bad_shapes_is_an_error(source, out, capsys, fault):
    bad, reason = FAULTS[fault]
    labelme(source, "a", [bad])
    assert run_import("labelme", source, out) == 2
    told = capsys.readouterr().err
    assert f"Every shape is left out, and nothing would be labelled: {reason}: 1 (a.json: shape 0" in told
    assert told.count("\n") == 1
    assert [path.name for path in out.parent.iterdir()] == ["annotated"]


def test_polygons_have_an_end(monkeypatch):
    monkeypatch.setitem(labelme_shapes._POINTS, "polygon", range(3, 50))
    with pytest.raises(ShapeFault, match="polygon of more than 49 points"):
        draw_shape(Image.new("L", (9, 9)), shape("cat", [[1, 1]] * 50), 1)
