"""`fcn-batch` on a SavedModel made by hand: an image's red channel is its label."""

import csv
import errno
import io
import json
import os
import shutil
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem
from PIL import Image

from serving.batch import command as batch
from serving.batch import filesystems as beam_files
from serving.batch import model as beam_model
from serving.batch import pipeline as beam_pipeline
from serving.batch import steps as beam_steps
from serving.batch.steps import Output

NAMES = ["sky", "road, wet", "car"]
REFUSAL = b"This is a GIF."
ONE_THREAD = ("--direct_num_workers=1", "--direct_running_mode=in_memory")  # starts a little sooner


def save_model(folder, *, heads=("",), inputs=("image_bytes",), names=NAMES, bias=0):
    """Write a SavedModel with the signatures of fcn-export's, which refuses GIF files and fails on damaged ones."""

    def answer(contents):
        def label():
            red = tf.io.decode_png(contents, channels=3)[..., :1] + bias
            png = tf.io.encode_png(red)
            return {**{f"{head or 'label'}_png_bytes": png for head in heads}, "status": ""}

        nothing = {**{f"{head or 'label'}_png_bytes": "" for head in heads}, "status": REFUSAL}
        return tf.cond(tf.strings.substr(contents, 0, 3) == b"GIF", lambda: nothing, label)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in inputs])
    def serving_default(files, *_):
        specs = {f"{head or 'label'}_png_bytes": tf.TensorSpec([], tf.string) for head in heads}
        return tf.map_fn(answer, files, fn_output_signature={**specs, "status": tf.TensorSpec([], tf.string)})

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "image")])
    def predict_scores(image):
        return {f"{head}_scores".lstrip("_"): image for head in heads}

    signatures = {"serving_default": serving_default, "predict_scores": predict_scores}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    for head in heads if names else ():
        name = f"classes_{head}.txt" if head else "classes.txt"
        (Path(folder) / "assets" / name).write_text("".join(f"{name}\n" for name in names))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A served model's folder, whose version 2 is the one to take."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder / "2")
    (folder / "1").mkdir()
    (folder / "1" / "saved_model.pb").write_bytes(b"old")
    return folder


@pytest.fixture(scope="module")
def two_heads(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("heads") / "1", heads=("sem", "geo"), names=None)


@pytest.fixture
def labelled(monkeypatch):
    """Collects the files that the model was asked to label, a list a call."""
    calls = []
    label = beam_model.SavedModel.label
    monkeypatch.setattr(beam_model.SavedModel, "label", lambda self, files: calls.append(files) or label(self, files))
    return calls


def png(*rows):
    """Encode rows of red values."""
    pixels = np.zeros((len(rows), len(rows[0]), 3), np.uint8)
    pixels[..., 0] = rows
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (folder / name.replace("__", ".")).write_bytes(contents)
    return folder


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def run(*arguments):
    return batch.main([str(x) for x in arguments])


