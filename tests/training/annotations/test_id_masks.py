"""`fcn-doctor --import ids`: images and masks by patterns, whatever the layout, and what is left out."""

import numpy as np
import pytest

from tests.training.imported import SIZE, files, ids_of, label, names, run_import
from tests.training.tiny import picture, write


def pair(source, image, mask, number):
    write(source / image, picture(*SIZE, seed=number))
    write(source / mask, ids_of(number))


@pytest.mark.parametrize(
    ("images", "masks", "name_of", "mask_of", "key"),
    [
        ("x/*.png", "y/{name}_mask.png", "x/{}.png", "y/{}_mask.png", "{}"),
        ("*.png", "{name}.tif", "{}.png", "{}.tif", "{}"),
        ("x/{name}_img.png", "x/*_ids.png", "x/{}_img.png", "x/{}_ids.png", "{}"),
        ("x/**/*.png", "y/{folder}/{name}.png", "x/deep/er/{}.png", "y/deep/er/{}.png", "deep/er/{}"),
        ("x/**/*.png", "y/{folder}/{name}.png", "x/{}.png", "y/{}.png", "{}"),
        ("{city}/{city}_{name}", "m/{name}-{city}.png", "ulm/ulm_{}.png", "m/{}-ulm.png", "ulm/{}"),
        ("x/*", "y/*.png", "x/{}.bmp", "y/{}.png", "{}"),
        ("[x]/*.png", "y/{name}.png", "[x]/{}.png", "y/{}.png", "{}"),
    ],
)
def test_patterns(source, out, images, masks, name_of, mask_of, key):
    for number in range(3):
        pair(source, name_of.format(f"a{number}"), mask_of.format(f"a{number}"), number)
    (source / "classes.txt").write_text("0 road\n1 sky\n2 car\n")
    assert run_import("ids", source, out, "--images", images, "--masks", masks, "--val", "0") == 0
    assert names(out) == ["road", "sky", "car"]
    for number in range(3):
        np.testing.assert_array_equal(label(out, key.format(f"a{number}")), ids_of(number))


def test_splits_and_what_is_left_out(source, out, capsys):
    for number, split in enumerate(("Training", "valid")):
        pair(source, f"{split}/a.png", f"{split}/m/a.png", number)
    pair(source, "old/a.png", "old/m/a.png", 2)
    write(source / "valid/alone.png", picture(*SIZE))
    (source / "notes.txt").write_text("")
    options = ("--images", "{split}/*.png", "--masks", "{split}/m/{name}.png", "--classes", "3")
    assert run_import("ids", source, out, *options) == 0
    for number, split in enumerate(("train", "val")):
        np.testing.assert_array_equal(label(out, "a", split), ids_of(number))
    told = capsys.readouterr().out
    assert "left out, image without mask: 1 (valid/alone.png)" in told
    assert "left out, image in no split: 1 (old/a.png)" in told
    assert "left out, file that no pattern matches: 1 (notes.txt)" in told


def test_an_unknown_id_is_of_one_file(source, out, capsys):
    for number in range(2):
        pair(source, f"{number}.png", f"{number}_m.png", number)
    write(source / "1_m.png", np.full(SIZE, 77, np.uint8))
    options = ("--images", "*.png", "--masks", "{name}_m.png", "--classes", "3", "--val", "0")
    assert run_import("ids", source, out, *options) == 2
    assert "1_m.png holds the ids [77], which --classes 3 does not name: it names 0 to 2" in capsys.readouterr().err
    assert not out.exists()
    assert run_import("ids", source, out, *options, "--on-error", "skip") == 0
    assert files(out) == ["classes.txt", "images/0.png", "labels/0.png"]
    assert run_import("ids", source, out.with_name("again"), *options, "--ignore-label", "77") in (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "takes two patterns of files below"),
        (["--images", "x/*.png"], "takes two patterns"),
        (["--images", "/x/*.png", "--masks", "y/*.png"], "the pattern begins in the folder of the annotations"),
        (["--images", "x/a.png", "--masks", "y/*.png"], "should hold * or {name}"),
        (["--images", "x/{}.png", "--masks", "y/*.png"], "{} should be a word in braces"),
        (
            ["--images", "x/*.png", "--masks", "y/{nme}.png"],
            "{nme} is not in the pattern of the images, which has {name}",
        ),
        (["--images", "z/*.png", "--masks", "y/*.png"], "matches no image below"),
        (["--images", "x/*.png", "--masks", "../y/*.png"], "that of x/a.png would be ../y/a.png, which is not below"),
        (["--images", "x/*.png", "--masks", "x/*.png"], "that of x/a.png would be x/a.png"),
        (["--images", "{split}/*.png", "--masks", "y/*.png"], "x/a.png lies in no split that is known. Expected"),
    ],
)
def test_patterns_that_find_nothing(source, out, capsys, options, message):
    pair(source, "x/a.png", "y/a.png", 0)
    write(source.parent / "y/a.png", ids_of(0))
    assert run_import("ids", source, out, *options, "--classes", "3") == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_classes_must_be_told(source, out, capsys):
    pair(source, "x/a.png", "y/a.png", 0)
    assert run_import("ids", source, out, "--images", "x/*.png", "--masks", "y/*.png") == 2
    assert "has no classes.txt that names the ids. Say --classes FILE" in capsys.readouterr().err
    assert run_import("ids", source / "x/a.png", out, "--images", "x/*.png", "--masks", "y/*.png") == 2
    assert "is not a folder" in capsys.readouterr().err
