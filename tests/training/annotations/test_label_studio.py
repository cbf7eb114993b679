"""`fcn-doctor --import label-studio`: its own exports pixel for pixel, and what is left out of tasks that are wrong."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import label, names, run_import
from tests.training.tiny import picture, write
from training.annotations.label_studio_runs import encode_brush

SIZE = (10, 20)


def region(kind="polygon", name="car", **value):
    """Make a result as Label Studio writes it: a right triangle unless something else is said."""
    if kind == "polygon":
        value = {"points": [[10, 10], [60, 10], [60, 80]], **value}
    named = {} if name is None else {f"{kind}labels": [name]}
    return {
        "id": "r1",
        "type": f"{kind}labels",
        "original_width": SIZE[1],
        "original_height": SIZE[0],
        "image_rotation": 0,
        "value": {**value, **named},
    }


def brush(mask, name="road"):
    return region("brush", name, format="rle", rle=encode_brush(mask))


def task(source, results, number=1, image=None, **more):
    write(source / f"{number}.png", picture(*SIZE, seed=number))
    annotations = more.pop("annotations", [{"id": 10 * number, "result": results}])
    return {"id": number, "data": {"image": image or f"{number}.png"}, "annotations": annotations, **more}


def export(source, *tasks):
    (source / "export.json").write_text(json.dumps(tasks))
    return source


def square(top, left, size=3):
    mask = np.zeros(SIZE, bool)
    mask[top : top + size, left : left + size] = True
    return mask


@pytest.mark.parametrize(
    ("part", "prefix", "options"), [("json", "", ()), ("pngs", "strokes_", ()), ("min", "by_tag_", ("--images",))]
)
def test_its_own_exports(source, out, tmp_path, capsys, part, prefix, options):
    """Of JSON, of JSON-MIN, and of brush PNGs with tasks, against what its converter makes of each region."""
    maps = unpacked("label_studio", "label_maps", tmp_path / "maps")
    unpacked("label_studio", part, source)
    photos = unpacked("label_studio", "json", tmp_path / "kept")
    assert run_import("auto", source, out, "--val", "0", *options, *[photos] * len(options)) == 0
    classes = ["background", "car", "pave ment", "road", "sky"]
    found = names(out)
    assert found == (classes if part != "pngs" else ["background", "pave ment", "road"])
    for name in ("street_1", "street_2"):
        with Image.open(maps / f"{prefix}{name}.png") as ids:
            expected = np.array([found.index(each) if each in found else 0 for each in classes])[np.array(ids)]
        key = name if part == "pngs" else f"{name}"
        path = next(path for path in (out / "labels").rglob(f"{key}.png"))
        np.testing.assert_array_equal(label(out, path.relative_to(out / "labels").with_suffix("").as_posix()), expected)
    told = capsys.readouterr().out
    assert "left out, task without annotation: 1 (" in told
    assert ("brush PNGs do not tell which" in told) == (part == "pngs")
    assert ("JSON-MIN tells it within a tag alone" in told) == (part == "min")


def test_a_bad_shape_costs_neither_its_image_nor_the_import(source, out, capsys):
    good = brush(square(2, 2))
    bad = [
        region(points=[[1, 1], [2, 2]]),
        region(points=[[1, 1], "x", [2, 2]]),
        region(name=None),
        {**region(), "value": {**region()["value"], "polygonlabels": ["a", "b"]}},
        {**region(), "image_rotation": 90},
        {**region(), "original_width": None},
        region("brush", "road", rle=[1, 2]),
        region("brush", "road", rle=good["value"]["rle"][:-2]),
        region("brush", "road", rle="text"),
        region("brush", "road", rle=encode_brush(np.zeros((5, 5), bool))),
        region("brush", "road", rle=encode_brush(np.zeros(SIZE, bool))),
        {**region("keypoint", "car", x=1, y=1, width=1), "type": "keypointlabels"},
        "text",
    ]
    bad = [{**each, "id": f"r{number}"} if isinstance(each, dict) else each for number, each in enumerate(bad, 1)]
    good["id"] = "good"
    choice = {"id": "c", "type": "choices", "value": {"choices": ["wet"]}}
    assert run_import("auto", export(source, task(source, [*bad, good, choice])), out, "--val", "0") in (0, 1)
    np.testing.assert_array_equal(label(out, "1"), square(2, 2) * names(out).index("road"))
    told = capsys.readouterr().out
    assert "shapes left out: 13 of 14" in told
    for reason in (
        "polygon of fewer than three points: 1 (export.json: task 1 annotation 10: region 'r1': 2 points)",
        "shape without a label: 1",
        "shape of several labels: 1",
        "shape on an image that was turned in Label Studio: 1",
        "shape without the size of its image: 1",
        "brush without run lengths: 2",
        "brush whose run lengths are damaged: 1",
        "brush of another size than the image: 1",
        "shape that covers no pixel: 1",
        "keypointlabels, which covers nothing: 1",
        "region that is no object: 1",
    ):
        assert reason in told


def test_annotators_are_joined_and_contradictions_are_said(source, out, capsys):
    pair = [{"id": 1, "result": [brush(square(0, 0))]}, {"id": 2, "result": [brush(square(2, 2), "car")]}]
    skipped = {"id": 3, "was_cancelled": True, "result": [brush(square(6, 6), "sky")]}
    (source / "notes.txt").write_text("")
    again = {**task(source, [brush(square(6, 10), "sky")], 2), "data": {"image": "1.png"}}
    assert run_import("auto", export(source, task(source, [], annotations=[*pair, skipped]), again), out) in (0, 1)
    expected = np.zeros(SIZE, int)
    for top, left, value in ((0, 0, 2), (2, 2, 1), (6, 10, 3)):
        expected[square(top, left)] = value
    np.testing.assert_array_equal(label(out, "1"), expected)
    told = capsys.readouterr().out
    assert "1 image labelled by several files or entries, joined" in told
    assert "they give 1 pixel of 1 image different classes" in told
    assert "left out, annotation that was skipped: 1 (export.json: task 1 annotation 3)" in told
    assert "left out, image without annotation: 1 (2.png)" in told
    assert "left out, file of no known use: 1 (notes.txt)" in told


def test_the_same_region_under_two_types(source, out):
    """A project of `<Labels>` and `<Polygon>` writes the outline twice: alone, and with its label."""
    alone = {**region(name=None), "type": "polygon"}
    named = {**region(name=None), "type": "labels"}
    named["value"] = {**named["value"], "labels": ["car"]}
    assert run_import("auto", export(source, task(source, [alone, named])), out) in (0, 1)
    assert names(out) == ["background", "car"]
    assert label(out, "1").any()


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/7/0a1b2c3d-1.png",
        "/data/local-files/?d=photos%2F1.png",
        "https://example.com/a/1.png?token=x",
        "s3://bucket/photos/1.png",
        "1.png",
    ],
)
def test_addresses_of_images(source, out, image):
    assert run_import("auto", export(source, task(source, [brush(square(1, 1))], image=image)), out, "--val=0") in (
        0,
        1,
    )
    assert label(out, "1").any()


def test_an_ellipse_and_a_turned_rectangle(source, out):
    ellipse = region("ellipse", "car", x=50, y=50, radiusX=25, radiusY=50, rotation=0)
    box = region("rectangle", "sky", x=50, y=0, width=50, height=20, rotation=90)  # 10 x 2 pixels about (10, 0)
    entry = task(source, [ellipse, box])
    assert run_import("auto", export(source, entry), out, "--val", "0") in (0, 1)
    y, x = np.mgrid[0:10, 0:20] + 0.5
    inside = (x - 10) ** 2 + (y - 5) ** 2 <= 25
    sky = (x > 8) & (x < 10)
    found = label(out, "1")
    np.testing.assert_array_equal(found == 2, sky)
    assert np.count_nonzero((found == 1) != (inside & ~sky)) <= 4  # COCO's fill rounds corners to pixels


def test_what_is_none(source, out, capsys):
    write(source / "task-1-annotation-2-by-3-tag-road-0.png", np.zeros(SIZE, np.uint8))
    assert run_import("auto", source, out) == 2
    assert "name tasks by number and no image. Export the tasks as JSON too" in capsys.readouterr().err
    (source / "a.json").write_text('{"shapes": []}')
    assert run_import("label-studio", source, out) == 2
    assert "holds no tasks of Label Studio's: expected a JSON list of objects" in capsys.readouterr().err
    two = {**task(source, [brush(square(1, 1))]), "data": {"left": "1.png", "right": "2.png"}}
    assert run_import("label-studio", export(source, two), out) == 2
    assert "task 1 should name one image in its data. Received: 2." in capsys.readouterr().err
    gone = task(source, [brush(square(1, 1))], image="gone.png")
    assert run_import("label-studio", export(source, gone), out) == 2
    assert "task 1 names the image 'gone.png'" in capsys.readouterr().err


def test_a_broken_file_among_others(source, out, capsys):
    export(source, task(source, [brush(square(1, 1))]))
    (source / "zz.json").write_text("[")
    assert run_import("label-studio", source, out) == 2
    assert "zz.json cannot be read as " in capsys.readouterr().err
    assert run_import("label-studio", source, out, "--on-error", "skip") in (0, 1)
    assert label(out, "1").any()


def test_without_pycocotools(source, out, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    export(source, task(source, [region()]))
    assert run_import("label-studio", source, out) == 2
    assert 'need pycocotools: pip install "fcn_keras[coco]"' in capsys.readouterr().err
