"""What `fcn-doctor --import` writes: images byte for byte, labels, classes, a division; or nothing."""

import json
import logging
import re

import pytest

from fcn_keras.datasets.folder import Folder
from tests.training.imported import SQUARE, coco, label, labelme, many, names, run_import, shape
from tests.training.tiny import snapshot
from training.hold_out import divide


def test_the_result_is_what_folder_reads_and_the_source_is_left_alone(source, out):
    before = snapshot(many(source, 30))
    assert run_import("labelme", source, out) == 0
    assert snapshot(source) == before
    train, val = Folder(out, "train"), Folder(out, "val")
    assert (len(train) + len(val), train.class_names) == (30, ("background", "cat"))
    assert not set(train.ids) & set(val.ids)
    assert val[0]["label"][3:9, 2:7].all()


def test_the_division_is_said_and_may_be_left(source, out, capsys):
    many(source, 8)
    assert run_import("labelme", source, out, "--val", "0.5", "--seed", "3") in (0, 1)
    chosen = divide([f"{n:03}" for n in range(8)], 0.5, 3)
    assert {path.stem for path in (out / "val/images").iterdir()} == chosen
    assert "divided: 50% to val, by a hash of the names (--val, --seed 3)" in capsys.readouterr().out
    assert run_import("labelme", source, out.with_name("b"), "--val", "0") == 0
    assert "not divided" in capsys.readouterr().out
    assert len(list((out.with_name("b") / "images").iterdir())) == 8


def test_copies_of_an_image_stay_together(source, out, capsys):
    many(source, 12)
    image = (source / "003.png").read_bytes()
    for key in ("004", "009", "011"):
        (source / f"{key}.png").write_bytes(image)
    for seed in range(6):
        target = out.with_name(str(seed))
        assert run_import("labelme", source, target, "--val", "0.4", "--seed", str(seed)) in (0, 1)
        assert "4 images that are there more than once stay together" in capsys.readouterr().out
        val = {path.stem for path in (target / "val/images").iterdir()}
        assert len(val & {"003", "004", "009", "011"}) in (0, 4)
        assert {path.stem for path in (target / "train/images").iterdir()} == {f"{n:03}" for n in range(12)} - val
        assert sorted(path.name for path in target.iterdir()) == ["classes.txt", "train", "val"]


def test_a_full_disk_leaves_nothing(source, out, capsys, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", source, None, target)  # as `shutil` says it

    monkeypatch.setattr("training.doctor.import_writer.shutil.copyfile", full)
    assert run_import("labelme", many(source, 4), out) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(rf"fcn-doctor: {out}/\S+\.png cannot be written: No space left on device\. Make .*\n", told)
    assert [path.name for path in out.parent.iterdir()] == ["annotated"]


@pytest.mark.parametrize("name", ["# 1", "lane 1 2 3", "a\udcffb", "x #y"])
def test_class_names_that_a_class_file_cannot_hold(source, out, capsys, name):
    labelme(source, "a", [shape(name, SQUARE)])
    assert run_import("labelme", source, out) == 2
    told = capsys.readouterr().err
    assert "A class cannot be called " in told
    assert told.count("\n") == 1
    assert not out.exists()


def test_more_classes_than_a_byte_holds(source, out, capsys):
    for count, code in ((254, 0), (255, 2)):  # and background
        labelme(source, "a", [shape(f"class {index}", SQUARE) for index in range(count)])
        assert run_import("labelme", source, out.with_name(str(count)), "--val", "0") == code
    assert "`classes` may be 1..255. Received: 256." in capsys.readouterr().err
    assert len(names(out.with_name("254"))) == 255


def test_names_with_dots_keep_them(source, out):
    coco(source / "i.json", [(1, "v1.2.png", (9, 9)), (2, "v1.3.png", (9, 9))], [])
    assert run_import("coco", source, out, "--val", "0") == 0
    assert label(out, "v1.2").shape == (9, 9)
    assert Folder(out).ids == ("v1.2", "v1.3")


def test_an_image_of_one_pixel(source, out):
    labelme(source, "a", [shape("cat", [[0, 0], [0.4, 0], [0, 0.4]])], size=(1, 1))
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert label(out, "a").tolist() == [[1]]


def test_verbose_names_every_image(source, out, capsys):
    try:
        run_import("labelme", many(source, 2), out, "-v", "--val", "0")
    finally:
        logging.getLogger("fcn-doctor").handlers[:] = []
        logging.getLogger("fcn-doctor").setLevel(logging.NOTSET)
    assert "fcn-doctor: image 001: to images/001.png, its label to labels/001.png" in capsys.readouterr().err


@pytest.mark.parametrize("number", [5, 6])
def test_what_is_left_out_is_counted_and_all_of_it_is_in_json(source, out, capsys, number):
    labelme(source, "a", [shape("cat", SQUARE), *[shape("cat", SQUARE[:2])] * number])
    assert run_import("labelme", source, out, "--val", "0") == 0
    told = capsys.readouterr().out
    assert f"  left out, polygon of fewer than three points: {number} (a.json: shape 1 (cat): 2 points, " in told
    assert ("  --json names all that is left out\n" in told) == (number > 5)
    assert run_import("labelme", source, out.with_name("json"), "--val", "0", "--json") == 0
    left_out = json.loads(capsys.readouterr().out)["import"]["left_out"]
    expected = [f"a.json: shape {index} (cat): 2 points" for index in range(1, number + 1)]
    assert left_out == {"polygon of fewer than three points": expected}


def test_what_is_not_divided_stays_whole_though_folders_are_called_like_splits(source, out, capsys):
    """Else `images/train` would be a split, and what lies beside it in none."""
    keys = ("a", "train/b", "Val/c", "train_/b", "street/d")
    for index, key in enumerate(keys):
        labelme(source, key, [shape("cat", [[index, 3], [12, 3], [12, 8], [index, 8]])])
    assert run_import("labelme", source, out, "--val", "0") == 0
    told = capsys.readouterr().out
    assert "not divided, so that folders called like splits are called otherwise: Val is called Val_, train is" in told
    assert "all 5 images" in told
    found = Folder(out)
    assert sorted(found.ids) == ["Val_/c", "a", "street/d", "train_/b", "train_/b_2"]
    for key, first in (("a", 0), ("Val_/c", 2), ("street/d", 4)):
        assert label(out, key)[5].argmax() == first


def test_a_folder_called_like_a_split_keeps_its_name_where_it_is_read_as_none(source, out):
    for key in ("test/a", "street/b"):
        labelme(source, key, [shape("cat", SQUARE)])
    assert run_import("labelme", source, out, "--val", "0") == 0
    assert sorted(Folder(out).ids) == ["street/b", "test/a"]
