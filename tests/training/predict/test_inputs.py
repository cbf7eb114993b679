"""`fcn-predict`: patterns, stdin, formats, augmentation, and what it prints."""

import io
import json
import logging
import os
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import fcn_keras as fcn
from fcn_keras_console.labelled_by import FILE
from tests.training.tiny import picture, snapshot, write
from training.predict import labelling
from training.predict.command import main
from training.predict.marks import is_result


@pytest.fixture
def net(named_net):
    return named_net


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write(folder / "a.png", picture(33, 40))
    write(folder / "b.jpg", picture(8, 8))
    write(folder / "inner" / "c.png", picture(24, 32, 2))
    write(folder / "inner" / ".hidden.png", picture(8, 8))
    (folder / "notes.txt").write_text("no image")
    return folder


def call(capsys, *arguments):
    code = main([*map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out.splitlines(), told.err.splitlines()


def error_of(capsys, *arguments):
    code, _, lines = call(capsys, *arguments)
    assert (code, len(lines)) == (2, 1)
    return lines[0]


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != FILE
    )


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def test_patterns_name_results_from_their_fixed_folder(net, photos, tmp_path, capsys):
    options = ("--format", "ids", "--output")
    for number, (pattern, expected) in enumerate(
        [
            ("**/*.png", ["a.png", "inner/c.png"]),
            ("*", ["a.png", "b.png"]),
            ("inner/?.png", ["c.png"]),
            ("i*/c.*", ["inner/c.png"]),
        ]
    ):
        out = tmp_path / f"out{number}"
        assert call(capsys, net, photos / pattern, *options, out)[0] == 0
        assert files(out) == [f"ids/{name}" for name in expected]


def test_a_file_whose_name_is_a_pattern_is_that_file(net, tmp_path, capsys):
    write(tmp_path / "a[1].png", picture(8, 8))
    assert call(capsys, net, tmp_path / "a[1].png", "--output", tmp_path / "out", "--format", "ids")[0] == 0
    assert files(tmp_path / "out") == ["ids/a[1].png"]


def test_patterns_that_match_nothing(net, photos, tmp_path, capsys):
    message = error_of(capsys, net, photos / "*.txt", "--output", tmp_path / "out")
    assert message.endswith(
        "*.txt matches no image. Expected a pattern such as 'photos/**/*.jpg', in quotes. Left alone: 1 .txt."
    )
    assert not (tmp_path / "out").exists()


def stdin(monkeypatch, contents):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(contents)))


def test_an_image_from_stdin(models_once, net, photos, tmp_path, capsys, monkeypatch):
    stdin(monkeypatch, (photos / "a.png").read_bytes())
    out = tmp_path / "out"
    code, lines, _ = call(capsys, net, "-", "--output", out)
    assert code == 0
    assert lines[0].startswith("stdin 40x33 -> labels/stdin.png  ")
    expected = fcn.predict(models_once(net), read(photos / "a.png"))
    np.testing.assert_array_equal(read(out / "labels" / "stdin.png"), expected)


def test_stdin_that_is_no_image(net, tmp_path, capsys, monkeypatch):
    out = ("--output", tmp_path / "out")
    stdin(monkeypatch, b"<html>")
    assert error_of(capsys, net, "-", *out).startswith("fcn-predict: stdin cannot be read as an image: it is an HTML")
    stdin(monkeypatch, b"")
    assert "stdin cannot be read as an image: the file is empty" in error_of(capsys, net, "-", *out)
    stdin(monkeypatch, b"")
    assert "stdin is none. Name the file." in error_of(capsys, net, "-", *out, "--format", "labelme")


def test_stdin_may_clash_with_a_file_of_its_name(net, photos, tmp_path, capsys, monkeypatch):
    stdin(monkeypatch, (photos / "a.png").read_bytes())
    (photos / "a.png").rename(photos / "stdin.png")
    message = error_of(capsys, net, photos, "-", "--output", tmp_path / "out")
    assert f"{photos / 'stdin.png'} and stdin would both become stdin.png. Rename one, or label them in two" in message


