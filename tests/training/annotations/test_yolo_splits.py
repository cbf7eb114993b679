"""The splits that YOLO's `data.yaml` names, as Ultralytics and Roboflow write them, and what is none."""

import pytest

from tests.training.annotations.test_yolo import SQUARE, labelled
from tests.training.imported import run_import
from training.annotations.yolo_splits import named_splits

NAMES = "names: [road, car]\n"


def splits_of(out):
    return {split: {path.stem for path in (out / split / "images").rglob("*.png")} for split in ("train", "val")}


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("images/train2017", "images/val2017", "path: ../coco\ntrain: images/train2017\nval: images/val2017\n"),
        ("images/train2017", "images/val2017", "path: /home/me\ntrain: [./images/train2017/]\nval: images/val2017\n"),
        ("day/images", "night/images", "train: ../day/images\nval: C:\\sets\\night\\images\n"),
        ("images", "images", "train: train.txt\nval: lists/val.txt\n"),
    ],
)
def test_folders_and_lists(source, out, first, second, text, capsys):
    for number, (folder, key) in enumerate(((first, "a"), (first, "b"), (second, "c"))):
        labelled(
            source, f"0 {SQUARE}", f"{folder}/{key}.png", f"{folder.replace('images', 'labels')}/{key}.txt", number
        )
    (source / "lists").mkdir()
    if "txt" in text:
        (source / "train.txt").write_text("./images/a.png\n/home/me/set/images/b.png\n")
        (source / "lists/val.txt").write_text("images/c.png\n")
    (source / "data.yaml").write_text(text + NAMES)
    assert run_import("auto", source, out) in (0, 1)
    assert splits_of(out) == {"train": {"a", "b"}, "val": {"c"}}
    told = capsys.readouterr().out
    assert "splits: as data.yaml names them" in told
    assert "no known use" not in told


def test_an_image_that_is_in_no_split_is_named(source, out, capsys):
    for number, folder in enumerate(("train", "val", "more")):
        labelled(source, f"0 {SQUARE}", f"images/{folder}/{folder}.png", f"labels/{folder}/{folder}.txt", number)
    (source / "data.yaml").write_text("train: images/train\nval: images/val\n" + NAMES)
    assert run_import("yolo", source, out) in (0, 1)
    assert splits_of(out) == {"train": {"train"}, "val": {"val"}}
    told = capsys.readouterr().out
    assert "left out, image in no split: 1 (images/more/more.png)" in told
    assert "no known use" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("train: images/a\nval: images/a\n", "train, val of data.yaml: not read, as they name the same images"),
        ("train: images/a\nval: nowhere\n", "train, val of data.yaml: not read, as they do not name images of two"),
        ("train: images/a\nval:\n", None),
        ("train: images/a\nval: {x: y}\n", "train, val of data.yaml: not read"),
        ("- train\n- val\n", None),
    ],
)
def test_what_divides_nothing(tmp_path, text, told):
    path = tmp_path / "data.yaml"
    path.write_text(text)
    found, said, _ = named_splits({"data.yaml": path}, ["data.yaml"], ["images/a/1.png", "images/b/2.png"])
    assert found == {}
    assert (said is None) == (told is None)
    assert said is None or said.startswith(told)
