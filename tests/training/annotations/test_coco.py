"""`fcn-doctor --import coco`: regions against pycocotools, classes, splits, panoptic segments, and strangers' files."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import coco, files, label, names, run_import
from tests.training.tiny import picture, write

cocomask = pytest.importorskip("pycocotools.mask")
SQUARE = [2, 3, 7, 3, 7, 9, 2, 9]  # COCO's pixels begin at whole numbers: columns 2..6, rows 3..8
SIZE = (20, 24)


def drawn_by_tool(folder, name):
    """Return the label map that the tool itself makes of its file."""
    return np.array(Image.open(unpacked("shapes", "expected", folder / "expected") / f"{name}.png"))


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


def test_names_say_the_split_and_other_kinds_are_left(source, out, capsys):
    (source / "annotations").mkdir()
    for number, split in enumerate(("train", "val"), 1):
        path = source / "annotations" / f"instances_{split}2017.json"
        coco(path, [(number, f"{number}.png", SIZE)], [instance([SQUARE], image=number)])
        (source / f"{split}2017").mkdir()
        (source / "annotations" / f"{number}.png").rename(source / f"{split}2017" / f"{number}.png")
    for name in ("captions_train2017.json", "labels_default.json", "settings.json"):
        (source / "annotations" / name).write_text('{"info": 1}')
    assert run_import("coco", source / "annotations", out) == 0
    told = capsys.readouterr().out
    assert "COCO's kind that is not read: 2 (captions_train2017.json, labels_default.json)" in told
    assert "left out, JSON of another kind: 1 (settings.json)" in told
    assert (out / "train/labels/1.png").exists()
    assert (out / "val/labels/2.png").exists()
    (source / "annotations" / "stuff_train2017.json").write_text("{}")
    assert run_import("coco", source, out.with_name("again")) == 2
    file = source / "annotations" / "instances_val2017.json"
    assert run_import("coco", file, out.with_name("one"), "--val", "0") == 0
    assert (out.with_name("one") / "labels/2.png").exists()


def test_kinds_of_the_same_classes_are_read_once(source, out, capsys):
    for kind in ("instances", "stuff"):
        coco(source / f"{kind}_default.json", [(1, "a.png", SIZE)], [instance([SQUARE])])
    assert run_import("coco", source, out, "--val", "0") == 0
    assert "of COCO's kind that is not read: 1 (stuff_default.json)" in capsys.readouterr().out
    coco(source / "stuff_default.json", [(1, "a.png", SIZE)], [], ((3, "grass"),))
    assert run_import("coco", source, out.with_name("other")) == 2
    assert "holds annotations of several kinds: instances, stuff, of different classes" in capsys.readouterr().err


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
        ([], "segment that panoptic.json does not list: 1 (panoptic.json: image 'a.png': segment 3)"),
        ([{"id": 3, "category_id": 8}], "category that panoptic.json does not list: 1 (panoptic.json: image 'a.png': "),
        ([{"id": "3", "category_id": 7}], "segment without a number: 1 (panoptic.json: image 'a.png': segment 3"),
        (4, "its `segments_info` should be a list of objects"),
    ],
)
def test_panoptic_faults(source, out, capsys, segments, message):
    panoptic(source, np.full(SIZE, 3), segments)
    assert run_import("coco", source, out, "--images", source / "images") == 2
    assert message in capsys.readouterr().err


def test_a_bad_segment_leaves_the_others(source, out, capsys):
    numbers = np.full(SIZE, 3)
    numbers[:5] = 4
    panoptic(source, numbers, [{"id": 3, "category_id": 8}, {"id": 4, "category_id": 7}])
    assert run_import("coco", source, out, "--images", source / "images", "--val", "0") in (0, 1)
    found = label(out, "a")
    assert (found[:5] == 0).all()
    assert (found[5:] == 255).all()
    assert "shapes left out: 1 of 2" in capsys.readouterr().out


def test_segments_named_like_images_are_no_images(source, out):
    numbers = np.full(SIZE, 3)
    panoptic(source, numbers, [{"id": 3, "category_id": 7}])
    assert run_import("coco", source, out, "--val", "0") in (0, 1)
    assert (out / "images/a.png").read_bytes() == (source / "images/a.png").read_bytes()
    assert run_import("coco", source / "panoptic.json", out.with_name("named"), "--val", "0") in (0, 1)


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


CONTENTS_LEFT_OUT = {
    "image of": ({"image_id": {}, "category_id": 7}, "annotation without the id of an image"),
    "no object": (3, "annotation without the id of an image"),
    "category of": (
        {"image_id": 1, "category_id": 8, "segmentation": [SQUARE]},
        "category that instances.json does not list",
    ),
    "no category": ({"image_id": 1, "segmentation": [SQUARE]}, "category that instances.json does not list"),
}


@pytest.mark.parametrize("fault", CONTENTS_LEFT_OUT)
def test_an_annotation_of_nothing_known_is_left_out(source, out, capsys, fault):
    item, reason = CONTENTS_LEFT_OUT[fault]
    path = coco(source / "instances.json", [(1, "a.png", SIZE)], [instance([SQUARE])])
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "annotations": [*content["annotations"], item]}))
    assert run_import("coco", source, out, "--val", "0") == 0
    told = capsys.readouterr().out
    assert "shapes left out: 1 of 2" in told
    assert f"left out, {reason}: 1 (instances.json: " in told
    assert "annotation 1 of the list" in told
    np.testing.assert_array_equal(label(out, "a"), box(slice(3, 9), slice(2, 7)))


CONTENTS = {
    "no list": ({"images": 3}, "holds no list of objects called `images`"),
    "of LabelMe": ({"images": None, "shapes": []}, "It is LabelMe's: say --import labelme."),
    "no objects": ({"images": [3]}, "holds no list of objects called `images`"),
    "category twice": ({"categories": [{"id": 7, "name": n} for n in "ab"]}, "has two categories of the id 7"),
    "category name": ({"categories": [{"id": 7, "name": ""}]}, "the name of category 7 should be a name"),
    "category id": ({"categories": [{"id": [7], "name": "a"}]}, "a category's `id` should be a number or a text"),
    "image id": ({"images": [{"id": [1], "file_name": "a.png"}]}, "its `id` should be a number or a text"),
    "no image id": ({"images": [{"file_name": "a.png"}]}, "its `id` should be a number or a text. Received: null"),
    "image id twice": (
        {"images": [{"id": 1, "file_name": n} for n in ("a.png", "b.png")]},
        "the image 'b.png': its `id` is that of 'a.png' too",
    ),
    "image name": ({"images": [{"id": 1, "file_name": "b.png"}]}, "names the image 'b.png', and below"),
    "image size": ({"images": [{"id": 1, "file_name": "a.png", "height": 5, "width": 6}]}, "an image of 5x6 pixels"),
    "image size wild": ({"images": [{"id": 1, "file_name": "a.png", "height": -5, "width": 6}]}, "an integer from 1"),
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
    items = [instance([SQUARE], image=2), instance([SQUARE], image=5), instance([SQUARE])]
    coco(source / "instances.json", images, items)
    (source / "b.png").unlink()
    assert run_import("coco", source, out, "--on-error", "skip", "--val", "0") in (0, 1)
    printed = capsys.readouterr()
    assert "fcn-doctor: skipped: " in printed.err
    assert (
        "left out, annotation of an image that is not listed: 1 (instances.json: image 5: annotation 1)" in printed.out
    )


def test_annotations_of_no_listed_image_are_not_silently_nothing(source, out, capsys):
    coco(source / "instances.json", [(1, "a.png", SIZE)], [instance([SQUARE], image=5), instance([SQUARE], image="x")])
    assert run_import("coco", source, out) == 2
    told = capsys.readouterr().err
    assert "Every shape is left out" in told
    assert (
        'annotation of an image that is not listed: 2 (instances.json: image 5: annotation 0, instances.json: image "x"'
        in told
    )


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


@pytest.mark.parametrize(("listed", "named"), [("img_1", "img_1"), ("1", 1), (1, "1"), (1.0, 1), ("a b", "a b")])
def test_an_id_is_equal_to_itself(source, out, listed, named):
    path = coco(source / "instances.json", [(1, "a.png", SIZE), (2, "b.png", SIZE)], [instance([SQUARE])])
    content = json.loads(path.read_text())
    content["images"][0]["id"] = listed
    content["annotations"][0] |= {"image_id": named, "category_id": named, "id": "x"}
    content["categories"][0]["id"] = listed
    path.write_text(json.dumps(content))
    assert run_import("coco", source, out, "--val", "0") == 0
    expected = box(slice(3, 9), slice(2, 7), names(out).index("cat"))
    np.testing.assert_array_equal(label(out, "a"), expected)
    assert not label(out, "b").any()


def test_a_number_and_a_text_may_be_two_ids(source, out):
    path = coco(source / "instances.json", [(1, "a.png", SIZE), (2, "b.png", SIZE)], [instance([SQUARE], image="1")])
    content = json.loads(path.read_text())
    content["images"][1]["id"] = "1"
    path.write_text(json.dumps(content))
    assert run_import("coco", source, out, "--val", "0") == 0
    assert not label(out, "a").any()
    assert label(out, "b").any()


LARGE = [0, 0, 12, 0, 12, 20, 0, 20]


def test_a_file_a_class_is_joined_by_image(source, out, capsys):
    """Category ids of one file say nothing about those of another."""
    images = [(1, "a.png", SIZE), (2, "b.png", SIZE)]
    coco(source / "cars.json", images, [instance([SQUARE], 1, 1)], ((1, "car"),))
    coco(source / "roads.json", images[::-1], [instance([LARGE], 1, 1), instance([LARGE], 1, 2)], ((1, "road"),))
    assert run_import("coco", source, out, "--val", "0") == 0
    assert [name for name in files(out) if "images" in name] == ["images/a.png", "images/b.png"]
    expected = box(slice(0, 20), slice(0, 12), 2)
    np.testing.assert_array_equal(label(out, "b"), expected)
    expected[3:9, 2:7] = 1
    np.testing.assert_array_equal(label(out, "a"), expected)
    told = capsys.readouterr().out
    assert "2 images labelled by several files or entries, joined" in told
    assert "they give 30 pixels of 1 image different classes: 30 of a.png (cars.json, roads.json)" in told


def test_entries_about_one_image_are_joined(source, out, capsys):
    images = [(1, "a.png", SIZE), (2, "a.png", SIZE), (2, "a.png", SIZE)]
    coco(source / "i.json", images, [instance([LARGE], 40, 1), instance([SQUARE], 7, 2)])
    assert run_import("coco", source, out, "--val", "0") == 0
    assert files(out) == ["classes.txt", "images/a.png", "labels/a.png"]
    expected = box(slice(0, 20), slice(0, 12), 2)
    expected[3:9, 2:7] = 1
    np.testing.assert_array_equal(label(out, "a"), expected)
    assert "they give 30 pixels of 1 image different classes: 30 of a.png (i.json)" in capsys.readouterr().out


def test_entries_that_state_two_sizes(source, out, capsys):
    coco(source / "a.json", [(1, "a.png", SIZE)], [])
    path = coco(source / "b.json", [(1, "a.png", SIZE)], [])
    path.write_text(path.read_text().replace('"height": 20', '"height": 21'))
    assert run_import("coco", source, out) == 2
    assert "b.json: the image 'a.png' was drawn on an image of 21x24 pixels" in capsys.readouterr().err


@pytest.mark.parametrize(("boxes", "inside", "outside"), [("leave", 1, 0), ("rectangle", 1, 2), ("void", 1, 255)])
def test_what_has_only_a_box(source, out, capsys, boxes, inside, outside):
    place = {"bbox": [1, 2, 9, 9]}
    empty = [instance(given, 40, **place) for given in ([], [[]], None, {}, {"counts": None})]
    found = one(source, out, instance([SQUARE]), *empty, options=("--boxes", boxes))
    expected = box(slice(2, 11), slice(1, 10), outside)
    expected[3:9, 2:7] = inside
    np.testing.assert_array_equal(found, expected)
    told = capsys.readouterr().out
    assert ("left out, box without a region (--boxes rectangle or void draws it): 5" in told) == (boxes == "leave")
    if boxes != "leave":
        assert "what has only a box is " in told


def test_a_damaged_file_may_be_skipped(source, out, capsys):
    coco(source / "a.json", [(1, "a.png", SIZE)], [instance([SQUARE])])
    (source / "b.json").write_text('{"images": [')
    assert run_import("coco", source, out) == 2
    assert "b.json cannot be read as JSON" in capsys.readouterr().err
    assert run_import("coco", source, out, "--on-error", "skip", "--val", "0") == 0
    (source / "a.json").write_text("[]")
    assert run_import("coco", source / "a.json", out.with_name("list")) == 2
    assert "a.json lists no images and annotations" in capsys.readouterr().err


@pytest.mark.parametrize("split", ["train", "val"])
def test_datumaros_export_against_what_it_draws_itself(tmp_path, out, split, capsys):
    assert run_import("coco", unpacked("shapes", "datumaro_coco", tmp_path / "export"), out) in (0, 1)
    key = "scene0" if split == "train" else "scene1"
    np.testing.assert_array_equal(label(out, key, split), drawn_by_tool(tmp_path, f"datumaro_coco/{key}"))
    assert names(out) == ["background", "car", "road", "tree"]
    assert "left out, box without a region" in capsys.readouterr().out


def test_void_and_background_by_any_name(source, out, capsys):
    categories = ((1, "Background"), (2, "road"), (3, "Void"))
    items = [instance([LARGE], 2), instance([SQUARE], 3), instance([[14, 0, 16, 0, 16, 2, 14, 2]], 1)]
    coco(source / "instances.json", [(1, "a.png", SIZE)], items, categories)
    assert run_import("coco", source, out, "--val", "0") == 0
    assert names(out) == ["background", "road"]
    expected = box(slice(0, 20), slice(0, 12), 1)
    expected[3:9, 2:7] = 255
    np.testing.assert_array_equal(label(out, "a"), expected)
    told = capsys.readouterr().out
    assert "taken for void: Void" in told
    assert "taken for background: Background" in told
