"""`fcn-doctor --import yolo`: the pixels of Ultralytics, layouts, names, and lines that are wrong."""

import numpy as np
import pytest
from PIL import Image

from tests.training.annotations.exports.packed import unpacked
from tests.training.imported import label, names, run_import
from tests.training.tiny import picture, write

SIZE = (10, 20)
SQUARE = "0.1 0.2 0.4 0.2 0.4 0.6 0.1 0.6"  # x 2..8, y 2..6, both sides included


def labelled(source, text, image="images/train/a.png", target="labels/train/a.txt", seed=0):
    write(source / image, picture(*SIZE, seed=seed))
    path = source / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return source


def yaml(source, text="names: [road, car]\n"):
    (source / "data.yaml").write_text(text)
    return source


def test_the_pixels_of_ultralytics(source, out, tmp_path, capsys):
    """Of its semantic segmentation of polygons, which has background last."""
    unpacked("yolo", "yolo", source)
    maps = unpacked("yolo", "label_maps", tmp_path / "maps")
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["background", "road", "car", "sky"]
    for split, key in (("train", "street_1"), ("train", "deep/street_2"), ("val", "street_3"), ("val", "empty")):
        with Image.open(maps / split / f"{key}.png") as ids:
            np.testing.assert_array_equal(label(out, key, split), np.array(ids))
    told = capsys.readouterr().out
    assert "taken for yolo: labels/train/street_1.txt is a label file of images" in told
    assert "images without a shape, all of what no shape covers: 1" in told


@pytest.mark.parametrize(
    ("image", "target"),
    [
        ("images/{}/a.png", "labels/{}/a.txt"),
        ("{}/images/a.png", "{}/labels/a.txt"),
    ],
)
def test_layouts(source, out, image, target):
    for number, split in enumerate(("train", "valid")):
        labelled(source, f"{number} {SQUARE}\n", image.format(split), target.format(split), number)
    assert run_import("auto", yaml(source), out) in (0, 1)
    for number, split in enumerate(("train", "val")):
        expected = np.zeros(SIZE, int)
        expected[2:7, 2:9] = number + 1
        np.testing.assert_array_equal(label(out, "a", split), expected)


def test_label_studios_export_is_not_divided_and_has_classes_txt(source, out, capsys):
    labelled(source, f"1 {SQUARE}", "images/a.png", "labels/a.txt")
    write(source / "images/b.png", picture(*SIZE, seed=3))
    (source / "classes.txt").write_text("road\ncar\n")
    (source / "notes.json").write_text("{}")
    assert run_import("auto", source, out, "--val", "0") in (0, 1)
    assert (label(out, "a") == 2).sum() == 35
    told = capsys.readouterr().out
    assert "left out, image without label file: 1 (images/b.png)" in told
    assert "left out, file of no known use: 1 (notes.json)" in told
    again = out.with_name("again")
    (source.parent / "mine.txt").write_text("background\nroad\ncar\n")
    assert run_import("yolo", source, again, "--val", "0", "--classes", source.parent / "mine.txt") in (0, 1)
    assert (label(again, "a") == 1).sum() == 35  # of number 1, whatever its name


@pytest.mark.parametrize(("boxes", "pixels"), [("leave", 0), ("rectangle", 24), ("void", 24)])
def test_boxes(source, out, capsys, boxes, pixels):
    labelled(source, "0 0.25 0.4 0.3 0.4\n1 0.7 0.1 0.9 0.1 0.9 0.3\n")
    assert run_import("yolo", yaml(source), out, "--boxes", boxes, "--val", "0") in (0, 1)
    found = label(out, "a")
    assert (found == (255 if boxes == "void" else 1)).sum() == pixels
    assert (found == 2).any()
    left = "left out, box (--boxes rectangle or void draws it): 1 (labels/train/a.txt:1)"
    assert (left in capsys.readouterr().out) == (boxes == "leave")


