"""The doctor's report as text."""

from dataclasses import replace

import pytest

from training.doctor.examination import Report
from training.doctor.findings import Finding
from training.doctor.report import text, verdict

ERROR = Finding("mask-is-rgb", "error", "2 masks hold colours.", "Save ids.", ("a-b.png", "c.png"), 2)
NOTE = Finding("unlisted", "note", "7 files are in no list.", "Nothing to do.", tuple("abcde"), 7)
REPORT = Report(
    directory="photos",
    num_classes=2,
    classes_from="classes.txt",
    class_names=("road", "car"),
    ignore_label=255,
    images={"train": 4, "val": 1},
    findings=(),
    counted={"train": 4, "val": 1},
    class_frequencies={"train": (0.75, 0.25), "val": (1.0, 0.0)},
    class_images={"train": (4, 2), "val": (1, 0)},
    class_weights=(0.5, 1.5),
    sizes=((32, 64, 5),),
    buckets=((32, 64),),
    padding=0.125,
)


def test_a_sound_data_set_line_by_line():
    assert text(REPORT).splitlines() == [
        "photos: train 4, val 1 images; 2 classes (classes.txt)",
        "",
        "Nothing is wrong.",
        "",
        "class      train        val    weight",
        "road     75.00 %   100.00 %    0.5000",
        "car      25.00 %     0.00 %    1.5000",
        "",
        "Shares of the labelled pixels. The weights, for class_weights, balance by median frequency: median(f) / f,",
        "f = the pixels of the class / all pixels of the images of train in which it occurs.",
        "",
        "Sizes (height x width): 32x64 (5).",
        "Sizes to pad them to in training: fcn-train --buckets 32x64; 12.5 % of the padded pixels are padding.",
    ]


def test_large_images_are_reduced_before_they_are_padded():
    line = text(replace(REPORT, sizes=((3000, 4000, 5),), buckets=((3008, 4000),))).splitlines()[-1]
    assert line.startswith("fcn-train reduces images of more than 1,000,000 pixels (--most-pixels), and chooses then")


def test_findings_name_files_and_say_what_to_do():
    lines = text(replace(REPORT, findings=(ERROR, NOTE), counted={"train": 2, "val": 1}, ignore_label=9)).splitlines()
    assert lines[0] == "photos: train 4, val 1 images; 2 classes, void 9 and 255 (classes.txt)"
    assert lines[2:7] == [
        "error  mask-is-rgb",
        "       2 masks hold colours.",
        "       a-b.png, c.png",
        "    -> Save ids.",
        "",
    ]
    assert "       a, b, c, d, e and 2 more" in lines
    assert "Counted without the 2 pairs that have errors." in lines


def test_many_sizes_are_counted():
    assert "6x6 (1) and 3 more sizes." in text(replace(REPORT, sizes=tuple((i, i, 1) for i in range(1, 10))))
    assert text(replace(REPORT, sizes=())).endswith("No image could be read.")


@pytest.mark.parametrize(
    ("findings", "line"),
    [((), "no errors, no notes"), ((ERROR,), "1 error, no notes"), ((ERROR, NOTE, NOTE), "1 error, 2 notes")],
)
def test_the_verdict_counts(findings, line):
    assert verdict(replace(REPORT, findings=findings)) == line
