"""`fcn-doctor --import cvat`: XML that Datumaro wrote, z_order, masks in boxes, shapes that are wrong."""

import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import files, label, names, run_import
from tests.training.tiny import picture, write

SIZE = (10, 20)
META = "<meta><task><labels><label><name>road</name><type>any</type></label><label><name>car</name></label>"
META += "<label><name>wet</name><type>tag</type></label></labels></task></meta>"


def image(source, shapes, name="a.png", more="", sizes=f'width="{SIZE[1]}" height="{SIZE[0]}"'):
    write(source / name, picture(*SIZE, seed=len(name)))
    return f'<image id="0" name="{name}" {sizes} {more}>{shapes}</image>'


def export(source, *images, name="annotations.xml", meta=META):
    source.mkdir(parents=True, exist_ok=True)
    (source / name).write_text(f"<annotations><version>1.1</version>{meta}{''.join(images)}</annotations>")
    return source


def box(name, left, top, right, bottom, more=""):
    return f'<box label="{name}" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}" {more}></box>'


def test_what_datumaro_wrote(source, out, tmp_path, capsys):
    unpacked("datumaro", "cvat", source)
    maps = unpacked("datumaro", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("train", "deep/street_2"), ("val", "street_3")):
        with Image.open(maps / f"{key}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))
    assert not label(out, "empty", "train").any()
    told = capsys.readouterr().out
    assert "taken for cvat: train.xml is XML of CVAT's" in told
    assert "images without a shape, all of what no shape covers: 1" in told
    assert "shapes left out: 6 of 21" in told
    assert "left out, points, which covers nothing: 3 (train.xml: image 'deep/street_2.png': points 6" in told


def test_the_higher_z_order_is_on_top(source, out):
    shapes = box("car", 0, 0, 4, 4, 'z_order="2"') + box("road", 2, 2, 9, 9) + box("void", 8, 8, 10, 10, 'z_order="1"')
    assert run_import("cvat", export(source, image(source, shapes)), out) in (0, 1)
    expected = np.zeros(SIZE, int)
    expected[2:9, 2:9] = 1
    expected[8:10, 8:10] = 255
    expected[:4, :4] = 2
    np.testing.assert_array_equal(label(out, "a"), expected)
    assert names(out) == ["background", "road", "car"]  # `wet` is of tags


def test_a_mask_in_its_box(source, out):
    """Three rows of two pixels at (x, y) = (4, 2): run lengths go along the rows."""
    mask = '<mask label="car" rle="1, 2, 2, 1" left="4" top="2" width="2" height="3"></mask>'
    assert run_import("cvat", export(source, image(source, mask)), out) in (0, 1)
    assert np.argwhere(label(out, "a") == 2).tolist() == [[2, 5], [3, 4], [4, 5]]


def test_turned_boxes_and_ellipses(source, out):
    shapes = box("road", 4, 4, 10, 6, 'rotation="90.0"')
    shapes += '<ellipse label="car" cx="15" cy="5" rx="3" ry="2" rotation="0.0"></ellipse>'
    assert run_import("cvat", export(source, image(source, shapes)), out) in (0, 1)
    found = label(out, "a")
    expected = np.zeros(SIZE, bool)
    expected[2:8, 6:8] = True
    np.testing.assert_array_equal(found == 1, expected)
    assert 16 <= (found == 2).sum() <= 22  # pi * 3 * 2 = 18.8


@pytest.mark.parametrize(("boxes", "value"), [("void", 255), ("leave", 0), ("rectangle", 1)])
def test_boxes(source, out, boxes, value):
    shapes = box("road", 0, 0, 4, 4) + '<polygon label="car" points="6,1;9,1;9,5;6,5"></polygon>'
    assert run_import("cvat", export(source, image(source, shapes)), out, "--boxes", boxes) in (0, 1)
    assert label(out, "a")[1, 1] == value
    assert label(out, "a")[3, 7] == 2


def test_bad_shapes_are_left_out(source, out, capsys):
    shapes = "".join(
        (
            '<polygon label="car" points="1,1;2,2"></polygon>',
            '<polygon label="car" points="1,1;x,2;3,3"></polygon>',
            '<polygon label="car" points="1,1;2;3,3"></polygon>',
            '<polygon label="car" points="1,1;nan,2;3,3"></polygon>',
            '<polygon points="1,1;5,1;5,5"></polygon>',
            box("car", "a", 0, 1, 1),
            box("car", 0, 0, 4, 4, 'z_order="inf"'),
            box("car", 30, 30, 39, 39),
            '<mask label="car" rle="1,2" left="0" top="0" width="2" height="2"></mask>',
            '<mask label="car" rle="99999999999999999999" left="0" top="0" width="2" height="2"></mask>',
            '<mask label="car" rle="1,x" left="0" top="0" width="2" height="2"></mask>',
            '<mask label="car" rle="-1,5" left="0" top="0" width="2" height="2"></mask>',
            '<mask label="car" rle="4" left="0" top="0" width="90000" height="90000"></mask>',
            '<mask label="car" rle="0,4" left="99" top="0" width="2" height="2"></mask>',
            '<cuboid label="car"></cuboid>',
            '<skeleton label="car"><points label="x" points="1,1"></points></skeleton>',
            '<blob label="car"></blob>',
            '<tag label="wet"></tag>',
            box("road", 2, 2, 4, 4),
        )
    )
    assert run_import("cvat", export(source, image(source, shapes)), out) in (0, 1)
    assert np.argwhere(label(out, "a")).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]
    told = capsys.readouterr().out
    assert "shapes left out: 17 of 18" in told
    for reason in (
        "polygon of fewer than three points: 1 (annotations.xml: image 'a.png': polygon 1: 2 points)",
        "points that are not x and y: 2",
        "shape without a label: 1",
        "mask whose run lengths do not fill its box: 3",
        "mask of another size than the image: 1",
        "cuboid, which covers nothing: 1",
        "skeleton, which covers nothing: 1",
        "shape of an unknown type: 1",
    ):
        assert reason in told