def test_labels_table_and_a_second_run(tmp_path, model, labelled, capfd):
    photos = put(tmp_path / "photos", a__png=png([0, 1, 1], [2, 2, 2]), b__png=png([0]), empty__png=b"")
    put(photos / "day 2", a__png=png([1], [1]), cut__png=png([0, 1, 2])[:50], gif__png=b"GIF89a", é__png=png([2, 0]))
    arguments = ("--input", photos / "**", "--model", model, "--output", tmp_path / "out", "--batch-size=3")
    assert run(*arguments) == 0
    said = capfd.readouterr()
    assert said.out == f"4 labelled, 3 refused, 0 already done (see {tmp_path}/out/images.csv)\n"
    refused = said.err.splitlines()
    assert len(refused) == 3  # and not a word of Beam's or TensorFlow's
    assert refused[0].startswith(f"fcn-batch: {photos}/day 2/cut.png: ")
    assert refused[1:] == [
        f"fcn-batch: {photos}/day 2/gif.png: This is a GIF.",
        f"fcn-batch: {photos}/empty.png: The file is empty.",
    ]
    labels = tmp_path / "out" / "labels"
    assert np.asarray(Image.open(labels / "a.png")).tolist() == [[0, 1, 1], [2, 2, 2]]
    assert np.asarray(Image.open(labels / "day 2" / "a.png")).tolist() == [[1], [1]]
    assert sorted(path.name for path in labels.rglob("*")) == ["a.png", "a.png", "b.png", "day 2", "é.png"]
    header, *rows = table = read_table(tmp_path / "out" / "images.csv")
    assert header == ["image", "name", "status", "bytes", "height", "width", *NAMES]
    size = str((photos / "a.png").stat().st_size)
    assert rows[0] == [f"{photos}/a.png", "a", "labelled", size, "2", "3", "0.166667", "0.333333", "0.5"]
    assert rows[5] == [f"{photos}/day 2/é.png", "day 2/é", "labelled", rows[5][3], "1", "2", "0.5", "0", "0.5"]
    assert rows[4] == [f"{photos}/day 2/gif.png", "day 2/gif", "This is a GIF.", "6", "", ""]
    assert rows[6] == [f"{photos}/empty.png", "empty", "The file is empty.", "0", "", ""]
    assert [row[1] for row in rows] == ["a", "b", "day 2/a", "day 2/cut", "day 2/gif", "day 2/é", "empty"]
    assert rows[3][2] == "Invalid PNG data, size 50"  # the model failed as a whole, and the others were not lost
    assert max(map(len, labelled)) <= 3

    labelled.clear()
    before = {path: path.stat().st_mtime_ns for path in labels.rglob("*.png")}
    assert run(*arguments) == 0
    said = capfd.readouterr()
    assert said.out == f"0 labelled, 3 refused, 4 already done (see {tmp_path}/out/images.csv)\n"
    assert said.err.splitlines() == refused
    assert {file for files in labelled for file in files} == {b"GIF89a", png([0, 1, 2])[:50]}
    assert {path: path.stat().st_mtime_ns for path in labels.rglob("*.png")} == before
    assert read_table(tmp_path / "out" / "images.csv") == table


def test_every_image_is_logged_and_counted(tmp_path, model, capsys, monkeypatch):
    put(tmp_path, a__png=png([0, 1]), b__png=b"GIF89a", c__png=b"")
    counts, Progress = [], batch.Progress
    heard = lambda self, done, total: counts.append((done, total))  # noqa: E731
    monkeypatch.setattr(batch, "Progress", type("Heard", (Progress,), {"__call__": heard}))
    arguments = ("--input", tmp_path / "*.png", "--model", model, "--output", tmp_path / "out", *ONE_THREAD, "-v")
    assert run(*arguments) == 0
    assert counts == [(0, None), (1, 3), (2, 3), (3, 3)]
    said = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()[:3]]
    assert sorted(said) == [
        f"fcn-batch: {tmp_path}/a.png: labelled",
        f"fcn-batch: {tmp_path}/b.png: This is a GIF.",
        f"fcn-batch: {tmp_path}/c.png: The file is empty.",
    ]
    counts.clear()
    assert run(*arguments) == 0
    assert counts == [(0, None), (1, 3), (2, 3), (3, 3)]
    assert "a.png" not in capsys.readouterr().err  # what is labelled needs no word


def test_an_interrupted_run_goes_on(tmp_path, two_heads, labelled, capsys):
    put(tmp_path, a__png=png([0, 1]), b__png=png([2]), c__png=png([1]), d__png=png([1]))
    arguments = ("--input", tmp_path / "?.png", "--model", two_heads, "--output", tmp_path / "o[ut]", *ONE_THREAD)
    assert run(*arguments) == 0
    out = tmp_path / "o[ut]"
    table = read_table(out / "images.csv")
    assert table[0][6:] == [f"{head}_class_{number}" for head in ("geo", "sem") for number in range(3)]
    assert table[1][4:] == ["1", "2", "0.5", "0.5", "0", "0.5", "0.5", "0"]
    # What a power cut before the table leaves: a finished image, half of one, and a damaged one.
    (out / "images.csv").unlink()
    record = json.loads((out / "fcn-batch.json").read_text())
    (out / "fcn-batch.json").write_text(json.dumps({**record, "last_run": None}))
    (out / "labels_geo" / ".1234.part").write_bytes(b"half")
    (out / "labels_geo" / "b.png").unlink()
    (out / "labels_sem" / "c.png").write_bytes(b"")
    labelled.clear()
    capsys.readouterr()
    assert run(*arguments) == 0
    assert capsys.readouterr().out.startswith("2 labelled, 0 refused, 2 already done ")
    assert sorted(file for files in labelled for file in files) == sorted([png([2]), png([1])])
    assert read_table(out / "images.csv") == table
    assert sorted(p.name for p in (out / "labels_geo").iterdir()) == ["a.png", "b.png", "c.png", "d.png"]


