"""`fcn-doctor --import datumaro`: its own JSON pixel for pixel, and what is left out of items that are wrong."""

import json
import sys

import numpy as np
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import label, names, run_import
from tests.training.tiny import picture, write

SIZE = (10, 20)


def item(source, annotations, key="a", **more):
    write(source / "images" / f"{key}.png", picture(*SIZE, seed=len(key)))
    picture_of = {"path": f"{key}.png", "size": list(SIZE)}
    return {"id": key, "annotations": annotations, "image": picture_of, **more}


def export(source, *items, name="default.json", labels=("road", "car")):
    (source / "annotations").mkdir(parents=True, exist_ok=True)
    categories = {"label": {"labels": [{"name": label, "parent": ""} for label in labels]}}
    content = {"dm_format_version": "1.0", "infos": {}, "categories": categories, "items": items}
    (source / "annotations" / name).write_text(json.dumps(content))
    return source


def box(number, *numbers, **more):
    return {"type": "bbox", "label_id": number, "bbox": list(numbers), "z_order": 0, **more}


def test_its_own_export(source, out, tmp_path, capsys):
    (unpacked("datumaro", "datumaro", source) / "README.md").write_text("")
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("train", "deep_street_2"), ("val", "street_3")):
        with Image.open(maps / f"{key.replace('deep_', 'deep/')}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))
    told = capsys.readouterr().out
    assert "taken for datumaro: annotations/train.json holds `categories` and `items`" in told
    assert "shapes left out: 6 of 21" in told
    assert "left out, file of no known use: 1 (README.md)" in told


def test_levels_boxes_and_ellipses(source, out):
    shapes = [
        box(1, 0, 0, 4, 4, z_order=2),
        box(0, 2, 2, 7, 7),
        {"type": "ellipse", "label_id": 0, "points": [12, 1, 18, 5], "z_order": 0},
    ]
    assert run_import("datumaro", export(source, item(source, shapes)), out) in (0, 1)
    found = label(out, "a")
    expected = np.zeros(SIZE, int)
    expected[2:9, 2:9] = 1
    expected[:4, :4] = 2
    np.testing.assert_array_equal(found[:, :11], expected[:, :11])
    assert 16 <= (found[:, 11:] == 1).sum() <= 22  # pi * 3 * 2 = 18.8
    again = out.with_name("again")
    assert run_import("datumaro", source, again, "--boxes", "leave", "--unlabelled", "void") in (0, 1)
    assert set(np.unique(label(again, "a"))) == {0, 255}


def test_bad_shapes_are_left_out(source, out, capsys):
    bad = [
        "text",
        {"type": "polygon", "label_id": 0, "points": [1, 2, 3, 4]},
        {"type": "polygon", "label_id": 0, "points": [1, 2, 3, 4, 5]},
        {"type": "polygon", "label_id": 9, "points": [1, 1, 5, 1, 5, 5]},
        {"type": "polygon", "label_id": None, "points": [1, 1, 5, 1, 5, 5]},
        box(0, 1, 2, 3),
        {"type": "ellipse", "label_id": 0, "points": [1, 2, 3]},
        {"type": "mask", "label_id": 0, "rle": {"counts": "zz", "size": [10, 20]}},
        {"type": "mask", "label_id": 0, "rle": {"counts": "52", "size": [1, 1]}},
        {"type": "cuboid_2d", "label_id": 0},
        {"type": "hash_key"},
        {"type": "polygon", "label_id": 0, "points": [1, 1, 5, 1, 5, 5], "z_order": "a"},
    ]
    good = [{"type": "label", "label_id": 0}, {"type": "caption", "caption": "x"}, box(1, 0, 0, 2, 2)]
    assert run_import("datumaro", export(source, item(source, [*bad, *good])), out) in (0, 1)
    assert (label(out, "a") == 2).sum() == 4
    told = capsys.readouterr().out
    assert "shapes left out: 12 of 13" in told
    assert "polygon of fewer than three points: 1 (default.json: item 'a': annotation 1: 2 points)" in told
    assert "cuboid_2d, which covers nothing: 1" in told


def test_what_is_none(source, out, capsys):
    (source / "annotations").mkdir(parents=True)
    assert run_import("datumaro", source, out) == 2
    assert "holds no JSON of Datumaro's: expected objects with `categories` and `items`" in capsys.readouterr().err
    (source / "annotations/a.json").write_text('{"categories": {}, "items": []}')
    assert run_import("datumaro", source, out) == 2
    assert "a.json should list its labels as `categories`, `label`, `labels`." in capsys.readouterr().err


def test_a_broken_file_among_others(source, out, capsys):
    export(source, item(source, [box(1, 0, 0, 2, 2)]))
    (source / "zz.json").write_text("{")
    assert run_import("datumaro", source, out) == 2
    assert "zz.json cannot be read as " in capsys.readouterr().err
    assert run_import("datumaro", source, out, "--on-error", "skip") in (0, 1)
    assert label(out, "a").any()


def test_without_pycocotools(source, out, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    export(source, item(source, [box(1, 0, 0, 2, 2)]))
    assert run_import("datumaro", source, out) == 2
    assert 'need pycocotools: pip install "fcn_keras[coco]"' in capsys.readouterr().err


def test_its_own_ellipses(source, out, tmp_path):
    unpacked("datumaro", "ellipses", source)
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out, "--val", "0") in (0, 1)
    with Image.open(maps / "round.png") as ids:
        assert len(np.unique(np.array(ids))) == 4
        np.testing.assert_array_equal(label(out, "round"), np.array(ids))
