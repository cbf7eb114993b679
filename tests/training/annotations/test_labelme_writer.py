"""LabelMe files of ours: that they are LabelMe's, and are known again until somebody edits them."""

import base64
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.images import read_image
from tests.training.imported import label, names, run_import
from tests.training.label_maps import NAMES, maps, painted
from tests.training.tiny import picture, write
from training.annotations.labelme_writer import write_labelme
from training.predict.marks import is_result
from training.predict.results import Classes, Result


def result(labels, *, source, folder, names=NAMES):
    return Result(source, None, labels.astype(np.uint8), Classes.named(names, len(names)), folder)


def test_a_labelme_file(tmp_path):
    image, labels = tmp_path / "photos" / "ä.jpg", np.zeros((5, 7), int)
    labels[1:3, 2:5] = 2
    path = tmp_path / "out" / "labelme" / "inner" / "ä.json"
    path.parent.mkdir(parents=True)
    image.parent.mkdir()
    Image.new("RGB", (7, 5)).save(image)
    write_labelme(path, result(labels, source=image, folder=path.parent))
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
    write(tmp_path / "a.png", picture(5, 5))
    for given_names, expected in ((None, ["class 0", "class 1"]), (("background", "cat"), ["cat"])):
        given = Result(tmp_path / "a.png", None, labels, Classes.named(given_names, 2), tmp_path)
        write_labelme(tmp_path / "a.json", given)
        assert labels_in(tmp_path / "a.json") == expected


def test_a_link_to_an_image_keeps_its_name(tmp_path):
    for folder in ("store", "photos", "elsewhere"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (2, 2)).save(tmp_path / "store" / "0af3", "PNG")
    (tmp_path / "photos" / "a.png").symlink_to(tmp_path / "store" / "0af3")
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    path = tmp_path / "out" / "a.json"
    write_labelme(path, result(np.zeros((2, 2), int), source=tmp_path / "photos" / "a.png", folder=path.parent))
    assert json.loads(path.read_text())["imagePath"] == "../photos/a.png"


@pytest.mark.parametrize(
    ("classes", "options"), [(NAMES, ["--unlabelled", "void"]), (("background", "car", "road", "tree"), [])]
)
def test_an_import_gives_the_label_maps_back(source, out, tmp_path, classes, options):
    """With the class file, which says the ids; without it they are in the order of the names."""
    truth = list(maps())
    (tmp_path / "classes.txt").write_text("".join(f"{name}\n" for name in classes))
    for number, labels in enumerate(truth):
        image = source / f"{number}.png"
        write(image, picture(*labels.shape, seed=number))
        write_labelme(source / f"{number}.json", result(labels, source=image, folder=source, names=classes))
    given = ["--classes", tmp_path / "classes.txt", *options]
    assert run_import("labelme", source, out, "--val", "0", *given) in (0, 1)
    assert names(out) == list(classes)
    for number, labels in enumerate(truth):
        np.testing.assert_array_equal(label(out, str(number)), labels)


def drawn(mode):
    return Image.fromarray(picture(6, 8)).convert("I" if mode == "I;16" else mode).convert(mode)


@pytest.mark.parametrize(
    ("name", "mode", "is_copied"),
    [
        ("a.gif", "P", True),
        ("a.jpg", "CMYK", True),
        ("a.png", "I;16", True),
        ("a.bmp", "P", True),
        ("a.png", "P", False),
        ("a.tif", "CMYK", False),
        ("a.webp", "RGBA", False),
        ("a.jpg", "L", False),
    ],
)
def test_an_image_is_copied_only_where_labelme_opens_no_file_of_its_kind(tmp_path, name, mode, is_copied):
    """As labelme 6.3.1 did: exports/open_with_labelme.py."""
    drawn(mode).save(tmp_path / name)
    rgb, labels = read_image(tmp_path / name), np.zeros((6, 8), np.uint8)
    write_labelme(tmp_path / "a.json", Result(tmp_path / name, rgb, labels, Classes.named(NAMES, 4), tmp_path))
    data = json.loads((tmp_path / "a.json").read_text())["imageData"]
    assert (data is not None) == is_copied
    if is_copied:
        np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(data))), rgb)


def test_a_png_with_a_palette_that_is_turned_is_copied(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    drawn("P").save(tmp_path / "a.png", exif=turned)
    rgb = read_image(tmp_path / "a.png")
    labels = np.zeros(rgb.shape[:2], np.uint8)
    write_labelme(tmp_path / "a.json", Result(tmp_path / "a.png", rgb, labels, Classes.named(NAMES, 4), tmp_path))
    content = json.loads((tmp_path / "a.json").read_text())
    assert (content["imageHeight"], content["imageWidth"]) == (8, 6)
    assert content["imageData"]
