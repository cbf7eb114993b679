"""Folders and lists: what is missing, doubled, or listed wrongly."""

import itertools

from tests.training.faulty import (
    NUMBERS,
    codes,
    found,
    pixels,
    write,
)
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