def test_jobs_of_one_image_are_joined(source, out, capsys):
    export(source, image(source, box("road", 0, 0, 4, 4)), name="job_1.xml")
    export(source, image(source, box("car", 3, 3, 6, 6)), name="job_2.xml")
    (source / "other.xml").write_text("<annotation/>")
    (source / "notes.txt").write_text("")
    assert run_import("cvat", source, out) in (0, 1)
    found = label(out, "a")
    assert (found == 2).sum() == 9
    assert (found == 1).sum() == 15
    told = capsys.readouterr().out
    assert "1 image labelled by several files or entries, joined" in told
    assert "they give 1 pixel of 1 image different classes" in told
    assert "left out, XML of another kind: 1 (other.xml)" in told
    assert "left out, file of no known use: 1 (notes.txt)" in told


def test_subsets_of_a_project(source, out):
    write(source / "images/Train/a.png", picture(*SIZE, seed=1))
    write(source / "images/Validation/a.png", picture(*SIZE, seed=2))
    parts = [
        f'<image name="a.png" subset="{subset}" width="20" height="10">{box(name, 0, 0, 4, 4)}</image>'
        for subset, name in (("Train", "road"), ("Validation", "car"))
    ]
    assert run_import("cvat", export(source, *parts), out) in (0, 1)
    assert label(out, "a", "train")[0, 0] == 1
    assert label(out, "a", "val")[0, 0] == 2


def test_what_is_none(source, out, capsys):
    source.mkdir(parents=True, exist_ok=True)
    assert run_import("cvat", source, out) == 2
    assert "holds no XML of CVAT for images" in capsys.readouterr().err
    export(source, '<track id="0" label="car"></track>')
    assert run_import("cvat", source, out) == 2
    assert (
        "is of CVAT for video 1.1, which names no images. Export it as CVAT for images 1.1." in capsys.readouterr().err
    )
    (source / "annotations.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    assert run_import("cvat", source / "annotations.xml", out) == 2
    assert "holds no XML of CVAT" in capsys.readouterr().err
    export(source, '<image name="../../gone.png"></image>', image(source, box("car", 0, 0, 4, 4)))
    assert run_import("cvat", source, out) == 2
    assert "names the image '../../gone.png'" in capsys.readouterr().err
    assert run_import("cvat", source, out, "--on-error", "skip", "--val", "0") in (0, 1)
    assert files(out) == ["classes.txt", "images/a.png", "labels/a.png"]


def test_a_broken_file_among_others(source, out, capsys):
    export(source, image(source, box("car", 0, 0, 4, 4)))
    (source / "zz.xml").write_text("<annotations><image")
    assert run_import("cvat", source, out) == 2
    assert "zz.xml cannot be read as " in capsys.readouterr().err
    assert run_import("cvat", source, out, "--on-error", "skip") in (0, 1)
    assert label(out, "a").any()


def test_without_pycocotools(source, out, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    export(source, image(source, box("car", 0, 0, 4, 4)))
    assert run_import("cvat", source, out) == 2
    assert 'need pycocotools: pip install "fcn_keras[coco]"' in capsys.readouterr().err


def test_masks_that_cvats_own_sdk_encoded(source, out, tmp_path):
    unpacked("cvat_sdk", "cvat", source)
    maps = unpacked("cvat_sdk", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out, "--val", "0") in (0, 1)
    assert names(out) == ["background", "road", "car"]
    for key in ("street_1", "street_2"):
        with Image.open(maps / f"{key}.png") as ids:
            np.testing.assert_array_equal(label(out, key), np.array(ids))