def test_every_format(net, photos, tmp_path, capsys):
    out = tmp_path / "out"
    options = ("--format", "labelme,ids,coco", "--format", "palette", "--output", out)
    assert call(capsys, net, photos, *options)[0] == 0
    keys = ["a", "b", "inner/c"]
    assert files(out) == [
        "annotations.json",
        *(f"ids/{key}.png" for key in keys),
        *(f"labelme/{key}.json" for key in keys),
        *(f"labels/{key}.png" for key in keys),
        "legend.png",
    ]
    np.testing.assert_array_equal(read(out / "ids" / "a.png"), read(out / "labels" / "a.png"))
    annotations = json.loads((out / "annotations.json").read_text())
    assert [image["file_name"] for image in annotations["images"]] == ["a.png", "b.jpg", "inner/c.png"]
    assert json.loads((out / "labelme" / "inner" / "c.json").read_text())["imagePath"] == (
        "../../../photos/inner/c.png"
    )
    before = snapshot(out)
    assert call(capsys, net, photos, *options)[0] == 0  # its own results are replaced
    assert snapshot(out) == before


def test_formats_of_cvat_and_label_studio(net, photos, tmp_path, capsys):
    """One file each for all images, which hold the labels, and are replaced by their own kind alone."""
    out, name = tmp_path / "out", os.fsdecode(b"caf\xe9")
    (photos / "b.jpg").rename(photos / f"{name}.jpg")
    options = (net, photos, "--format", "cvat,label-studio,ids", "--output", out)
    assert call(capsys, *options)[0] == 0
    assert [file for file in files(out) if not file.startswith("ids/")] == ["cvat.zip", "label_studio.json"]
    with zipfile.ZipFile(out / "cvat.zip") as archive, archive.open("SegmentationClass/inner/c.png") as file:
        np.testing.assert_array_equal(np.array(Image.open(file)), read(out / "ids/inner/c.png") + 1)  # 0 is background
        assert "SegmentationClass/caf\\udce9.png" in archive.namelist()
    tasks = json.loads((out / "label_studio.json").read_text())
    assert [task["data"]["image"].partition("?d=")[2] for task in tasks] == ["a.png", "caf%E9.jpg", "inner/c.png"]
    before = snapshot(out)
    assert call(capsys, *options)[0] == 0
    assert snapshot(out) == before
    for file in ("cvat.zip", "label_studio.json"):
        (out / file).write_bytes((out / file).read_bytes().replace(b"fcn-predict", b"someone"))
        assert f"{file} exists, and fcn-predict did not write it" in error_of(capsys, *options)
        (out / file).unlink()


def test_annotations_of_others_are_never_replaced(net, photos, tmp_path, capsys):
    for format_, file in (("coco", "annotations.json"), ("labelme", "labelme/a.json")):
        path = tmp_path / "out" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"shapes": [], "info": {"contributor": "me"}}')
        before = snapshot(tmp_path)
        message = error_of(capsys, net, photos, "--output", tmp_path / "out", "--format", format_)
        assert f"{file} exists, and fcn-predict did not write it, or it was edited since. Choose another" in message
        assert snapshot(tmp_path) == before
    assert not is_result(path)


def test_heads_have_annotations_of_their_own(net_of_two_heads, photos, tmp_path, capsys):
    model = net_of_two_heads
    options = ("--output", tmp_path / "out", "--format", "coco", "--json")
    code, lines, _ = call(capsys, model, photos / "a.png", *options)
    assert code == 0
    assert files(tmp_path / "out") == ["annotations_geo.json", "annotations_sem.json"]
    heads = json.loads(lines[0])["heads"]
    assert heads["geo"]["outputs"] == ["annotations_geo.json"]
    assert set(heads["sem"]["classes"]) <= {f"class {index}" for index in range(4)}


def test_json_is_a_line_an_image(net, photos, tmp_path, capsys):
    out = tmp_path / "out"
    code, lines, errors = call(capsys, net, photos, "--output", out, "--json")
    assert (code, errors) == (0, [])
    reports = [json.loads(line) for line in lines]
    assert [report["file"] for report in reports] == [str(photos / name) for name in ("a.png", "b.jpg", "inner/c.png")]
    first = reports[0]
    assert (first["width"], first["height"]) == (40, 33)
    assert first["outputs"] == ["labels/a.png", "overlays/a.jpg"]
    assert first["seconds"] > 0
    labels = read(out / "labels" / "a.png")
    names = ("sky", "road", "car", "tree")
    expected = {names[index]: np.mean(labels == index) for index in np.unique(labels)}
    assert first["classes"] == pytest.approx(expected)
    assert list(first["classes"].values()) == sorted(expected.values(), reverse=True)


