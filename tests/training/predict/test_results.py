"""The formats of labels: what is painted or decoded from them is the label map again."""

import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from fcn_keras_console.image_files import InputImage
from training.annotations.coco_regions import CocoWriter
from training.annotations.labelme import write_labelme
from training.annotations.outlines import outlines
from training.predict.marks import is_result
from training.predict.png_files import write_ids, write_palette
from training.predict.results import Classes, Result, Results

NAMES = ("sky", "road", "car", "tree")


def drawn(shape, polygons):
    """Paint polygons in their order on a canvas of 0, each as LabelMe's `shape_to_mask` paints it."""
    labels = np.zeros(shape, int)
    for index, points in polygons:
        assert len(points) > 2
        mask = Image.new("L", shape[::-1])
        ImageDraw.Draw(mask).polygon([tuple(point) for point in points], outline=1, fill=1)
        labels[np.array(mask) > 0] = index
    return labels


def maps():
    """Label maps with regions of one pixel, lines, diagonals, rings in rings, and noise."""
    generator = np.random.default_rng(0)
    for number in range(60):
        height, width, count = *generator.integers(1, 14, 2), generator.integers(1, 5)
        labels = generator.integers(0, count, (height, width))
        if number % 3:
            labels = labels.repeat(number % 3 + 1, axis=0).repeat(3, axis=1)
        if number % 3 == 1:
            labels = np.where(generator.random(labels.shape) < 0.1, generator.integers(0, count, labels.shape), labels)
        yield labels
    y, x = np.mgrid[:41, :33]
    yield np.hypot(y - 20, x - 16).astype(int) // 3 % 3  # rings
    yield (y + x)[:9, :7] % 2  # a chessboard


@pytest.mark.parametrize("background", [None, 0])
def test_painted_polygons_are_the_label_map(background):
    for labels in maps():
        np.testing.assert_array_equal(drawn(labels.shape, outlines(labels, background=background)), labels)


def test_polygons_by_hand():
    labels = np.zeros((5, 6), int)
    labels[1:4, 1:4], labels[0, 5], labels[2, 2] = 1, 2, 0
    # A block, its hole, and a pixel whose three points lie within it; the background around them is left out.
    (block, corners), *small = outlines(labels, background=0)
    assert block == 1
    assert sorted(corners) == [[1.5, 1.5], [1.5, 3.5], [3.5, 1.5], [3.5, 3.5]]
    assert sorted(small) == [
        (0, [[2.5, 2.5], [2.75, 2.75], [2.5, 2.75]]),
        (2, [[5.5, 0.5], [5.75, 0.75], [5.5, 0.75]]),
    ]
    assert len(outlines(labels)) == 4


def test_no_later_point_is_the_first():
    """LabelMe closes a polygon where its first point comes again, and forgets that point."""
    for labels in maps():
        for _, points in outlines(labels):
            assert points[0] not in points[1:]


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
    np.testing.assert_array_equal(drawn(labels.shape, polygons), labels)
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
    for names, expected in ((None, ["class 0", "class 1"]), (("background", "cat"), ["cat"])):
        given = Result(tmp_path / "a.png", None, labels, Classes.named(names, 2))
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


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"info": 3}', '{"fcn_predict": "x"}', '{"info": {}}'])
def test_other_json_is_not_ours(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    assert not is_result(tmp_path / "a.json")


def test_coco_decodes_to_the_label_map(tmp_path):
    coco, truth = CocoWriter(Classes.named(NAMES, 4)), list(maps())[:40]
    for number, labels in enumerate(truth):
        coco.add(f"inner/{number}.jpg", labels)
    path = tmp_path / "annotations.json"
    coco.write(path)
    assert is_result(path)
    read = COCO(str(path))
    assert [read.cats[index]["name"] for index in sorted(read.cats)] == list(NAMES)
    for number, labels in enumerate(truth, 1):
        assert read.imgs[number]["file_name"] == f"inner/{number - 1}.jpg"
        assert (read.imgs[number]["height"], read.imgs[number]["width"]) == labels.shape
        decoded = np.full(labels.shape, -1)
        for annotation in read.loadAnns(read.getAnnIds(imgIds=[number])):
            mask = read.annToMask(annotation) > 0
            assert (decoded[mask] == -1).all()  # nothing twice
            decoded[mask] = annotation["category_id"]
            rows, columns = np.nonzero(mask)
            assert annotation["area"] == mask.sum()
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert annotation["bbox"] == box
        np.testing.assert_array_equal(decoded, labels)


@pytest.fixture
def small_files():
    """Let no file grow beyond 2000 bytes, as on a full disk: what fits of a block is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_named_and_leaves_no_half(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    source = InputImage("a", tmp_path / "a.png", "a.png")
    for name in ("overlay", "ids"):
        results = Results(tmp_path / "out", [name], {"": Classes.named(None, 256)})
        with pytest.raises(OSError, match="too large") as caught:
            results.write(source, "", image, image[..., 0])
        assert Path(caught.value.filename).stem == "a"
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_coco_without_pycocotools(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ImportError, match=r'COCO files need pycocotools: pip install "fcn_keras\[coco\]"'):
        Results(tmp_path, ["coco"], {"": Classes.named(None, 4)})


def test_ids_take_two_bytes_above_256_classes(tmp_path):
    labels = np.array([[0, 299], [256, 1]])
    for dtype, path in ((np.uint16, tmp_path / "wide.png"), (np.uint8, tmp_path / "plain.png")):
        given = labels.astype(dtype)
        write_ids(path, Result(None, None, given, None))
        assert is_result(path)
        with Image.open(path) as stored:
            assert stored.mode == ("L" if dtype == np.uint8 else "I;16")
            np.testing.assert_array_equal(np.array(stored), given)
    write_palette(path, Result(None, None, labels.astype(np.uint8), None))
    with Image.open(path) as stored:
        assert stored.mode == "P"


def test_a_palette_holds_256_classes(tmp_path):
    classes = {"": Classes.named(None, 257)}
    with pytest.raises(ValueError, match=r"A palette PNG holds 256 classes. This model has 257: say --format ids"):
        Results(tmp_path, ["overlay"], classes)
    assert Results(tmp_path, ["ids", "labelme"], classes).formats == ["ids", "labelme"]


def test_shares_are_ordered():
    shares = Classes.named(NAMES, 4).shares([1, 0, 3, 4])
    assert shares == {"tree": 0.5, "car": 0.375, "sky": 0.125}
    assert list(shares) == ["tree", "car", "sky"]
    assert Classes.named(None, 2) == Classes(("class 0", "class 1"), 0)
    assert Classes.named(("background", "cat"), 2).background == 0
    assert Classes.named(NAMES, 4).background is None
