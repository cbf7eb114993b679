"""`fcn-doctor --import`, whatever the kind: options, splits, class names, and that nothing half-written is left."""

import json
import logging
import os

import numpy as np
import pytest

from fcn_keras.datasets.folder import Folder
from tests.training.imported import coco, files, label, labelme, names, run_import, shape
from tests.training.tiny import picture, snapshot, write
from training.doctor.command import main
from training.hold_out import divide

SQUARE = [[2, 3], [6, 3], [6, 8], [2, 8]]


def many(source, number):
    for index in range(number):
        labelme(source, f"{index:03}", [shape("cat", SQUARE)])
        write(source / f"{index:03}.png", picture(20, 24, seed=index))
    return source


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


@pytest.mark.parametrize("share", ["-0.1", "1", "nan"])
def test_a_share_is_from_0_to_below_1(source, out, capsys, share):
    assert run_import("labelme", many(source, 2), out, f"--val={share}") == 2
    assert "--val is a share from 0 to below 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--import", "coco"], "--import coco writes a data set. Say where with --into OUT."),
        (["--into", "x"], "--into goes with --import. Say --import labelme, coco, voc, rgb."),
        (["--unlabelled", "void"], "--unlabelled goes with --import."),
        (["--val", "0.1"], "--val goes with --import or --fix"),
        (["--import", "coco", "--into", "x", "--fix", "y"], "--fix goes with a data set. Import first"),
        (["--import", "voc", "--into", "x", "--unlabelled", "void"], "--unlabelled says nothing to --import voc"),
        (["--import", "coco", "--into", "x", "--ignore-label", "3"], "--ignore-label says nothing to --import coco"),
        (["--import", "coco", "--into", "x", "--unknown-colors", "void"], "--unknown-colors says nothing to --import"),
        (["--import", "voc", "--into", "x", "--masks", "x"], "--masks says nothing to --import voc"),
    ],
)
def test_options_that_do_not_go_together(source, capsys, options, message):
    assert main([str(source), *options]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_where_the_result_may_lie(source, out, capsys):
    many(source, 2)
    for place, message in ((source / "photos", "lies in the data set itself"), (source.parent, "is not empty")):
        assert run_import("labelme", source, place) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.startswith("fcn-doctor: --into ")
    out.mkdir()
    assert run_import("labelme", source, out) in (0, 1)


def test_what_a_broken_import_left_is_cleared_away(source, out):
    write(out.with_name(".photos.tmp") / "train" / "images" / "old.png", picture(4, 4))
    assert run_import("labelme", many(source, 4), out) in (0, 1)
    assert not any("old" in name for name in files(out))
    assert sorted(path.name for path in out.parent.iterdir()) == ["annotated", "photos"]


def test_a_full_disk_leaves_nothing(source, out, capsys, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", source, None, target)  # as `shutil` says it

    monkeypatch.setattr("training.doctor.import_writer.shutil.copyfile", full)
    assert run_import("labelme", many(source, 4), out) == 2
    assert capsys.readouterr().err == f"fcn-doctor: {out.parent}: No space left on device\n"
    assert [path.name for path in out.parent.iterdir()] == ["annotated"]


def test_names_in_another_encoding(source, out, tmp_path, capsys):
    """As in archives that were packed elsewhere; such bytes are surrogates in Python, which UTF-8 has not."""
    name = os.fsdecode(b"caf\xe9")
    labelme(source, name, [shape("cat", SQUARE)])
    write(source / f"{name} more.png", picture(4, 4))
    assert run_import("labelme", source, out, "--val", "0", "--json", "--output", tmp_path / "checkup") == 0
    assert label(out, name).any()
    report = json.loads(capsys.readouterr().out)
    assert report["import"]["left_out"] == {"image without annotation": [f"{name} more.png"]}
    assert "caf\\udce9 more.png" in (tmp_path / "checkup/doctor.txt").read_text()


def test_json_holds_the_import_and_the_report(source, out, capsys):
    assert run_import("labelme", many(source, 4), out, "--json", "--val", "0") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["num_classes"] == 2
    assert report["import"] == {
        "kind": "labelme",
        "source": str(source),
        "directory": str(out),
        "images": {"all": 4},
        "class_names": ["background", "cat"],
        "decisions": ["pixels of no shape: background", "not divided"],
        "left_out": {},
        "skipped": [],
    }


def test_the_report_may_be_kept(source, out, tmp_path):
    assert run_import("labelme", many(source, 4), out, "--output", tmp_path / "checkup") in (0, 1)
    assert (tmp_path / "checkup/doctor.txt").read_text().startswith(f"Wrote {out} from LabelMe's annotations in ")
    assert (tmp_path / "checkup/doctor.png").exists()


def test_verbose_names_every_image(source, out, capsys):
    try:
        run_import("labelme", many(source, 2), out, "-v", "--val", "0")
    finally:
        logging.getLogger("fcn-doctor").handlers[:] = []
        logging.getLogger("fcn-doctor").setLevel(logging.NOTSET)
    assert "fcn-doctor: image 001: to images/001.png, its label to labels/001.png" in capsys.readouterr().err


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


# ---- dividing a data set that is there already: --fix --val


def undivided(folder, number=12):
    for index in range(number):
        write(folder / "images" / f"{index}.png", picture(20, 24, seed=index))
        write(folder / "labels" / f"{index}.png", np.full((20, 24), index % 2, np.uint8))
    (folder / "classes.txt").write_text("a\nb\n")
    return folder


def test_fix_divides_a_copy(source, out, capsys):
    before = snapshot(undivided(source))
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 0
    assert snapshot(source) == before
    chosen = divide(map(str, range(12)), 0.3)
    assert set((out / "val.txt").read_text().split()) == chosen
    assert len(Folder(out, "train")) + len(Folder(out, "val")) == 12
    assert f"in val.txt: {len(chosen)}" in capsys.readouterr().out


def test_fix_leaves_out_of_the_lists_what_it_leaves_out(source, out):
    undivided(source)
    (source / "labels/3.png").write_bytes(b"no mask")
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 0
    listed = (out / "train.txt").read_text().split() + (out / "val.txt").read_text().split()
    assert sorted(listed, key=int) == [str(n) for n in range(12) if n != 3]


def test_fix_divides_no_single_pair(source, out, capsys):
    undivided(source, 1)
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 2
    assert "holds but one pair that can be used" in capsys.readouterr().err
    assert not out.exists()


def test_fix_divides_nothing_twice(source, out, capsys):
    undivided(source)
    (source / "train.txt").write_text("0\n1\n")
    assert main([str(source), "--fix", str(out), "--val", "0.3"]) == 2
    assert "is divided already: train." in capsys.readouterr().err
    assert not out.exists()
