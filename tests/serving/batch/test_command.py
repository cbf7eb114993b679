"""`fcn-batch` on a SavedModel made by hand: an image's red channel is its label."""

import csv
import errno
import json
import shutil
import sys
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from fcn_keras_console.locks import alone
from serving.batch import command as batch
from serving.batch import model as model_module
from serving.batch import pipeline, steps
from serving.batch.steps import Output
from tests.serving.batch.files import NAMES, png, put, save_model

ONE_THREAD = ("--direct_num_workers=1", "--direct_running_mode=in_memory")  # starts a little sooner


@pytest.fixture
def labelled(monkeypatch):
    """Collects the files that the model was asked to label, a list a call."""
    calls = []
    label = model_module.SavedModel.label
    monkeypatch.setattr(model_module.SavedModel, "label", lambda self, files: calls.append(files) or label(self, files))
    return calls


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
    count = lambda self, done, total: counts.append((done, total))  # noqa: E731
    monkeypatch.setattr(batch, "Progress", type("Counting", (Progress,), {"__call__": count}))
    arguments = ("--input", tmp_path / "*.png", "--model", model, "--output", tmp_path / "out", *ONE_THREAD, "-v")
    assert run(*arguments) == 0
    assert counts == [(0, None), (1, 3), (2, 3), (3, 3)]
    said = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()[:3]]
    assert sorted(said) == [
        f"fcn-batch: {tmp_path}/a.png: labelled",
        f"fcn-batch: {tmp_path}/b.png: This is a GIF.",
        f"fcn-batch: {tmp_path}/c.png: The file is empty.",
    ]


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
    part = f".{'0123abcd' * 4}.part"
    for folder in (out, out / "labels_geo"):
        (folder / part).write_bytes(b"half")
    (out / "labels_geo" / "mine.part").write_bytes(b"of the user")
    (out / "labels_geo" / "b.png").unlink()
    (out / "labels_sem" / "c.png").write_bytes(b"")
    labelled.clear()
    capsys.readouterr()
    assert run(*arguments) == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 labelled, 0 refused, 2 already done ")
    assert said.err == f"fcn-batch: {out}: 2 unfinished files removed, which a killed fcn-batch left\n"
    (out / "labels_geo" / "mine.part").unlink()
    assert sorted(file for files in labelled for file in files) == sorted([png([2]), png([1])])
    assert read_table(out / "images.csv") == table
    assert sorted(p.name for p in (out / "labels_geo").iterdir()) == ["a.png", "b.png", "c.png", "d.png"]
    assert sorted(p.name for p in out.iterdir()) == ["fcn-batch.json", "images.csv", "labels_geo", "labels_sem"]


def test_images_replaced_before_the_table_was_there(tmp_path, model, labelled):
    """Killed after the last label; then a clean run's table and labels, whatever was in the way."""
    photos = put(tmp_path / "in", a__png=png([0, 1]), b__png=png([2]), c__png=png([1]))
    arguments = ("--input", photos / "*", "--model", model, *ONE_THREAD, "--output")
    assert run(*arguments, tmp_path / "out") == 0
    (tmp_path / "out" / "images.csv").unlink()
    put(photos, a__png=png([2, 2, 2], [1, 1, 1]), b__png=png([0]))  # of another size, and of the same
    labelled.clear()
    assert run(*arguments, tmp_path / "out") == 0
    assert sorted(map(len, (file for files in labelled for file in files))) == sorted(
        len((photos / name).read_bytes()) for name in ("a.png", "b.png")
    )
    assert run(*arguments, tmp_path / "clean") == 0
    assert same(tmp_path / "out", tmp_path / "clean")
    # The table is derived: what it says by itself counts for nothing.
    lines = (tmp_path / "out" / "images.csv").read_text().splitlines(keepends=True)
    for text in (lines[:2], [*lines[:2], lines[2].replace("0.", "9."), "a,b\n"], ["name\n"], []):
        (tmp_path / "out" / "images.csv").write_text("".join(text))
        assert run(*arguments, tmp_path / "out") == 0
        assert same(tmp_path / "out", tmp_path / "clean")


def same(ours, theirs):
    labels = [sorted((folder / "labels").iterdir()) for folder in (ours, theirs)]
    tables = [(folder / "images.csv").read_text() for folder in (ours, theirs)]
    pixels = [[np.asarray(Image.open(path)).tolist() for path in paths] for paths in labels]
    return tables[0] == tables[1] and pixels[0] == pixels[1]


def test_two_into_one_output(tmp_path, model, capsys):
    put(tmp_path, a__png=png([0]))
    out = tmp_path / "out"
    arguments = ("--input", tmp_path / "a.png", "--model", model, "--output", out, *ONE_THREAD)
    with alone(out, "fcn-batch"):
        assert run(*arguments, "--overwrite") == 2
    assert capsys.readouterr().err == (
        f"fcn-batch: Another fcn-batch is writing to {out}. Wait until it ends, or choose another --output.\n"
    )
    assert run(*arguments) == 0


def test_labels_of_another_version_of_fcn_batch(tmp_path, model, capsys):
    put(tmp_path, a__png=png([0]))
    out = tmp_path / "out"
    arguments = ("--input", tmp_path / "a.png", "--model", model, "--output", out, *ONE_THREAD)
    assert run(*arguments) == 0
    record = json.loads((out / "fcn-batch.json").read_text())
    (out / "fcn-batch.json").write_text(json.dumps({**record, "format": None, "fingerprint": "0"}))
    capsys.readouterr()
    assert run(*arguments) == 2
    assert capsys.readouterr().err == (
        f"fcn-batch: {out} holds labels of another version of fcn-batch, which do not say what they were made from. "
        "Choose another --output, or say --overwrite to delete them first.\n"
    )
    assert run(*arguments, "--overwrite") == 0


