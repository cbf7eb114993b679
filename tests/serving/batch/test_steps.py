"""The steps one by one, without a pipeline."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.batch import steps
from serving.batch.model import Labels
from serving.batch.progress_counter import PROGRESS
from serving.batch.steps import InputFile, Output
from tests.serving.batch.files import png, put


def planned(output, images, rows=(), name="a"):
    """Tell what `plan` makes of one name: the images left to label, and `(kind, image, status)` of its rows."""
    to_label, told = [], []
    for answer in steps.plan((name, {"images": images, "rows": list(rows)}), output):
        if isinstance(answer, InputFile):
            to_label.append(answer.path)
        else:
            (cells,) = csv.reader([answer.value.line])
            told.append((answer.value.kind, cells[0], cells[2]))
    return to_label, told


def image(path, size=10):
    return InputFile("a", path, size)


ROW = ["/x/a.jpg", "a", "labelled", "10", "1", "1", "1", "0", "0"]


OTHER = "a.png is the label of /x/a.jpg. Give it another --output."


CLASH = "2 images would have this name: /x/a.jpg, /y/a.jpg. Give it another --output."


@pytest.mark.parametrize(
    ("images", "rows", "to_label", "told"),
    [
        ([image("/x/a.jpg")], [ROW], [], [("done", "/x/a.jpg", "labelled")]),
        ([image("/x/a.jpg")] * 2, [ROW], [], [("done", "/x/a.jpg", "labelled")]),  # by two patterns
        ([image("/x/a.jpg", 11)], [ROW], ["/x/a.jpg"], []),  # another image of the old name
        ([image("/y/a.jpg")], [ROW], [], [("done", "/y/a.jpg", "labelled")]),  # the old image in a new place
        (
            [image("/y/a.jpg", 11)],
            [ROW],
            [],
            [("refused", "/y/a.jpg", OTHER), ("kept", "/x/a.jpg", "labelled")],
        ),
        (
            [image("/x/a.jpg"), image("/y/a.jpg")],
            [ROW],
            [],
            [("refused", "/y/a.jpg", OTHER), ("done", "/x/a.jpg", "labelled")],
        ),
        (
            [image("/x/a.jpg"), image("/y/a.jpg")],
            [],
            [],
            [("refused", "/x/a.jpg", CLASH), ("refused", "/y/a.jpg", CLASH)],
        ),
        ([], [ROW], [], [("kept", "/x/a.jpg", "labelled")]),
        ([], [], [], []),
        ([image("/x/a.jpg", None)], [ROW], [], [("done", "/x/a.jpg", "labelled")]),  # gone since
        ([image("/x/a.jpg")._replace(problem="No.")], [], [], [("refused", "/x/a.jpg", "No.")]),
    ],
)
def test_what_is_done(output, images, rows, to_label, told):
    label = put(Path(output.folder) / "labels", a__png=png([0])) / "a.png"
    assert planned(output, images, rows) == (to_label, told)
    assert label.exists() != bool(to_label)  # what is labelled again has no label meanwhile


def test_images_that_need_no_label_are_counted_as_they_are_planned(output):
    put(Path(output.folder) / "labels", a__png=png([0]))
    reports = []
    PROGRESS.restart(lambda done, total: reports.append((done, total)))
    for path, rows in (("/x/a.jpg", [ROW]), ("/x/b.jpg", [])):
        name, found = steps.with_its_name(image(path))
        list(steps.plan((name, {"images": [found], "rows": rows}), output))
        (Path(output.folder) / "labels" / "a.png").unlink(missing_ok=True)  # so the second has none
    assert reports == [(1, 1)]
    PROGRESS.restart(None)


def test_without_its_label_a_row_is_nothing(output):
    assert planned(output, [image("/x/a.jpg")], [ROW]) == (["/x/a.jpg"], [])
    assert planned(output, [], [ROW]) == ([], [])


def test_names(tmp_path, output):
    put(tmp_path / "in" / "x.y", **{"a__b__jpg": b"1", "[1]__png": b"22"})
    put(tmp_path / "out" / "labels", z__png=b"")
    put(tmp_path / "out", **{"images__csv": b"", "mine__png": b"333"})
    put(tmp_path / "in", **{b"caf\xe9.png".decode(errors="surrogateescape"): b""})

    def found(pattern):
        return sorted(steps.find_images(f"{tmp_path}/{pattern}", output))

    a, one = (
        InputFile(f"x.y/{n}", f"{tmp_path}/in/x.y/{n}.{e}", s) for n, e, s in [("a.b", "jpg", 1), ("[1]", "png", 2)]
    )
    assert found("in/x.y/*") == [image._replace(name=image.name[4:]) for image in (one, a)]
    assert found("in/*/*.jpg") == [a]
    assert found("in/x.y/[1].png") == [one._replace(name="[1]")]  # its name before what it may mean
    assert [image.name for image in found("out/**")] == ["mine"]  # a second run does not label labels
    assert found("in/*.png") == [
        InputFile("caf\ufffd", f"{tmp_path}/in/caf\ufffd.png", 0, "The file's name is not UTF-8. Rename it.")
    ]
    assert steps.named("gs://b/c/d.jpg", "gs://b").name == "c/d"
    assert steps.named("gs://b/c/d.jpg", "/x").name == "b/c/d"
    assert steps.named("/xy/d", "/x").name == "xy/d"


def test_a_file_of_many_megabytes_is_not_read(tmp_path, output, monkeypatch):
    monkeypatch.setattr(steps, "MAX_BYTES", 2**20)
    put(tmp_path, a__jpg=bytes(2**20), b__jpg=bytes(2**20 + 1))
    ((read, contents),) = steps.read_image(image(f"{tmp_path}/a.jpg", None), output)
    assert (read.size, len(contents)) == (2**20, 2**20)
    (refused,) = steps.read_image(image(f"{tmp_path}/b.jpg"), output)
    assert refused.value.line == f"{tmp_path}/b.jpg,a,The file is larger than 1 MB.,,,\n"


def test_a_label_that_cannot_have_its_name(output):
    put(Path(output.folder) / "labels" / "a.png", b__png=png([0]))  # of an image in a folder `a.png`
    row = steps.write_labels((image("/x/a.jpg"), Labels({"": png([0])})), output)
    assert (row.kind, row.line) == ("refused", "/x/a.jpg,a,Its label cannot be written: Is a directory.,10,,\n")


def test_a_scaled_image_says_so_and_is_labelled_all_the_same(output):
    file = io.BytesIO()
    Image.fromarray(np.zeros((1, 2), np.uint8)).save(file, "PNG")
    answer = Labels({"": file.getvalue()}, "scaled 4000x3000 -> 480x360")
    row = steps.write_labels((image("/x/a.jpg"), answer), output)
    assert row.kind == "labelled"
    assert row.line.startswith('/x/a.jpg,a,"labelled, scaled 4000x3000 -> 480x360",10,1,2,')
    steps.write_table((None, [row]), output, {})
    table = output.path(steps.TABLE)
    assert [name for name, _ in steps.labelled_rows(table)] == ["a"]
    outcome = json.loads(Path(output.path(steps.RECORD)).read_text())["last_run"]
    assert (outcome["labelled"], outcome["scaled"]) == (1, 1)


def test_shares_of_more_than_256_classes():
    file = io.BytesIO()
    Image.fromarray(np.array([[299, 0], [299, 299]], np.uint16)).save(file, "PNG")
    output = Output("/out", {"": [f"c{number}" for number in range(300)]})
    (cells,) = csv.reader([output.row("labelled", image("/x/a.jpg"), pngs={"": file.getvalue()}).line])
    assert (cells[4:7], cells[-1], len(cells)) == (["2", "2", "0.25"], "0.75", 306)


def test_a_pipe_is_not_waited_for(tmp_path, output):
    os.mkfifo(tmp_path / "b.png")
    (refused,) = steps.read_image(image(f"{tmp_path}/b.png"), output)
    assert refused.value.line == f"{tmp_path}/b.png,a,Cannot be read: Is a pipe.,10,,\n"