def test_a_list(tmp_path, model, capsys):
    put(tmp_path / "set" / "in", a__png=png([0]))
    put(tmp_path / "elsewhere", b__png=png([1]))
    entries = ["in/a.png", f"{tmp_path}/set/in/../in/a.png", "", "gone.png", "../elsewhere/b.png", "in"]
    (tmp_path / "set" / "list.txt").write_text("\r\n".join(entries))
    arguments = ("--list", tmp_path / "set" / "list.txt", "--model", model / "2", "--output", tmp_path / "out")
    assert run(*arguments, *ONE_THREAD) == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 labelled, 2 refused, 0 already done")
    assert f"{tmp_path}/set/gone.png: Cannot be read: No such file or directory.\n" in said.err
    assert f"{tmp_path}/set/in: Cannot be read: Is a directory.\n" in said.err
    outside = f"{tmp_path}/elsewhere/b".lstrip("/")  # its whole path, as it is not below the list's folder
    assert (tmp_path / "out" / "labels" / f"{outside}.png").is_file()
    assert [row[1] for row in read_table(tmp_path / "out" / "images.csv")[1:]] == ["gone", "in", "in/a", outside]


def test_another_model_needs_another_folder_or_overwrite(tmp_path, model, capsys):
    put(tmp_path, a__png=png([0]), b__png=png([1]))
    save_model(tmp_path / "changed" / "3", bias=1)
    out = tmp_path / "out"
    first = ("--input", tmp_path / "a.png", "--output", out, *ONE_THREAD)
    second = ("--input", tmp_path / "b.png", "--output", out, "--model", tmp_path / "changed", *ONE_THREAD)
    assert run(*first, "--model", model) == 0
    capsys.readouterr()
    assert run(*second) == 2
    assert capsys.readouterr().err == (
        f"fcn-batch: {out} holds labels by {model}/2, not by {tmp_path}/changed/3. Choose another --output, or say "
        "--overwrite to delete them first.\n"
    )
    (out / "notes.txt").write_text("mine")
    assert run(*second, "--overwrite") == 0
    assert np.asarray(Image.open(out / "labels" / "b.png")).tolist() == [[2]]
    assert sorted(p.name for p in out.rglob("*.*")) == ["b.png", "fcn-batch.json", "images.csv", "notes.txt"]
    assert len(read_table(out / "images.csv")) == 2
    # The same model elsewhere is the same model.
    shutil.copytree(tmp_path / "changed" / "3", tmp_path / "copy")
    output = Output(str(out), {"": NAMES})
    beam_pipeline.prepare(output, fingerprint_of(tmp_path / "copy"), False)


def fingerprint_of(folder):
    model = beam_model.read_model(str(folder))
    return {"model": model.folder, "fingerprint": model.fingerprint, "heads": list(model.classes)}