def test_a_model_that_is_damaged_or_replaced_is_one_line(tmp_path, model, capsys, monkeypatch):
    put(tmp_path, a__png=png([0]))
    shutil.copytree(model / "2", tmp_path / "model")
    arguments = ("--input", tmp_path / "a.png", "--model", tmp_path / "model", "--output", tmp_path / "out")
    prepare = pipeline.prepare

    def replaced_by_now(*arguments):
        save_model(tmp_path / "model", bias=1)
        prepare(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "prepare", replaced_by_now)
        assert run(*arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fcn-batch: {tmp_path}/model/")
    assert " is not what was exported: " in line
    assert list((tmp_path / "out").rglob("*.png")) == []
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"")
    assert run(*arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fcn-batch: {tmp_path}/model/saved_model.pb is not what was exported: it has 0 bytes, and ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])  # with the mark that Windows writes first
def test_a_list(tmp_path, model, capsys, encoding):
    put(tmp_path / "set" / "in", a__png=png([0]))
    put(tmp_path / "elsewhere", b__png=png([1]))
    entries = ["in/a.png", f"{tmp_path}/set/in/../in/a.png", "", "gone.png", "../elsewhere/b.png", "in"]
    (tmp_path / "set" / "list.txt").write_text("\r\n".join(entries), encoding=encoding)
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
    output = Output(str(out), {"": NAMES}, "")
    pipeline.prepare(output, record_of(tmp_path / "copy"), False)


def record_of(folder):
    return pipeline.record_of(model_module.read_model(str(folder)))


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
    output = Output(f"{room}/out", {"": NAMES}, "")
    pipeline.prepare(output, record_of(f"{room}/model"), True)
    assert [p.name for p in (tmp_path / "out").rglob("*.*")] == ["fcn-batch.json"]


def test_a_full_disk_is_one_line_and_a_fault_of_ours_is_not(tmp_path, model, capsys, monkeypatch):
    put(tmp_path, a__png=png([0]))
    arguments = ("--input", tmp_path / "a.png", "--model", model, "--output", tmp_path / "out")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "/disk/a.png")

    monkeypatch.setattr(steps.Output, "label", fail)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said == "fcn-batch: /disk/a.png: No space left on device\n"
    monkeypatch.setattr(steps.Output, "label", lambda *_: 1 / 0)
    with pytest.raises((RuntimeError, ZeroDivisionError), match="division by zero"):
        run(*arguments, *ONE_THREAD)


def told(on_error, as_json=False):
    return Namespace(on_error=on_error, json=as_json)


def test_the_summary_as_json(output, capsys):
    found = {"labelled": 3, "scaled": 2, "refused": 0, "done": 2, "named": []}
    batch._report(found, output, told("skip", as_json=True))
    expected = {"labelled": 3, "scaled": 2, "refused": 0, "done": 2, "list": f"{output.folder}/images.csv"}
    assert json.loads(capsys.readouterr().out) == expected


def test_the_summary_names_a_few(output, capsys):
    found = {"labelled": 1, "scaled": 0, "refused": 7, "done": 2, "named": [["/x/a.jpg", "No."]]}
    batch._report(found, output, told("skip"))
    said = capsys.readouterr()
    assert said.err == "fcn-batch: /x/a.jpg: No.\nfcn-batch: and 6 more\n"
    assert said.out == f"1 labelled, 7 refused, 2 already done (see {output.folder}/images.csv)\n"
    batch._report({**found, "labelled": 3, "scaled": 2}, output, told("skip"))
    assert capsys.readouterr().out.startswith("3 labelled (2 of them scaled), 7 refused, 2 already done (see ")


@pytest.mark.parametrize(
    ("labelled", "refused", "done", "skip", "fail"),
    [(1, 0, 0, 0, 0), (1, 1, 0, 0, 2), (0, 1, 1, 0, 2), (0, 2, 0, 2, 2), (0, 0, 0, 0, 0)],
)
def test_exit_codes(output, labelled, refused, done, skip, fail):
    found = {"labelled": labelled, "scaled": 0, "refused": refused, "done": done, "named": []}
    assert [batch._report(found, output, told(way)) for way in ("skip", "fail")] == [skip, fail]


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
        (["--list", "{}/none.txt"], "--list {}/none.txt is missing. Name a file of paths, one a line."),
        (["--list", "{}/empty.txt"], "{}/empty.txt lists no file."),
        (
            ["--input", "{}/a.png", "--bath-size", "3"],
            "Neither fcn-batch nor Beam knows --bath-size (did you mean --batch-size?).",
        ),
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
    (tmp_path / "model").mkdir()
    if "SavedModel" not in message:
        (tmp_path / "model" / "saved_model.pb").touch()
    arguments = [argument.format(tmp_path) for argument in arguments]
    assert run(*arguments, "--model", tmp_path / "model", "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err == f"fcn-batch: {message.format(tmp_path)}\n"
    assert not (tmp_path / "out").exists()


def test_an_unknown_file_system_is_one_line(tmp_path, capsys):
    (tmp_path / "saved_model.pb").touch()
    assert run("--input", "nowhere://b/*.jpg", "--model", tmp_path, "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith("fcn-batch: Unable to get filesystem from specified path")


def test_without_beam(photo, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    (photo.parent / "saved_model.pb").touch()
    assert run("--input", photo, "--model", photo.parent, "--output", photo.parent / "out") == 2
    assert capsys.readouterr().err == 'fcn-batch: fcn-batch needs Apache Beam: pip install "fcn_keras[batch]"\n'
