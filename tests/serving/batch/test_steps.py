"""The steps one by one, without a pipeline."""

import csv
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from serving.batch import filesystems, steps
from serving.batch.model import Labels
from serving.batch.progress_counter import PROGRESS
from serving.batch.steps import InputFile, Output
from tests.serving.batch.files import png, put

IMAGE = png([0])


def planned(output, images, name="a"):
    """Tell what `plan` makes of one name: the images left to label, and `(kind, image, status)` of its rows."""
    to_label, told = [], []
    labels = [found for label, found in steps.labelled_names(output.labels("")) if label == name]
    for answer in steps.plan((name, {"images": images, "labels": labels}), output):
        if isinstance(answer, InputFile):
            to_label.append(answer.path)
        else:
            (cells,) = csv.reader([answer.value.line])
            told.append((answer.value.kind, cells[0], cells[2]))
    return to_label, told


def labelled(output, path, contents, name="a"):
    """Label an image as the pipeline does, and return the row."""
    put(path.parent, **{path.name.replace(".", "__"): contents})
    os.utime(path, (1, 1))
    ((image, _),) = steps.read_image(InputFile(name, str(path)), output)
    return steps.write_labels((image, Labels({"": png_of([[1, 2]])})), output)


def png_of(label):
    file = io.BytesIO()
    Image.fromarray(np.array(label, np.uint8)).save(file, "PNG")
    return file.getvalue()


OTHER = "a.png is the label of {}/x/a.jpg. Give it another --output."
CLASH = "2 images would have this name: {0}/x/a.jpg, {0}/y/a.jpg. Give it another --output."


@pytest.mark.parametrize(
    ("files", "is_labelled", "to_label", "told"),
    [
        ({"x": IMAGE}, True, [], [("done", "x", "labelled")]),
        ({"x": png([1])}, True, ["x"], []),  # another image of the old name, and of the same size
        ({"x": b"GIF"}, True, ["x"], []),
        ({"y": IMAGE}, True, [], [("done", "y", "labelled")]),  # the old image in a new place
        ({"y": png([1])}, True, [], [("refused", "y", OTHER), ("kept", "x", "labelled")]),
        ({"x": IMAGE, "y": IMAGE}, True, [], [("refused", "y", OTHER), ("done", "x", "labelled")]),
        ({"x": IMAGE, "y": IMAGE}, False, [], [("refused", "x", CLASH), ("refused", "y", CLASH)]),
        ({"x": IMAGE}, False, ["x"], []),
        ({}, True, [], [("kept", "x", "labelled")]),
        ({"x": None}, True, [], [("done", "x", "labelled")]),  # gone since
    ],
)
@pytest.mark.parametrize("stamped", [True, False])
def test_what_is_done(tmp_path, output, monkeypatch, stamped, files, is_labelled, to_label, told):
    monkeypatch.setattr(steps, "RESTED", -9 if stamped else 9)
    if is_labelled:
        labelled(output, tmp_path / "x" / "a.jpg", IMAGE)
        assert (output.records("a")[""].stamp is not None) == stamped
    images = []
    for folder, contents in files.items():
        images.append(InputFile("a", f"{tmp_path}/{folder}/a.jpg"))
        if contents is None:
            (tmp_path / folder / "a.jpg").unlink()
        elif not is_labelled or folder != "x" or contents != IMAGE:
            put(tmp_path / folder, a__jpg=contents)
            os.utime(tmp_path / folder / "a.jpg", (1, 1))  # even where the time is the old one's
    expected = [(kind, f"{tmp_path}/{folder}/a.jpg", status.format(tmp_path)) for kind, folder, status in told]
    assert planned(output, images * (1 + (len(images) == 1))) == (  # as by two patterns
        [f"{tmp_path}/{folder}/a.jpg" for folder in to_label],
        expected,
    )
    label = Path(output.label("", "a"))
    assert label.exists() == (is_labelled and not to_label)  # what is labelled again has no label meanwhile


def test_a_file_that_rested_is_not_read_again(tmp_path, output, monkeypatch):
    monkeypatch.setattr(steps, "RESTED", -9)
    labelled(output, tmp_path / "a.jpg", IMAGE)
    read = []
    monkeypatch.setattr(steps, "read_file", lambda path, *limit: read.append(path) or filesystems.read_file(path))
    assert planned(output, [image(f"{tmp_path}/a.jpg")])[1] == [("done", f"{tmp_path}/a.jpg", "labelled")]
    assert read == [output.label("", "a")]
    (tmp_path / "a.jpg").touch()
    assert planned(output, [image(f"{tmp_path}/a.jpg")])[1] == [("done", f"{tmp_path}/a.jpg", "labelled")]
    assert read[2:] == [f"{tmp_path}/a.jpg"]


def test_an_image_that_is_replaced_while_it_is_labelled(tmp_path, output, monkeypatch):
    """The label belongs to the bytes that were read, whatever the file holds by then."""
    monkeypatch.setattr(steps, "RESTED", -9)
    put(tmp_path, a__jpg=IMAGE)

    def replaced(path, *_):
        contents = Path(path).read_bytes()
        (tmp_path / "a.jpg").write_bytes(png([1]))
        return contents

    with monkeypatch.context() as patch:
        patch.setattr(steps, "read_file", replaced)
        ((read, _),) = steps.read_image(image(f"{tmp_path}/a.jpg"), output)
    steps.write_labels((read, Labels({"": png_of([[1, 2]])})), output)
    record = output.records("a")[""]
    assert (record.sha256, record.stamp) == (hashlib.sha256(IMAGE).hexdigest(), None)
    assert planned(output, [image(f"{tmp_path}/a.jpg")]) == ([f"{tmp_path}/a.jpg"], [])