class RoomFileSystem(LocalFileSystem):
    """A bucket: `room://path` is the file `path`, folders are only beginnings of names, and renaming replaces none."""

    @classmethod
    def scheme(cls):
        return "room"

    def has_dirs(self):
        return False

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def exists(self, path):
        return local(path).is_file()

    def metadata(self, path):
        return FileMetadata(path, local(path).stat().st_size)

    def _list(self, dir_or_prefix):
        for path in local(dir_or_prefix).rglob("*"):
            if path.is_file():
                yield self.metadata(f"room:/{path}")

    def _path_open(self, path, mode, *_):
        return local(path).open(mode)

    def create(self, path, *_, **__):
        local(path).parent.mkdir(parents=True, exist_ok=True)
        return local(path).open("wb")

    def rename(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            if self.exists(target):
                raise BeamIOError(f"{target} exists")  # as HDFS says
            local(source).rename(local(target))

    def delete(self, paths):
        for path in paths:
            local(path).unlink()


def local(path):
    assert path.startswith("room://"), path
    return Path(path.removeprefix("room:/"))


def test_everything_by_beams_file_systems(tmp_path, model, capsys):
    put(tmp_path / "in" / "deep", a__png=png([0]), b__png=b"GIF")
    (tmp_path / "list.txt").write_text("in/deep/c.png\n")
    room = f"room:/{tmp_path}"
    shutil.copytree(model, tmp_path / "model")
    arguments = ("--input", f"{room}/in/**", "--list", f"{room}/list.txt", "--model", f"{room}/model")
    assert run(*arguments, "--output", f"{room}/out", *ONE_THREAD) == 0
    assert capsys.readouterr().out == f"1 labelled, 2 refused, 0 already done (see {room}/out/images.csv)\n"
    assert np.asarray(Image.open(tmp_path / "out" / "labels" / "deep" / "a.png")).tolist() == [[0]]
    assert [row[:2] for row in read_table(tmp_path / "out" / "images.csv")[1:]] == [
        [f"{room}/in/deep/a.png", "deep/a"],
        [f"{room}/in/deep/b.png", "deep/b"],
        [f"{room}/in/deep/c.png", "in/deep/c"],
    ]
    with beam_files.replacing(f"{room}/out/labels/deep/a.png") as file:  # a bundle that is tried again
        file.write(b"again")
    assert (tmp_path / "out" / "labels" / "deep" / "a.png").read_bytes() == b"again"
    output = Output(f"{room}/out", {"": NAMES})
    beam_pipeline.prepare(output, fingerprint_of(f"{room}/model"), True)
    assert [p.name for p in (tmp_path / "out").rglob("*.*")] == ["fcn-batch.json"]


def test_a_full_disk_is_one_line_and_a_fault_of_ours_is_not(tmp_path, model, capsys, monkeypatch):
    put(tmp_path, a__png=png([0]))
    arguments = ("--input", tmp_path / "a.png", "--model", model, "--output", tmp_path / "out")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(beam_steps.Output, "label", fail)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("fcn-batch: OSError: [Errno 28] No space left on device [while running ")
    assert said.count("\n") == 1
    monkeypatch.setattr(beam_steps.Output, "label", lambda *_: 1 / 0)
    with pytest.raises((RuntimeError, ZeroDivisionError), match="division by zero"):
        run(*arguments, *ONE_THREAD)


@pytest.fixture
def output(tmp_path):
    return Output(str(tmp_path / "out"), {"": NAMES})


def planned(output, images, rows=(), name="a"):
    """Tell what `plan` makes of one name: the images left to label, and `(kind, image, status)` of its rows."""
    to_label, told = [], []
    for answer in beam_steps.plan((name, {"images": images, "rows": list(rows)}), output):
        if isinstance(answer, beam_steps.Image):
            to_label.append(answer.path)
        else:
            (cells,) = csv.reader([answer.value.line])
            told.append((answer.value.kind, cells[0], cells[2]))
    return to_label, told


def image(path, size=10):
    return beam_steps.Image("a", path, size)


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


def test_without_its_label_a_row_is_nothing(output):
    assert planned(output, [image("/x/a.jpg")], [ROW]) == (["/x/a.jpg"], [])
    assert planned(output, [], [ROW]) == ([], [])


def test_names(tmp_path, output):
    put(tmp_path / "in" / "x.y", **{"a__b__jpg": b"1", "[1]__png": b"22"})
    put(tmp_path / "out" / "labels", z__png=b"")
    put(tmp_path / "out", **{"images__csv": b"", "mine__png": b"333"})
    put(tmp_path / "in", **{b"caf\xe9.png".decode(errors="surrogateescape"): b""})

    def found(pattern):
        return sorted(beam_steps.find(f"{tmp_path}/{pattern}", output))

    a, one = (
        beam_steps.Image(f"x.y/{n}", f"{tmp_path}/in/x.y/{n}.{e}", s)
        for n, e, s in [("a.b", "jpg", 1), ("[1]", "png", 2)]
    )
    assert found("in/x.y/*") == [image._replace(name=image.name[4:]) for image in (one, a)]
    assert found("in/*/*.jpg") == [a]
    assert found("in/x.y/[1].png") == [one._replace(name="[1]")]  # its name before what it may mean
    assert [image.name for image in found("out/**")] == ["mine"]  # a second run does not label labels
    assert found("in/*.png") == [
        beam_steps.Image("caf\ufffd", f"{tmp_path}/in/caf\ufffd.png", 0, "The file's name is not UTF-8. Rename it.")
    ]
    assert beam_steps.named("gs://b/c/d.jpg", "gs://b").name == "c/d"
    assert beam_steps.named("gs://b/c/d.jpg", "/x").name == "b/c/d"
    assert beam_steps.named("/xy/d", "/x").name == "xy/d"
    assert beam_files.absolute("a/../b.jpg", "/x") == "/x/b.jpg"
    assert beam_files.absolute("s3://b/a/../c", "/x") == "s3://b/c"


def test_a_file_of_many_megabytes_is_not_read(tmp_path, output, monkeypatch):
    monkeypatch.setattr(beam_steps, "MAX_BYTES", 2**20)
    put(tmp_path, a__jpg=bytes(2**20), b__jpg=bytes(2**20 + 1))
    ((read, contents),) = beam_steps.read(image(f"{tmp_path}/a.jpg", None), output)
    assert (read.size, len(contents)) == (2**20, 2**20)
    (refused,) = beam_steps.read(image(f"{tmp_path}/b.jpg"), output)
    assert refused.value.line == f"{tmp_path}/b.jpg,a,The file is larger than 1 MB.,,,\n"


def test_a_label_that_cannot_have_its_name(output):
    put(Path(output.folder) / "labels" / "a.png", b__png=png([0]))  # of an image in a folder `a.png`
    row = beam_steps.write((image("/x/a.jpg"), {"": png([0])}), output)
    assert (row.kind, row.line) == ("refused", "/x/a.jpg,a,Its label cannot be written: Is a directory.,10,,\n")


def test_shares_of_more_than_256_classes():
    file = io.BytesIO()
    Image.fromarray(np.array([[299, 0], [299, 299]], np.uint16)).save(file, "PNG")
    output = Output("/out", {"": [f"c{number}" for number in range(300)]})
    (cells,) = csv.reader([output.row("labelled", image("/x/a.jpg"), pngs={"": file.getvalue()}).line])
    assert (cells[4:7], cells[-1], len(cells)) == (["2", "2", "0.25"], "0.75", 306)


def told(on_error, as_json=False):
    return Namespace(on_error=on_error, json=as_json)


def test_the_summary_as_json(output, capsys):
    batch._report({"labelled": 1, "refused": 0, "done": 2, "named": []}, output, told("skip", as_json=True))
    expected = {"labelled": 1, "refused": 0, "done": 2, "list": f"{output.folder}/images.csv"}
    assert json.loads(capsys.readouterr().out) == expected


def test_the_summary_names_a_few(output, capsys):
    batch._report({"labelled": 1, "refused": 7, "done": 2, "named": [["/x/a.jpg", "No."]]}, output, told("skip"))
    said = capsys.readouterr()
    assert said.err == "fcn-batch: /x/a.jpg: No.\nfcn-batch: and 6 more\n"
    assert said.out == f"1 labelled, 7 refused, 2 already done (see {output.folder}/images.csv)\n"


@pytest.mark.parametrize(
    ("labelled", "refused", "done", "skip", "fail"),
    [(1, 0, 0, 0, 0), (1, 1, 0, 0, 2), (0, 1, 1, 0, 2), (0, 2, 0, 2, 2), (0, 0, 0, 0, 0)],
)
def test_exit_codes(output, labelled, refused, done, skip, fail):
    found = {"labelled": labelled, "refused": refused, "done": done, "named": []}
    assert [batch._report(found, output, told(way)) for way in ("skip", "fail")] == [skip, fail]


def test_a_pipe_is_not_waited_for(tmp_path, output):
    os.mkfifo(tmp_path / "b.png")
    (refused,) = beam_steps.read(image(f"{tmp_path}/b.png"), output)
    assert refused.value.line == f"{tmp_path}/b.png,a,Cannot be read: Is a pipe.,10,,\n"


@pytest.fixture
def photo(tmp_path):
    return put(tmp_path, a__png=png([0])) / "a.png"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], 'Say which images: --input PATTERN, such as "photos/**.jpg", or --list FILE.'),
        (["--input", "{}/a.png", "--batch-size=0"], "--batch-size is a positive whole number. Received: 0."),
        (["--input", "{}/*.jpg"], "No file matches {}/*.jpg."),
        (["--input", "{}"], '{0} is a folder. Say "{0}/*.jpg", or "{0}/**" for every file below it.'),
        (["--list", "{}/none.txt"], "{}/none.txt: No such file or directory"),
        (["--list", "{}/empty.txt"], "{}/empty.txt lists no file."),
        (["--input", "{}/a.png", "--bath-size", "3"], "Neither fcn-batch nor Beam knows --bath-size."),
        (["{}/a.png", "--input", "{}/a.png"], "{}/a.png follows no option. Images are named by --input."),
        (
            ["--input", "{}/a.png", "--direct_num_workers=x"],
            "argument --direct_num_workers: invalid int value: 'x'",
        ),
        (["--input", "{}/a.png"], "{}/model holds no SavedModel. --model is a folder that fcn-export wrote."),
    ],
)
def test_what_a_user_can_mend_is_one_line(tmp_path, photo, capsys, arguments, message):
    (tmp_path / "empty.txt").write_text("\n\n")
    arguments = [argument.format(tmp_path) for argument in arguments]
    assert run(*arguments, "--model", tmp_path / "model", "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err == f"fcn-batch: {message.format(tmp_path)}\n"
    assert not (tmp_path / "out").exists()


def test_an_unknown_file_system_is_one_line(tmp_path, capsys):
    assert run("--input", "nowhere://b/*.jpg", "--model", tmp_path, "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith("fcn-batch: Unable to get filesystem from specified path")


def test_models_that_do_not_fit(tmp_path, two_heads):
    save_model(tmp_path / "rgbd", inputs=("image_bytes", "depth_png_bytes"), names=None)
    with pytest.raises(ValueError, match="rgbd takes depth_png_bytes and image_bytes, and fcn-batch has one file an"):
        beam_model.read_model(str(tmp_path / "rgbd"))
    tf.saved_model.save(tf.Module(), str(tmp_path / "none"))
    with pytest.raises(ValueError, match="none has not the signatures of a model that fcn-export wrote"):
        beam_model.read_model(str(tmp_path / "none"))
    put(tmp_path / "damaged", saved_model__pb=b"\xff\xff")
    with pytest.raises(ValueError, match=r"saved_model\.pb is damaged\. Export or copy it again"):
        beam_model.read_model(str(tmp_path / "damaged"))
    shutil.copytree(two_heads, tmp_path / "heads")
    (tmp_path / "heads" / "assets" / "classes_sem.txt").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match=r"classes_sem\.txt holds one name a class, 3\. Received: 2"):
        beam_model.read_model(str(tmp_path / "heads"))


def test_a_model_of_other_weights_is_another(tmp_path, two_heads):
    shutil.copytree(two_heads, tmp_path / "copy")
    assert fingerprint_of(two_heads)["fingerprint"] == fingerprint_of(tmp_path / "copy")["fingerprint"]
    (index,) = (tmp_path / "copy" / "variables").glob("*.index")
    index.write_bytes(index.read_bytes() + b"x")
    assert fingerprint_of(two_heads)["fingerprint"] != fingerprint_of(tmp_path / "copy")["fingerprint"]


@pytest.mark.parametrize("name", ["labels/a.png", "images.csv"])
def test_files_of_others_stay(tmp_path, output, name):
    put((Path(output.folder) / name).parent, **{Path(name).name.replace(".", "__"): b"mine"})
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=f"out/{name.split('/')[0]} exists, and fcn-batch did not write it"):
            beam_pipeline.prepare(output, {"fingerprint": "1"}, overwrite)
    assert (Path(output.folder) / name).read_bytes() == b"mine"


