"""Folders and lists: what is missing, doubled, or listed wrongly."""

import itertools
import shutil

from fcn_keras.datasets.folder import Folder
from tests.training.faulty import (
    NUMBERS,
    codes,
    found,
    pixels,
    write,
)
from training.doctor.command import main
from training.doctor.examination import examine


def test_partners_are_missing(data):
    (data / "train" / "images" / "0.png").unlink()
    (data / "val" / "labels" / "1.png").unlink()
    report = examine(data)
    assert codes(report) == {"mask-without-image", "image-without-mask"}
    assert found(report, "mask-without-image").files == ("train/labels/0.png",)
    assert found(report, "image-without-mask").files == ("val/images/1.png",)


def test_one_id_for_two_files(data):
    write(data / "val" / "images" / "2.bmp", pixels(data / "val" / "images" / "2.png"))
    assert codes(examine(data)) == {"two-files-one-id"}


def test_lists_that_are_wrong(data):
    for kind in ("images", "labels"):
        (data / "train" / kind).rename(data / kind)
        for path in (data / "val" / kind).iterdir():
            path.rename(data / kind / f"v{path.name}")
        (data / "val" / kind).rmdir()
    (data / "train").rmdir()
    (data / "val").rmdir()
    (data / "train.txt").write_text("0.png\n1\n2\n3\n3\ngone\n")
    (data / "val.txt").write_text("v0\nv1\nv2\n")
    report = examine(data)
    assert codes(report) == {"listed-with-extension", "listed-twice", "listed-but-missing"}
    assert found(report, "unlisted").count == 3
    (data / "train.txt").write_bytes(b"\xff\xfe0\x00")
    assert codes(examine(data)) == {"list-unreadable", "split-empty"}


def test_not_divided(data):
    report = examine(data / "train", classes=8)
    assert report.images == {"all": 6}
    assert codes(report, "note") == {"not-divided"}


def test_clean_lists_are_left_in_peace(data):
    for split, (number, _) in NUMBERS.items():
        for kind, index in itertools.product(("images", "labels"), range(number)):
            (data / kind).mkdir(exist_ok=True)
            (data / split / kind / f"{index}.png").rename(data / kind / f"{split}{index}.png")
        (data / f"{split}.txt").write_text("".join(f"{split}{index}\n" for index in range(number)))
    for folder in [*data.glob("*/images"), *data.glob("*/labels"), data / "train", data / "val"]:
        folder.rmdir()
    report = examine(data)
    assert report.findings == ()
    assert report.images == {"train": 6, "val": 4}


def test_splits_by_other_names(data):
    (data / "val").rename(data / "Validation")
    report = examine(data)
    assert report.images == {"train": 6, "val": 4}
    assert codes(report, "note") == {"split-named"}
    assert "Validation as val" in found(report, "split-named").message
    (data / "train").rename(data / "mine")
    report = examine(data)
    assert "does not use mine" in found(report, "split-unused").message
    assert report.images == {"val": 4, "mine": 6}


def test_splits_within_images_and_labels(data):
    for split, kind in itertools.product(("train", "val"), ("images", "labels")):
        (data / kind).mkdir(exist_ok=True)
        (data / split / kind).rename(data / kind / split)
    for split in ("train", "val"):
        (data / split).rmdir()
    report = examine(data)
    assert report.images == {"train": 6, "val": 4}
    assert report.findings == ()
    write(data / "images" / "lone.png", pixels(data / "images" / "train" / "0.png"))
    (data / "labels" / "val" / "1.png").unlink()
    report = examine(data)
    assert found(report, "unlisted").files == ("images/lone.png",)
    assert found(report, "image-without-mask").files == ("images/val/1.png",)
    assert "have no mask of the same name in labels/val" in found(report, "image-without-mask").message


def test_lists_of_two_columns(data):
    for split, kind in itertools.product(("train", "val"), ("images", "labels")):
        (data / kind).mkdir(exist_ok=True)
        for path in (data / split / kind).iterdir():
            path.rename(data / kind / f"{split}{path.stem}{'_mask' * (kind == 'labels')}.png")
        (data / split / kind).rmdir()
    for split, (number, _) in NUMBERS.items():
        (data / split).rmdir()
        lines = [f"images/{split}{i}.png labels/{split}{i}_mask.png\n" for i in range(number)]
        (data / f"{split}.txt").write_text("".join(lines))
    report = examine(data)
    assert report.findings == ()
    assert report.images == {"train": 6, "val": 4}
    (data / "val.txt").write_text("/else/val0.png /else/val0_mask.png\n")
    report = examine(data)
    assert "1 lines of several columns" in found(report, "list-columns").message
    assert found(report, "unlisted").count == 8


def test_what_is_left_alone(data, capsys):
    for name in ("train/images/x.cr3", "train/images/.DS_Store", "Depth/a.png", "Depth/b.png", "notes.md", ".git/a"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).touch()
    (data / "val" / "labels" / "round").symlink_to(data)
    report = examine(data)
    assert report.findings == ()
    assert report.left_alone == {".cr3": 1, ".md": 1, "link": 1, "hidden file": 2, "file in Depth": 2}
    assert main([str(data), "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Left alone: 1 .cr3, 1 .md, 1 link, 2 hidden files, 2 files in Depth."
    )


def test_images_to_test_on_without_masks_are_counted(data):
    shutil.copytree(data / "val" / "images", data / "Test" / "images")
    report = examine(data)
    assert codes(report) == set()
    assert report.images == {"train": 6, "val": 4}
    assert report.left_alone == {"image of Test without masks": 4}


def test_nothing_beside_the_splits_is_passed_over(data):
    shutil.copytree(data / "val" / "images", data / "images")
    (data / "again").symlink_to(data)
    report = examine(data)
    assert report.findings == ()
    assert report.left_alone == {"link": 1, "file in images": 4}


def test_lists_as_paddleseg_calls_them(data):
    for kind in ("images", "labels"):
        (data / "train" / kind).rename(data / kind)
    shutil.rmtree(data / "train")
    shutil.rmtree(data / "val")
    lines = [f"images/{i}.png labels/{i}.png\n" for i in range(6)]
    (data / "train_list.txt").write_text("".join(lines[:4]))
    (data / "val_list.txt").write_text("".join(lines[4:]))
    report = examine(data)
    assert report.images == {"train": 4, "val": 2}
    assert report.findings == ()
    assert Folder(data, "val").ids == ("4", "5")


def test_a_folder_of_masks_is_read_as_that_of_labels(data):
    before = examine(data)
    for split in ("train", "val"):
        (data / split / "labels").rename(data / split / "masks")
    after = examine(data)
    assert (after.images, after.class_frequencies, codes(after)) == (before.images, before.class_frequencies, set())
    assert after.left_alone == before.left_alone
    (data / "val" / "masks" / "1.png").unlink()
    assert "val/images have no mask of the same name in val/masks" in found(examine(data), "image-without-mask").message
    shutil.copytree(data / "train" / "masks", data / "train" / "labels")
    number = len([*(data / "train" / "masks").iterdir()])
    assert examine(data).left_alone == {**before.left_alone, "file in train/masks": number}