def test_bad_lines_are_left_out(source, out, capsys):
    bad = [
        "0 0.1 0.1 0.2",
        "0 0.1 0.1",
        "x 0.1 0.1 0.2 0.2 0.3 0.3",
        "7 0.1 0.1 0.2 0.2 0.3 0.3",
        "-1 0.1 0.1 0.2 0.2 0.3 0.3",
        "0 0.1 a 0.2 0.2 0.3 0.3",
        "0 0.1 nan 0.2 0.2 0.3 0.3",
        "0 0.1 0.1 0.2 0.2 99 0.3",
        "0",
    ]
    labelled(source, "\n".join([*bad, "", f"0 {SQUARE}"]))
    assert run_import("yolo", yaml(source), out, "--val", "0") in (0, 1)
    assert label(out, "a").sum() == 35
    told = capsys.readouterr().out
    assert "shapes left out: 9 of 10" in told
    for reason in (
        "odd number of coordinates: 1 (labels/train/a.txt:1: 3 numbers)",
        "polygon of fewer than three points: 2 (labels/train/a.txt:2: 1 points, labels/train/a.txt:9: 0 points)",
        "class that is no number: 2",
        "class that has no name: 1 (labels/train/a.txt:4: 7, of 2 names)",
        "coordinates that are no numbers: 1",
        "coordinates that are no finite numbers: 1",
        "point far outside of the image, in shares of it: 1",
    ):
        assert reason in told


def test_void_is_void(source, out):
    labelled(source, f"1 {SQUARE}\n")
    assert run_import("yolo", yaml(source, "names: [road, void]\n"), out, "--val", "0") in (0, 1)
    assert names(out) == ["background", "road"]
    assert (label(out, "a") == 255).sum() == 35


def test_what_is_none(source, out, capsys):
    write(source / "images/a.png", picture(*SIZE))
    assert run_import("yolo", yaml(source), out) == 2
    assert "holds no labels/x.txt of an images/x.jpg" in capsys.readouterr().err
    (source / "data.yaml").unlink()
    labelled(source, f"1 {SQUARE}", "images/a.png", "labels/a.txt")
    assert run_import("yolo", source, out) == 2
    assert "has no data.yaml with `names`, and no classes.txt" in capsys.readouterr().err
    (yaml(source) / "labels/a.txt").write_bytes(b"\xff\xfe0")
    assert run_import("yolo", source, out) == 2
    assert "a.txt is not UTF-8 text" in capsys.readouterr().err
    (source / "labels/a.txt").unlink()
    (source / "labels/a.txt").symlink_to("nowhere")
    assert run_import("yolo", source, out) == 2
    assert "a.txt cannot be read: No such file or directory." in capsys.readouterr().err
    assert run_import("yolo", source / "nowhere", out) == 2


@pytest.mark.parametrize("place", ["labels/classes.txt", "labels/train/classes.txt"])
def test_classes_txt_beside_the_label_files_as_labelimg_writes_it(source, out, place, capsys):
    """The label file comes after it by name."""
    labelled(source, f"1 {SQUARE}", "images/train/street.png", "labels/train/street.txt")
    (source / place).write_text("road\ncar\n")
    assert run_import("auto", source, out, "--val", "0") == 0
    assert names(out) == ["background", "road", "car"]
    assert label(out, "street")[4, 5] == 2
    told = capsys.readouterr().out
    assert "classes: classes.txt" in told
    assert "no known use" not in told


def test_two_yaml_files_of_other_classes(source, out, capsys):
    labelled(source, f"1 {SQUARE}")
    (yaml(source) / "a.yaml").write_text("names: [car, road]\n")
    assert run_import("yolo", source, out) == 2
    told = capsys.readouterr().err
    assert "a.yaml and data.yaml name different classes. Take one away, or say --classes FILE." in told
    (source / "a.yaml").write_text("names: {0: road, 1: car}\n")
    assert run_import("yolo", source, out, "--val", "0") == 0


def test_an_image_in_no_split_keeps_the_others_from_being_divided_and_is_named(source, out, capsys):
    for number, folder in enumerate(("train", "val", "more")):
        labelled(source, f"0 {SQUARE}", f"images/{folder}/{folder}.png", f"labels/{folder}/{folder}.txt", number)
    assert run_import("yolo", yaml(source), out, "--val", "0") in (0, 1)
    told = "in no split: 1 of 3 (labels/more/more.txt), so that no split is kept (train, val)"
    assert told in capsys.readouterr().out
