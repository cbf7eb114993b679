"""Findings count files by split, name the first few, and remember their pairs."""

from training.doctor.findings import NAMED, Files, Findings


def test_files_are_counted_by_split_and_the_first_are_named():
    findings = Findings()
    masks = Files({"train": [0, 1, 2, 3, 4, 5], "val": [6, 5]}, [f"{i}.png" for i in range(7)], "masks", findings)
    masks.error("mask-is-rgb", [0, 5, 6], "hold colours.", "Save ids.")
    masks.note("exif-rotated", list(range(6)), "are turned.", "Look.")
    masks.error("mask-is-jpeg", [], "are JPEG files.", "Save PNG.")
    first, second = findings.all
    assert first.message == "3 of 7 masks (train 2, val 2) hold colours."  # one of them is in both
    assert (first.severity, first.files, first.count) == ("error", ("0.png", "5.png", "6.png"), 3)
    assert (second.severity, len(second.files), second.count) == ("note", NAMED, 6)
    assert findings.pairs_with("mask-is-rgb") == [0, 5, 6]
    assert findings.pairs_with("exif-rotated", "mask-is-rgb") == [0, 1, 2, 3, 4, 5, 6]
    assert findings.codes[5] == {"mask-is-rgb", "exif-rotated"}


def test_no_split_is_named_where_there_is_but_one():
    assert Files({"all": [0, 1]}, ["a", "b"], "images", Findings()).counted([1]) == "1 of 2 images"
