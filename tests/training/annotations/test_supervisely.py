"""`fcn-doctor --import supervisely`: the pixels of its SDK, packed bitmaps of strangers, objects that are wrong."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import label, names, run_import
from tests.training.tiny import picture, write

SIZE = (10, 20)


def packed(array, mode=None, compress=True, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).convert(mode or "L").save(buffer, "PNG", **options)
    data = zlib.compress(buffer.getvalue()) if compress else buffer.getvalue()
    return base64.b64encode(data).decode()


def bitmap(data, origin=(2, 3), name="road", kind="bitmap"):
    return {"classTitle": name, "geometryType": kind, "bitmap": {"data": data, "origin": list(origin)}}


def polygon(exterior, interior=(), name="car", kind="polygon"):
    return {"classTitle": name, "geometryType": kind, "points": {"exterior": exterior, "interior": list(interior)}}


def project(source, *objects, dataset="ds0", key="a.png", size=SIZE):
    write(source / dataset / "img" / key, picture(*SIZE, seed=len(dataset)))
    content = {"size": {"height": size[0], "width": size[1]}, "objects": objects, "tags": []}
    path = source / dataset / "ann" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    classes = [{"title": "road", "shape": "bitmap"}, {"title": "car", "shape": "any"}, {"title": "x", "shape": "point"}]
    (source / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))
    return source


def test_the_pixels_of_its_sdk(source, out, tmp_path, capsys):
    (unpacked("supervisely", "project", source) / "README.md").write_text("")
    maps = unpacked("supervisely", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("val", "street_2"), ("train", "empty")):
        with Image.open(maps / f"{key}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))
    told = capsys.readouterr().out
    assert "taken for supervisely: there are meta.json and train/ann/" in told
    assert "left out, point, which covers nothing: 2" in told
    assert "left out, file of no known use: 1 (README.md)" in told


@pytest.mark.parametrize(
    "data",
    [
        packed(np.eye(4, dtype=np.uint8) * 255),
        packed(np.eye(4, dtype=np.uint8) * 255, compress=False),
        packed(np.eye(4, dtype=np.uint8) * 255, "1"),
        packed(np.eye(4, dtype=np.uint8), "P", transparency=0),
        packed(np.eye(4, dtype=np.uint8)[..., None] * np.array([9, 9, 9, 255], np.uint8), "RGBA"),
    ],
)
def test_bitmaps_of_every_kind(source, out, data):
    assert run_import("supervisely", project(source, bitmap(data)), out) in (0, 1)
    assert np.argwhere(label(out, "ds0/a") == 1).tolist() == [[3, 2], [4, 3], [5, 4], [6, 5]]


def test_an_alpha_mask_is_what_is_half_opaque(source, out):
    values = np.zeros((1, 4, 4), np.uint8)
    values[0, :, 3] = (0, 127, 128, 255)
    shape = bitmap(packed(values, "RGBA"), kind="alpha_mask")
    assert run_import("supervisely", project(source, shape), out) in (0, 1)
    assert np.argwhere(label(out, "ds0/a") == 1).tolist() == [[3, 4], [3, 5]]


def test_bad_objects_are_left_out(source, out, capsys):
    bomb = base64.b64encode(zlib.compress(bytes(30_000_000))).decode()
    bad = [
        "text",
        bitmap(bomb),
        bitmap(packed(np.ones((99, 4), np.uint8))),
        bitmap(packed(np.ones((4, 4), np.uint8))[:-9]),
        bitmap("%%%"),
        bitmap(None),
        bitmap(base64.b64encode(zlib.compress(b"GIF89a")).decode()),
        bitmap(packed(np.ones((4, 4), np.uint8), "RGB")),
        bitmap(packed(np.ones((4, 4), np.uint8)), origin=(2,)),
        bitmap(packed(np.ones((4, 4), np.uint8)), origin=(1e300, 0)),
        bitmap(packed(np.ones((4, 4), np.uint8)), origin=(50, 50)),
        bitmap(packed(np.zeros((4, 4), np.uint8))),
        {**bitmap(packed(np.ones((4, 4), np.uint8))), "classTitle": None},
        polygon([[1, 1], [2, 2]]),
        polygon("text"),
        {**polygon([]), "points": None},
        polygon([[1, 1], [3, 3], [4, 4]], kind="rectangle"),
        polygon([[1, 1]], kind="line"),
        polygon([[1, 1]], kind="blob"),
    ]
    good = polygon([[4, 4], [6, 7]], kind="rectangle")
    assert run_import("supervisely", project(source, *bad, good), out) in (0, 1)
    assert (label(out, "ds0/a") == 2).sum() == 12
    told = capsys.readouterr().out
    assert "shapes left out: 19 of 20" in told
    for reason in (
        "bitmap that is larger than its image: 2",
        "bitmap that cannot be unpacked: 3",
        "bitmap that is no PNG: 1",
        "bitmap of a kind that is not Supervisely's: 1",
        "bitmap without an origin: 2",
        "shape that covers no pixel: 2",
        "polygon of fewer than three points: 1 (ds0/ann/a.png.json: object 13: 2 points)",
        "line, which covers nothing: 1",
        "rectangle that is not two corners: 1",
    ):
        assert reason in told


def test_boxes_and_data_sets_that_are_splits(source, out):
    square = polygon([[4, 4], [6, 7]], kind="rectangle")
    project(source, square, dataset="train")
    project(source, square, polygon([[10, 1], [15, 1], [15, 5]]), dataset="datasets/val")
    assert run_import("supervisely", source, out, "--boxes", "void") in (0, 1)
    assert (label(out, "a", "train") == 255).sum() == 12
    assert names(out) == ["background", "road", "car"]


def test_what_is_none(source, out, capsys):
    source.mkdir(parents=True, exist_ok=True)
    assert run_import("supervisely", source, out) == 2
    assert "has no meta.json. Expected the folder of a project of Supervisely's" in capsys.readouterr().err
    (source / "meta.json").write_text("{}")
    assert run_import("supervisely", source, out) == 2
    assert "should hold a list of objects called `classes`" in capsys.readouterr().err
    (source / "meta.json").write_text('{"classes": []}')
    assert run_import("supervisely", source, out) == 2
    assert "holds no ann/x.jpg.json beside img/x.jpg" in capsys.readouterr().err
    (project(source) / "ds0/img/a.png").unlink()
    assert run_import("supervisely", source, out) == 2
    assert "which is missing. Download the project with its images." in capsys.readouterr().err
    project(source, size=(5, 5))
    assert run_import("supervisely", source, out) == 2
    assert "was drawn on an image of 5x5 pixels" in capsys.readouterr().err
    (source / "ds0/ann/a.png.json").write_text("[]")
    assert run_import("supervisely", source, out) == 2
    assert "should hold `objects` and `size`" in capsys.readouterr().err
