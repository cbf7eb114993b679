"""`fcn-doctor --import`, whatever the kind: options, splits, class names, and that nothing half-written is left."""

import json
import os

import pytest

from tests.training.imported import SQUARE, files, label, labelme, many, run_import, shape
from tests.training.tiny import picture, write
from training.doctor.command import main


@pytest.mark.parametrize("share", ["-0.1", "1", "nan"])
def test_a_share_is_from_0_to_below_1(source, out, capsys, share):
    assert run_import("labelme", many(source, 2), out, f"--val={share}") == 2
    assert "--val is a share from 0 to below 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--import", "coco"], "--import coco writes a data set. Say where with --into OUT."),
        (["--into", "x"], "--into goes with --import. Say --import, or labelme, coco, voc, rgb, "),
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
    left = out.with_name(".photos.tmp")  # by an older version
    write(left / "train" / "images" / "old.png", picture(4, 4))
    for path in (*left.rglob("*"), left):
        os.utime(path, (0, 0))
    assert run_import("labelme", many(source, 4), out) in (0, 1)
    assert not any("old" in name for name in files(out))
    assert sorted(path.name for path in out.parent.iterdir()) == ["annotated", "photos"]


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
        "decisions": [
            "pixels of no shape: background",
            "of shapes that overlap, the later is on top",
            "not divided",
        ],
        "left_out": {},
        "skipped": [],
    }


def test_the_report_may_be_kept(source, out, tmp_path):
    assert run_import("labelme", many(source, 4), out, "--output", tmp_path / "checkup") in (0, 1)
    assert (tmp_path / "checkup/doctor.txt").read_text().startswith(f"Wrote {out} from LabelMe's annotations in ")
    assert (tmp_path / "checkup/doctor.png").exists()


def test_a_kind_that_does_not_lie_there_names_the_one_that_does(source, out, capsys):
    many(source, 2)
    assert run_import("rgb", source, out) == 2
    told = capsys.readouterr().err
    assert told.endswith("`road 128 64 128`. 000.json holds `shapes`: say --import labelme.\n")
    assert told.count("\n") == 1