OUTSIDE = '{"model": "m", "fingerprint": "1", "last_run": null, "heads": ["/../../home"]}'


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m"}', "[" * 100_000, OUTSIDE])
def test_a_damaged_record_is_told(output, text):
    put(Path(output.folder), **{"fcn-batch__json": text.encode()})
    with pytest.raises(ValueError, match=r"fcn-batch\.json is damaged\. Choose another --output"):
        beam_pipeline.read_record(output)


def test_beam_runs_here_without_a_look_at_the_internet():
    for flags in ([], ["--runner=DirectRunner"], ["--runner", "direct"]):
        options = beam_pipeline.read_options(flags).get_all_options()
        assert options["runner"] == "FnApiRunner"  # DirectRunner itself downloads one written in Go
        assert (options["direct_running_mode"], options["direct_num_workers"]) == ("multi_threading", 2)
    assert beam_pipeline.read_options(["--direct_num_workers=1"]).get_all_options()["direct_num_workers"] == 1
    flink = beam_pipeline.read_options(["--runner=FlinkRunner", "--parallelism=8", "--flink_master=host"])
    assert flink.get_all_options()["runner"] == "FlinkRunner"  # whose server knows --parallelism
    assert flink.get_all_options(retain_unknown_options=True)["parallelism"] == 8


def test_without_beam(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert run("--input", "x", "--model", "m", "--output", "o") == 2
    assert capsys.readouterr().err == 'fcn-batch: fcn-batch needs Apache Beam: pip install "fcn_keras[batch]"\n'
