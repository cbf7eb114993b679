"""`fcn-doctor --import ade20k`: 0 is void, and the first class is 1."""

import numpy as np

from tests.training.imported import label, names, run_import
from tests.training.tiny import picture, write

INFO = (
    "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1576\t11664\t1172\t1\twall\n2\t0.1072\t6046\t612\t1\tbuilding, edifice\n"
)
INFO += "3\t0.0878\t8265\t796\t1\tsky\n"
IDS = np.array([[0, 1], [2, 3]], np.uint8).repeat(4, axis=0).repeat(4, axis=1)


def scenes(source):
    for number, (split, stem) in enumerate((("training", "ADE_train_1"), ("validation", "ADE_val_1"))):
        write(source / "images" / split / f"{stem}.jpg", picture(*IDS.shape, seed=number), quality=95)
        write(source / "annotations" / split / f"{stem}.png", IDS)
    return source


def test_scene_parsing(source, out, capsys):
    (scenes(source) / "objectInfo150.txt").write_text(INFO)
    assert run_import("auto", source, out) in (0, 1)
    assert names(out) == ["wall", "building", "sky"]
    np.testing.assert_array_equal(label(out, "ADE_val_1", "val"), np.where(IDS == 0, 255, IDS - 1))
    told = capsys.readouterr().out
    assert "taken for ade20k: there is objectInfo150.txt" in told
    assert "id 0: void, as in ADE20K" in told


def test_names_of_a_class_file(source, out):
    (scenes(source).parent / "plain.txt").write_text("wall\nbuilding\nsky\n")
    (source.parent / "ids.txt").write_text("3 sky\n1 wall\n2 building\n")
    for name in ("plain", "ids"):
        target = out.with_name(name)
        assert run_import("ade20k", source, target, "--classes", source.parent / f"{name}.txt") in (0, 1)
        assert names(target) == ["wall", "building", "sky"]
        np.testing.assert_array_equal(label(target, "ADE_train_1", "train"), np.where(IDS == 0, 255, IDS - 1))
    assert run_import("ade20k", source, out, "--classes", "3") in (0, 1)
    assert names(out) == ["1", "2", "3"]


def test_two_names_that_begin_alike_stay_whole(source, out):
    (scenes(source) / "objectInfo150.txt").write_text(INFO.replace("sky", "building, block"))
    assert run_import("ade20k", source, out) in (0, 1)
    assert names(out) == ["wall", "building, edifice", "building, block"]


def test_what_is_none(source, out, capsys):
    assert run_import("ade20k", scenes(source), out) == 2
    assert "has no objectInfo150.txt that names the ids" in capsys.readouterr().err
    (source / "objectInfo150.txt").write_text("a\nb\n")
    assert run_import("ade20k", source, out) == 2
    assert "is not ADE20K's: expected the id first" in capsys.readouterr().err
    assert run_import("ade20k", source / "nowhere", out) == 2