@pytest.mark.parametrize("damage", ["cut", "flip", "other model"])
def test_labels_that_are_none(tmp_path, output, damage):
    labelled(output, tmp_path / "a.jpg", IMAGE)
    label = Path(output.label("", "a"))
    data = bytearray(label.read_bytes())
    if damage == "flip":
        data[-20] ^= 1  # of the pixels
    label.write_bytes(data[:-1] if damage == "cut" else data)
    output = output._replace(model="f2") if damage == "other model" else output
    assert planned(output, []) == ([], [("refused", str(label), steps.FOREIGN)])
    assert planned(output, [image(f"{tmp_path}/a.jpg")]) == ([f"{tmp_path}/a.jpg"], [])
    assert not label.exists()


@pytest.mark.parametrize("keeps_texts", [True, False])
@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_label_that_somebody_painted_stays(tmp_path, output, keeps_texts, is_replaced):
    labelled(output, tmp_path / "a.jpg", IMAGE)
    label = Path(output.label("", "a"))
    with Image.open(label) as opened:
        texts = PngInfo()
        for name, text in opened.info.items() if keeps_texts else ():
            texts.add_text(name, text)
        painted = np.array(opened)
    painted[:] = 1
    Image.fromarray(painted).save(label, pnginfo=texts)
    before = label.read_bytes()
    if is_replaced:
        put(tmp_path, a__jpg=png([1]))
    reason = " ".join(steps.PAINTED.format(label).split())
    assert planned(output, [image(f"{tmp_path}/a.jpg")]) == ([], [("refused", f"{tmp_path}/a.jpg", reason)])
    assert planned(output, []) == ([], [("refused", str(label), steps.FOREIGN)])
    assert label.read_bytes() == before


def test_labels_of_two_heads_are_of_one_image(tmp_path):
    output = Output(str(tmp_path / "out"), {"geo": ["g"], "sem": ["s"]}, "f1")

    def write(contents, *heads):
        put(tmp_path, a__jpg=contents)
        ((read, _),) = steps.read_image(image(f"{tmp_path}/a.jpg"), output)
        reached = output._replace(classes=dict.fromkeys(heads, ("g",)))
        steps.write_labels((read, Labels(dict.fromkeys(heads, png_of([[0]])))), reached)

    write(IMAGE, "geo", "sem")
    assert output.records("a").keys() == {"geo", "sem"}
    write(png([1]), "geo")  # killed between the two
    assert output.records("a") is None
    Path(output.label("sem", "a")).unlink()
    assert output.records("a") is None


def test_images_that_need_no_label_are_counted_as_they_are_planned(tmp_path, output):
    labelled(output, tmp_path / "a.jpg", IMAGE)
    reports = []
    PROGRESS.restart(lambda done, total: reports.append((done, total)))
    for path in ("a.jpg", "b.jpg"):
        name, found = steps.with_its_name(InputFile(path[0], f"{tmp_path}/{path}"))
        list(steps.plan((name, {"images": [found], "labels": [True] if name == "a" else []}), output))
    assert reports == [(1, 1)]
    PROGRESS.restart(None)


def image(path, size=10):
    return InputFile("a", path, size)


def test_names(tmp_path, output):
    put(tmp_path / "in" / "x.y", **{"a__b__jpg": b"1", "[1]__png": b"22"})
    put(tmp_path / "out" / "labels", z__png=b"")
    part = f"__{'ab' * 16}__part"
    put(tmp_path / "out", **{"images__csv": b"", "mine__png": b"333", "__fcn-output__lock": b"", part: b""})
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
    row = steps.write_labels((image("/x/a.jpg"), Labels({"": png_of([[0]])})), output)
    assert (row.kind, row.line) == ("refused", "/x/a.jpg,a,Its label cannot be written: Is a directory.,10,,\n")


def test_a_scaled_image_says_so_and_is_labelled_all_the_same(tmp_path, output):
    put(tmp_path, a__jpg=IMAGE)
    answer = Labels({"": png_of([[0, 0]])}, "scaled 4000x3000 -> 480x360")
    ((read, _),) = steps.read_image(image(f"{tmp_path}/a.jpg"), output)
    row = steps.write_labels((read, answer), output)
    assert row.kind == "labelled"
    told = f'{tmp_path}/a.jpg,a,"labelled, scaled 4000x3000 -> 480x360",{len(IMAGE)},1,2,1,0,0\n'
    assert row.line == told
    steps.write_table((None, [row]), output, {})
    outcome = json.loads(Path(output.path(steps.RECORD)).read_text())["last_run"]
    assert (outcome["labelled"], outcome["scaled"]) == (1, 1)
    assert planned(output, [read])[1] == [("done", read.path, "labelled, scaled 4000x3000 -> 480x360")]


def test_shares_of_more_than_256_classes(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.array([[299, 0], [299, 299]], np.uint16)).save(file, "PNG")
    output = Output(str(tmp_path), {"": [f"c{number}" for number in range(300)]}, "f1")
    row = steps.write_labels((image("/x/a.jpg"), Labels({"": file.getvalue()})), output)
    (cells,) = csv.reader([row.line])
    assert (cells[4:7], cells[-1], len(cells)) == (["2", "2", "0.25"], "0.75", 306)
    assert output.records("a")[""].pixels == {"0": 1, "299": 3}


def test_a_pipe_is_not_waited_for(tmp_path, output):
    os.mkfifo(tmp_path / "b.png")
    (refused,) = steps.read_image(image(f"{tmp_path}/b.png"), output)
    assert refused.value.line == f"{tmp_path}/b.png,a,Cannot be read: Is a pipe.,10,,\n"
