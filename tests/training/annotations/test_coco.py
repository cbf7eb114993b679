"""`fcn-doctor --import coco`: regions against pycocotools, classes, splits, panoptic segments, and strangers' files."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.imported import coco, files, label, names, run_import
from tests.training.tiny import picture, write

cocomask = pytest.importorskip("pycocotools.mask")
SQUARE = [2, 3, 7, 3, 7, 9, 2, 9]  # COCO's pixels begin at whole numbers: columns 2..6, rows 3..8
SIZE = (20, 24)


def instance(segmentation, category=7, image=1, **more):
    return {"image_id": image, "category_id": category, "segmentation": segmentation, **more}


def box(rows, columns, value=1):
    expected = np.zeros(SIZE, np.uint8)
    expected[rows, columns] = value
    return expected


def one(source, out, *annotations, options=()):
    """Import one image with these annotations; return its label."""
    coco(source / "instances.json", [(1, "a.png", SIZE)], annotations)
    assert run_import("coco", source, out, "--val", "0", *options) in (0, 1)
    return label(out, "a")


def test_a_polygon_as_coco_fills_it(source, out):
    np.testing.assert_array_equal(one(source, out, instance([SQUARE])), box(slice(3, 9), slice(2, 7)))
    assert names(out) == ["background", "cat", "dog"]


def test_unpacked_run_lengths_go_down_the_columns(source, out):
    counts = [20 * 2 + 3, 4, 20 * 24 - 20 * 2 - 7]
    found = one(source, out, instance({"counts": counts, "size": [20, 24]}, category=40))
    np.testing.assert_array_equal(found, box(slice(3, 7), 2, 2))


def test_regions_and_overlaps_against_cocos_own_reader(source, out):
    generator = np.random.default_rng(1)
    annotations = []
    for number in range(6):
        centre, count = generator.uniform(0, 24, 2), 2 * generator.integers(3, 7)
        polygon = (np.resize(centre, count) + generator.uniform(-9, 9, count)).round(2).tolist()
        annotations.append(instance([polygon], category=(7, 40)[number % 2], area=0, bbox=[0, 0, 1, 1]))
    found = one(source, out, *annotations)
    reader = pytest.importorskip("pycocotools.coco").COCO(str(source / "instances.json"))
    regions = [reader.annToMask(item).astype(bool) for item in reader.loadAnns(reader.getAnnIds())]
    expected = np.zeros(SIZE, np.uint8)
    for index in sorted(range(6), key=lambda i: -regions[i].sum()):
        expected[regions[index]] = 1 + index % 2
    assert len(np.unique(expected)) == 3
    np.testing.assert_array_equal(found, expected)


def test_a_smaller_region_lies_on_top_whatever_the_order(source, out):
    large, small = instance([[0, 0, 20, 0, 20, 20, 0, 20]]), instance([SQUARE], category=40)
    for number, order in enumerate(((large, small), (small, large))):
        found = one(source, out.with_name(f"photos{number}"), *order)
        assert set(found[3:9, 2:7].ravel()) == {2}
        assert found[0, 0] == 1


def test_a_crowd_lies_below_everything(source, out):
    crowd = {"counts": [0, 60, 20 * 24 - 60], "size": [20, 24]}  # the first three columns
    large = instance([[0, 0, 24, 0, 24, 20, 0, 20]], category=40)
    assert set(one(source, out, instance(crowd, iscrowd=1), large).ravel()) == {2}


def test_two_polygons_are_one_region(source, out):
    found = one(source, out, instance([SQUARE, [10, 10, 12, 10, 12, 12, 10, 12]]))
    np.testing.assert_array_equal(found, box(slice(3, 9), slice(2, 7)) + box(slice(10, 12), slice(10, 12)))


def test_images_without_regions_are_background(source, out):
    assert not one(source, out).any()


def test_unlabelled_may_be_void(source, out):
    found = one(source, out, instance([SQUARE]), options=("--unlabelled", "void"))
    np.testing.assert_array_equal(found, np.where(box(slice(3, 9), slice(2, 7)), 0, 255))
    assert names(out) == ["cat", "dog"]


def test_categories_of_one_name_are_one_class_and_background_is_0(source, out):
    categories = ((0, "fish"), (3, "background"), (9, "fish"), (5, "void"))
    items = instance([SQUARE], 9), instance([[10, 10, 14, 10, 14, 14, 10, 14]], 5)
    coco(source / "instances.json", [(1, "a.png", SIZE)], items, categories)
    assert run_import("coco", source, out, "--val", "0") == 0
    assert names(out) == ["background", "fish"]
    assert set(label(out, "a")[10:14, 10:14].ravel()) == {255}
    assert set(label(out, "a")[3:9, 2:7].ravel()) == {1}


def test_files_of_several_splits(source, out, capsys):
    for number, folder in enumerate(("train", "valid"), 1):
        (source / folder).mkdir()
        items = [instance([SQUARE], image=number)]
        coco(source / folder / "_annotations.coco.json", [(number, "a.png", SIZE)], items)
    assert run_import("coco", source, out) == 0
    assert files(out) == ["classes.txt", *(f"{s}/{k}/a.png" for s in ("train", "val") for k in ("images", "labels"))]
    assert (out / "val/images/a.png").read_bytes() == (source / "valid/a.png").read_bytes()
    assert run_import("coco", source, out.with_name("again"), "--val", "0.5") == 2
    assert "--val divides, and the annotations are divided already: train, val." in capsys.readouterr().err


def test_names_say_the_split_and_other_kinds_are_left(source, out):
    (source / "annotations").mkdir()
    for number, split in enumerate(("train", "val"), 1):
        path = source / "annotations" / f"instances_{split}2017.json"
        coco(path, [(number, f"{number}.png", SIZE)], [instance([SQUARE], image=number)])
        (source / f"{split}2017").mkdir()
        (source / "annotations" / f"{number}.png").rename(source / f"{split}2017" / f"{number}.png")
    (source / "annotations" / "captions_train2017.json").write_text("{}")
    assert run_import("coco", source / "annotations", out) == 0
    assert (out / "train/labels/1.png").exists()
    assert (out / "val/labels/2.png").exists()
    (source / "annotations" / "stuff_train2017.json").write_text("{}")
    assert run_import("coco", source, out.with_name("again")) == 2
    file = source / "annotations" / "instances_val2017.json"
    assert run_import("coco", file, out.with_name("one"), "--val", "0") == 0
    assert (out.with_name("one") / "labels/2.png").exists()


def test_an_image_of_a_splits_folder_is_that_splits(source, out):
    """As CVAT writes them: names without folders, which may be the same in both."""
    (source / "annotations").mkdir()
    for number, split in enumerate(("Train", "Validation"), 1):
        path = source / "annotations" / f"instances_{split}.json"
        coco(path, [(number, "0.png", SIZE)], [])
        (source / "images" / split).mkdir(parents=True)
        (source / "annotations" / "0.png").rename(source / "images" / split / "0.png")
    assert run_import("coco", source, out) == 0
    for split, folder in (("train", "Train"), ("val", "Validation")):
        assert (out / split / "images/0.png").read_bytes() == (source / "images" / folder / "0.png").read_bytes()


def test_one_file_of_no_split_beside_others(source, out, capsys):
    for name in ("train.json", "more.json"):
        coco(source / name, [(1, "a.png", SIZE)], [])
    assert run_import("coco", source, out) == 2
    assert "more.json is of no split by its name, other files are." in capsys.readouterr().err


def test_names_with_folders_and_names_that_clash(source, out):
    images = [(1, "x/a.png", SIZE), (2, "y/a.png", SIZE), (3, "../a.png", SIZE), (4, "a.jpg", SIZE)]
    (source / "ann").mkdir()
    coco(source / "ann" / "all.json", images, [])
    for _, name, _ in images:  # as they lie in reality
        (source / name.replace("../", "")).parent.mkdir(exist_ok=True)
        (source / "ann" / name).rename(source / name.replace("../", ""))
    assert run_import("coco", source, out, "--val", "0") in (0, 1)
    expected = ["images/a.png", "images/a_2.jpg", "images/x/a.png", "images/y/a.png"]
    assert [name for name in files(out) if name.startswith("images")] == expected


def test_a_class_file_must_have_every_category(source, out, tmp_path, capsys):
    (tmp_path / "c.txt").write_text("background\ndog\n")
    coco(source / "instances.json", [(1, "a.png", SIZE)], [])
    assert run_import("coco", source, out, "--classes", tmp_path / "c.txt") == 2
    assert "c.txt lacks 1 labels of the annotations: 'cat' (instances.json)" in capsys.readouterr().err


def panoptic(source, numbers, segments):
    """Write one image with panoptic segments; `numbers` are `(H, W)`."""
    coco(source / "panoptic.json", [(1, "a.png", SIZE)], [])
    colors = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1).astype(np.uint8)
    write(source / "panoptic" / "a.png", colors)
    content = json.loads((source / "panoptic.json").read_text())
    content["annotations"] = [{"image_id": 1, "file_name": "a.png", "segments_info": segments}]
    (source / "panoptic.json").write_text(json.dumps(content))
    write(source / "images" / "a.png", picture(*SIZE))
    (source / "a.png").unlink()


def test_panoptic_segments(source, out):
    numbers = np.zeros(SIZE, int)
    numbers[:5], numbers[5:8] = 70_000, 3
    panoptic(source, numbers, [{"id": 70_000, "category_id": 40}, {"id": 3, "category_id": 7}])
    assert run_import("coco", source, out, "--images", source / "images", "--val", "0") == 0
    expected = np.full(SIZE, 255)
    expected[:5], expected[5:8] = 1, 0
    np.testing.assert_array_equal(label(out, "a"), expected)
    assert names(out) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([], "holds the segments [3], which panoptic.json does not list"),
        ([{"id": 3, "category_id": 8}], "is of the category 8, which the file does not list"),
        (4, "its `segments_info` should be a list of objects"),
    ],
)
def test_panoptic_faults(source, out, capsys, segments, message):
    panoptic(source, np.full(SIZE, 3), segments)
    assert run_import("coco", source, out, "--images", source / "images") == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "..\\a.png", 3, "gone.png"])
def test_panoptic_files_are_beside(source, out, capsys, name):
    panoptic(source, np.full(SIZE, 3), [{"id": 3, "category_id": 7}])
    path = source / "panoptic.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["file_name"] = name
    path.write_text(json.dumps(content))
    assert run_import("coco", source, out, "--images", source / "images") == 2
    told = capsys.readouterr().err
    assert ("is missing. Unpack" if name == "gone.png" else "should be a plain file name") in told


REGIONS = {
    "box alone": ([], "has no region but at most a box"),
    "two points": ([[1, 1, 5, 5]], "x and y of at least three points"),
    "odd": ([[1, 1, 5, 5, 3, 3, 2]], "x and y of at least three points"),
    "text": ([["a", 1, 5, 5, 3, 3]], "should be numbers"),
    "huge": ([[10**400, 1, 5, 5, 3, 3]], "should be numbers"),
    "far": ([[1e9, 1, 5, 5, 3, 3]], "far outside of 24x20 pixels"),
    "long": ([[0, 0, 40, 0] * 2000], "more than the image can hold"),
    "size": ({"counts": [480], "size": [24, 20]}, "is of the size [24, 20], the image of [20, 24]"),
    "short": ({"counts": [479]}, "do not add up to the image's 20x24 pixels"),
    "negative": ({"counts": [-1, 481]}, "do not add up"),
    "parts": ({"counts": [0.5, 479.5]}, "do not add up"),
    "enormous": ({"counts": [1e18, 1]}, "do not add up"),
    "nothing": ({"counts": None}, "do not add up|should be"),
    "no end": ({"counts": "PPP"}, "are no run lengths of COCO"),
    "empty": ({"counts": ""}, "are no run lengths of COCO"),
    "digits": ({"counts": "P" * 12 + "0"}, "are no run lengths of COCO"),
    "letters": ({"counts": "~~~"}, "are no run lengths of COCO"),
    "other letters": ({"counts": "é0"}, "are no run lengths of COCO"),
    "differences": ({"counts": "000" + "0" * 40}, "do not add up"),
}


@pytest.mark.parametrize("fault", REGIONS)
def test_strangers_regions_end_in_one_line(source, out, capsys, fault):
    segmentation, message = REGIONS[fault]
    coco(source / "instances.json", [(1, "a.png", SIZE)], [instance(segmentation)])
    assert run_import("coco", source, out) == 2
    told = capsys.readouterr().err
    assert any(part in told for part in message.split("|"))
    assert "instances.json" in told
    assert told.count("\n") == 1
    assert [path.name for path in out.parent.iterdir()] == ["annotated"]


CONTENTS = {
    "no list": ({"images": 3}, "holds no list of objects called `images`"),
    "of LabelMe": ({"images": None, "shapes": []}, "It is LabelMe's: say --import labelme."),
    "no objects": ({"annotations": [3]}, "holds no list of objects called `annotations`"),
    "category twice": ({"categories": [{"id": 7, "name": "a"}] * 2}, "has two categories of the id 7"),
    "category name": ({"categories": [{"id": 7, "name": ""}]}, "the name of category 7 should be a name"),
    "category id": ({"categories": [{"id": "7", "name": "a"}]}, "a category's `id` should be an integer"),
    "image id": ({"images": [{"id": [1], "file_name": "a.png"}]}, "its `id` should be an integer"),
    "image name": ({"images": [{"id": 1, "file_name": "b.png"}]}, "names the image 'b.png', and below"),
    "image size": ({"images": [{"id": 1, "file_name": "a.png", "height": 5, "width": 6}]}, "an image of 5x6 pixels"),
    "image size wild": ({"images": [{"id": 1, "file_name": "a.png", "height": -5, "width": 6}]}, "an integer from 1"),
    "image of": ({"annotations": [{"image_id": {}}]}, "an `image_id` should be an integer"),
    "category of": ({"annotations": [{"image_id": 1, "category_id": 8}]}, "is of the category 8"),
}


@pytest.mark.parametrize("fault", CONTENTS)
def test_strangers_files_end_in_one_line(source, out, capsys, fault):
    given, message = CONTENTS[fault]
    path = coco(source / "instances.json", [(1, "a.png", SIZE)], [])
    path.write_text(json.dumps({**json.loads(path.read_text()), **given}))
    assert run_import("coco", source, out) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "instances.json" in told
    assert told.count("\n") == 1


def test_missing_images_may_be_skipped_and_strays_are_counted(source, out, capsys):
    images = [(1, "a.png", SIZE), (2, "b.png", SIZE)]
    coco(source / "instances.json", images, [instance([SQUARE], image=2), instance([SQUARE], image=5)])
    (source / "b.png").unlink()
    assert run_import("coco", source, out, "--on-error", "skip", "--val", "0") in (0, 1)
    printed = capsys.readouterr()
    assert "fcn-doctor: skipped: " in printed.err
    assert "left out, image that is annotated but not listed: 1 (5)" in printed.out


def test_nothing_to_import(source, out, capsys):
    assert run_import("coco", source, out) == 2
    assert "holds no JSON file of instances, stuff or panoptic segments" in capsys.readouterr().err
    assert run_import("coco", source / "gone.json", out) == 2
    assert "is missing" in capsys.readouterr().err


def test_without_pycocotools(source, out, capsys, monkeypatch):
    coco(source / "instances.json", [(1, "a.png", SIZE)], [instance([SQUARE])])
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    assert run_import("coco", source, out) == 2
    assert 'COCO files need pycocotools: pip install "fcn_keras[coco]"' in capsys.readouterr().err


def test_an_image_without_extension(source, out):
    coco(source / "instances.json", [(1, "a.png", SIZE)], [])
    path = source / "instances.json"
    path.write_text(path.read_text().replace("a.png", "a"))
    (source / "a.png").rename(source / "a")
    assert run_import("coco", source, out, "--val", "0") == 0
    assert "images/a.png" in files(out)


def test_the_largest_image_is_never_drawn_at_a_size_that_json_alone_claims(source, out, capsys):
    path = coco(source / "instances.json", [(1, "a.png", SIZE)], [instance({"counts": [10**12], "size": [10**6] * 2})])
    path.write_text(path.read_text().replace('"height": 20, "width": 24', '"height": 1000000, "width": 1000000'))
    assert run_import("coco", source, out) == 2
    assert "was drawn on an image of 1000000x1000000 pixels" in capsys.readouterr().err
    assert Image.open(source / "a.png").size == SIZE[::-1]