def test_names_in_another_encoding(net, photos, tmp_path, capsys):
    """As in archives that were packed elsewhere; such bytes are surrogates in Python, which UTF-8 has not."""
    name = os.fsdecode(b"caf\xe9")
    (photos / "b.jpg").rename(photos / f"{name}.jpg")
    options = (net, photos / f"{name}.jpg", "--output", tmp_path / "out", "--format", "ids,coco,labelme")
    code, lines, _ = call(capsys, *options)
    assert (code, lines[0].count("caf\\udce9")) == (0, 2)
    annotations = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert (photos / annotations["images"][0]["file_name"]).exists()
    assert f"{name}.jpg" in json.loads((tmp_path / "out" / "labelme" / f"{name}.json").read_text())["imagePath"]
    code, lines, _ = call(capsys, *options, "--json")
    assert json.loads(lines[0])["file"] == str(photos / f"{name}.jpg")


@pytest.fixture
def log():
    """The command's logger, which `-v` leaves talking to this test's stderr."""
    logger = logging.getLogger("fcn-predict")
    yield
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.mark.usefixtures("log")
def test_verbose_names_image_and_step(net, photos, tmp_path, capsys):
    code, _, lines = call(capsys, net, photos / "b.jpg", "--output", tmp_path / "out", "-v")
    assert code == 0
    assert any("b.jpg: read, 8x8" in line for line in lines)
    assert any(f"b.jpg: wrote {tmp_path / 'out' / 'labels' / 'b.png'}, " in line for line in lines)


def test_unknown_formats_are_named(net, photos, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(net), str(photos), "--output", str(tmp_path / "out"), "--format", "ids,svg"])
    assert end.value.code == 2
    assert (
        "expected palette, ids, overlay, confidence, entropy, coco, labelme, cvat, label-studio, or several with "
        "commas. Received: ids,svg" in (capsys.readouterr().err)
    )


def test_augmentation(models_once, net, photos, tmp_path, capsys, monkeypatch):
    options = ("--output", tmp_path / "out", "--format", "ids", "--tta")
    model, image = models_once(net), read(photos / "a.png")
    for scales in ((0.75, 1, 1.25), (0.5,)):
        given = () if len(scales) > 1 else ("--tta-scales", "0.5")
        assert call(capsys, net, photos / "a.png", *options, *given, "--replace")[0] == 0
        expected = fcn.predict_augmented(model, image, scales=scales)
        np.testing.assert_array_equal(read(tmp_path / "out" / "ids" / "a.png"), expected)
    calls, augmented = [], fcn.predict_augmented
    monkeypatch.setattr(
        fcn, "predict_augmented", lambda *args, **options: calls.append(options) or augmented(*args, **options)
    )
    for largest, tile in ((33 * 40 * 4, None), (33 * 40 * 4 - 1, 64)):
        monkeypatch.setattr(labelling, "LARGEST_WHOLE", largest)
        given = ("--tta-scales", "1,2", "--tile", "64")
        assert call(capsys, net, photos / "a.png", *options, *given, "--replace")[0] == 0
        assert calls[-1] == {"scales": (1.0, 2.0), "tile": tile, "memory": float("inf"), "output": "labels"}


@pytest.mark.parametrize("given", ["1,0", "", "a", "1,nan", "inf", "4.1"])
def test_scales_are_positive(net, photos, tmp_path, capsys, given):
    out = ("--output", tmp_path / "out")
    message = error_of(capsys, net, photos, *out, "--tta", f"--tta-scales={given}")
    expected = "--tta-scales are numbers above 0 and up to 4, divided by commas, such as 0.75,1,1.25."
    assert f"{expected} Received: {given}." in message
    assert "--tta-scales belongs to --tta." in error_of(capsys, net, photos, *out, f"--tta-scales={given}")


def test_the_masks_of_a_data_set_are_no_photographs(net, tmp_path, capsys):
    for kind in ("images", "masks"):
        for name in ("a", "b"):
            write(tmp_path / "photos" / kind / f"{name}.png", picture(8, 8))
    code, _, lines = call(capsys, net, tmp_path / "photos", "--output", tmp_path / "out", "--format", "ids")
    assert code == 0
    assert any("2 files in a data set's folders of masks: not labelled" in line for line in lines)
    assert [name for name in files(tmp_path / "out") if name.endswith("a.png")] == ["ids/images/a.png"]
    assert call(capsys, net, tmp_path / "photos" / "masks", "--output", tmp_path / "two", "--format", "ids")[0] == 0
    assert "ids/a.png" in files(tmp_path / "two")  # who names that folder means it
    both = [tmp_path / "photos", tmp_path / "photos" / "masks" / "b.png"]
    assert call(capsys, net, *both, "--output", tmp_path / "three", "--format", "ids")[0] == 0
    written = [name for name in files(tmp_path / "three") if name.startswith("ids/")]
    assert len(written) == 3  # and a file that is named itself
