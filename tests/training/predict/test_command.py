"""`fcn-predict`: what it writes is what `predict` says, where it writes, and what a user reads when it fails."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.colors import class_colors
from fcn_keras.datasets.synthetic import Synthetic
from fcn_keras.inference import predict
from fcn_keras.models import FCN32s, LateFusion
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import remember_photographs
from fcn_keras.temperature import apply_temperature
from fcn_keras.visualize import overlay
from fcn_keras_console.locks import alone
from tests.training.exported.files import onnx_file, scores_of
from tests.training.tiny import NARROW, picture, saved, snapshot, write
from training.predict.command import main
from training.workdir.checkpoint import identity_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def photos(tmp_path):
    """Three images in two levels, beside files that are none."""
    folder = tmp_path / "photos"
    write(folder / "a.png", picture(33, 40))
    write(folder / "b.v2.jpg", picture(1, 1))
    write(folder / "inner" / "a.png", picture(64, 32, 2))
    write(folder / ".hidden" / "c.png", picture(8, 8))
    (folder / "notes.txt").write_text("no image")
    return folder


def error_of(capsys, *arguments):
    """Run the command, and return the one line that it fails with."""
    capsys.readouterr()  # what an earlier call said
    assert main([*map(str, arguments)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("fcn-predict: ")
    assert err.count("\n") == 1
    return err


def files(folder):
    """Name the results: what says which net made them is hidden."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if path.is_file())


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def assert_nearly(painted, expected):
    """Compare a picture that was a JPEG."""
    assert painted.shape == expected.shape
    assert np.abs(painted.astype(int) - expected).mean() < 4


def test_a_folder_becomes_labels_and_overlays(models_once, net, photos, tmp_path, capsys):
    (photos / "elsewhere").symlink_to(tmp_path)
    out = tmp_path / "new" / "out"
    assert main([str(net), str(photos), "--output", str(out)]) == 0
    keys = ["a", "b.v2", "inner/a"]
    assert files(out) == [*(f"labels/{key}.png" for key in keys), *(f"overlays/{key}.jpg" for key in keys)]
    assert (out / "legend.png").is_file()
    model = models_once(net)
    for source in ("a.png", "b.v2.jpg", "inner/a.png"):
        image = read(photos / source)
        labels = predict(model, image)
        key = source.rpartition(".")[0]
        with Image.open(out / "labels" / f"{key}.png") as stored:
            assert stored.mode == "P"
            np.testing.assert_array_equal(np.array(stored), labels)
            np.testing.assert_array_equal(np.array(stored.convert("RGB")), class_colors(4)[labels])
        assert_nearly(read(out / "overlays" / f"{key}.jpg"), overlay(image, labels, colors=class_colors(4)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{photos}/a.png 40x33 -> labels/a.png  class ")
    assert lines[-1] == f"3 images labelled in {out}; left alone: 1 .txt, 1 link, 1 hidden file"


def test_shares_are_told_by_name(net, photos, tmp_path, capsys):
    beside = tmp_path / "named"
    beside.mkdir()
    shutil.copyfile(net, beside / "best.keras")
    (beside / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    (beside / "palette.txt").write_text("1 2 255\n200 0 0\n0 150 0\n90 90 0\n")
    assert main([str(beside), str(photos / "a.png"), "--output", str(tmp_path / "out"), "--legend"]) == 0
    labels = read(tmp_path / "out" / "labels" / "a.png")
    largest = int(np.bincount(labels.ravel()).argmax())
    share = round(100 * np.mean(labels == largest))
    told = capsys.readouterr().out.splitlines()[0]
    assert f"labels/a.png  {('sky', 'road', 'car', 'tree')[largest]} {share} %" in told
    # Class 0 has a name of its own here, so it is painted too.
    colors = [(1, 2, 255), (200, 0, 0), (0, 150, 0), (90, 90, 0)]
    expected = overlay(read(photos / "a.png"), labels, background=None, colors=colors)
    drawn = read(tmp_path / "out" / "overlays" / "a.jpg")
    assert len(drawn) > len(expected)  # the legend
    assert_nearly(drawn[: len(expected)], expected)


def test_exif_rotation_is_applied(net, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    pixels = picture(40, 64)
    write(tmp_path / "turned.png", pixels, exif=exif)
    write(tmp_path / "upright.png", np.rot90(pixels, -1).copy())
    assert main([str(net), str(tmp_path / "turned.png"), str(tmp_path / "upright.png"), "--output", str(tmp_path)]) == 0
    labels = read(tmp_path / "labels" / "turned.png")
    assert labels.shape == (64, 40)
    np.testing.assert_array_equal(labels, read(tmp_path / "labels" / "upright.png"))


def test_heads_have_folders_of_their_own(models_once, net_of_two_heads, photos, tmp_path, capsys):
    model = shutil.copyfile(net_of_two_heads, tmp_path / "net.keras")
    (tmp_path / "classes.txt").write_text("sky\nhorizontal\nvertical\n")
    assert main([str(model), str(photos / "a.png"), "--output", str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out") == [
        "labels_geo/a.png",
        "labels_sem/a.png",
        "overlays_geo/a.jpg",
        "overlays_sem/a.jpg",
    ]
    expected = predict(models_once(model), read(photos / "a.png"))
    for head in ("sem", "geo"):
        np.testing.assert_array_equal(read(tmp_path / "out" / f"labels_{head}" / "a.png"), expected[head])
    told = capsys.readouterr().out.splitlines()[0]
    sem, geo = sorted(told.partition(" -> ")[2].split("; "), reverse=True)
    assert sem.startswith("labels_sem/a.png  class ")
    assert geo.split("  ")[1].split()[0] in ("sky", "horizontal", "vertical")


def test_how_sure_the_labels_are_beside_them(models_once, net_of_two_heads, photos, tmp_path, capsys):
    out = tmp_path / "out"
    options = [str(net_of_two_heads), str(photos / "a.png"), "--output", str(out)]
    assert main([*options, "--format", "ids,confidence,entropy", "--json"]) == 0
    expected = predict(models_once(net_of_two_heads), read(photos / "a.png"), output="certainty")
    report = json.loads(capsys.readouterr().out)
    folders = ["ids", "confidence", "confidence-maps", "entropy", "entropy-maps"]
    for head in ("sem", "geo"):
        names = [f"{folder}_{head}/a.{'jpg' if 'maps' in folder else 'png'}" for folder in folders]
        assert report["heads"][head]["outputs"] == names
        np.testing.assert_array_equal(read(out / names[0]), expected[head][..., 0])
        for name, values in ((names[1], expected[head][..., 1]), (names[3], expected[head][..., 2])):
            assert np.abs(read(out / name) - values * 255.0).max() <= 0.501
        assert read(out / names[2]).shape == (33, 40, 3)
    assert sorted(path.name for path in out.glob("*.png")) == ["confidence_legend.png", "entropy_legend.png"]
    assert main([*options, "--replace", "--scale", "none"]) == 0  # which removes what another call wrote
    assert {path.name for path in out.glob("*/*")} == {"a.png", "a.jpg"}
    assert not list(out.glob("confidence*/*")) + list(out.glob("*_legend.png"))
    (out / "confidence_legend.png").write_bytes(b"of others")
    assert "fcn-predict did not write it" in error_of(capsys, *options, "--format", "confidence")


def test_a_temperature_changes_how_sure_labels_are_and_no_label(models_once, named_net, photos, tmp_path, capsys):
    model, image = models_once(named_net), read(photos / "a.png")
    scores = predict(model, image, output="scores").astype(np.float64)
    powers = np.exp((scores - scores.max(-1, keepdims=True)) / 2)
    options = [str(named_net), str(photos / "a.png"), "--output", str(tmp_path)]
    assert main([*options, "--format", "ids,confidence", "--temperature", "2"]) == 0
    apply_temperature(model, 0.5)  # others of these tests have the same net
    assert np.abs(read(tmp_path / "confidence" / "a.png") - 255 / powers.sum(-1)).max() < 0.51
    np.testing.assert_array_equal(read(tmp_path / "ids" / "a.png"), scores.argmax(-1))
    message = error_of(capsys, *options, "--format", "ids", "--temperature", "2")
    assert "--temperature changes no label. Add confidence or entropy to --format" in message
    assert "--temperature is a number from 0.001 to 1000. Received: 0." in error_of(
        capsys, *options, "--temperature", "0"
    )
    assert "holds labels by" in error_of(capsys, *options, "--format", "ids,confidence")


def scene(folder):
    """Write one scene of the toy world as `rgb/x.png`, `depth/x.png`, `hha/x.png`."""
    example = Synthetic(1, seed=3, height=33, width=40)[0]
    for name, key in (("rgb", "image"), ("depth", "depth"), ("hha", "hha")):
        write(folder / name / "x.png", example[key])
    return example


def test_rgbd_hha_and_late_fusion(models_once, tmp_path):
    example = scene(tmp_path)
    rgbd = np.concatenate([example["image"], example["depth"][..., None]], axis=-1, dtype="float32")
    for model, arguments, pixels in (
        (FCN32s(5, modality="rgbd", channels=NARROW), ["rgb", "--depth", "depth"], rgbd),
        (FCN32s(5, modality="hha", channels=NARROW), ["hha"], example["hha"]),
        (LateFusion(5, channels=NARROW), ["rgb", "--hha", "hha"], {"rgb": example["image"], "hha": example["hha"]}),
    ):
        path = saved(model, tmp_path / "net.keras")
        arguments = [x if x.startswith("--") else str(tmp_path / x) for x in arguments]
        out = tmp_path / f"out of {len(arguments)} {model.name}"
        assert main([str(path), *arguments, "--output", str(out)]) == 0
        np.testing.assert_array_equal(read(out / "labels" / "x.png"), predict(models_once(path), pixels))


def test_companion_files_are_asked_for_and_refused(capsys, net, tmp_path):
    scene(tmp_path)
    model = saved(FCN32s(5, modality="rgbd", channels=NARROW), tmp_path / "net.keras")
    inputs = ["--output", tmp_path / "out", tmp_path / "rgb"]
    assert "This model also takes depth: say --depth DIR" in error_of(capsys, model, *inputs)
    message = error_of(capsys, net, *inputs, "--depth", tmp_path / "depth")
    assert "This model (rgb) takes no --depth. Leave it out." in message
    write(tmp_path / "rgb" / "y.png", picture(8, 8))
    message = error_of(capsys, model, *inputs, "--depth", tmp_path / "depth")
    assert f"y.png lacks a file of the same name in --depth {tmp_path / 'depth'}" in message
    write(tmp_path / "depth" / "y.png", picture(8, 9)[..., 0].astype(np.uint16))
    assert "Expected depth of the image's size" in error_of(capsys, model, *inputs, "--depth", tmp_path / "depth")
    write(tmp_path / "depth" / "y.png", picture(8, 8)[..., 0])
    assert "Expected depth in millimetres as 16-bit grey" in error_of(
        capsys, model, *inputs, "--depth", tmp_path / "depth"
    )


def test_results_are_replaced_and_never_read(net, photos, capsys):
    for _ in range(2):
        assert main([str(net), str(photos), "--output", str(photos)]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("3 images labelled")


def test_two_nets_do_not_label_one_folder(net, photos, tmp_path, capsys):
    out, other = tmp_path / "out", saved(FCN32s(4, channels=NARROW), tmp_path / "other.keras")
    assert main([str(net), str(photos), "--output", str(out)]) == 0
    before = snapshot(out)
    assert f"holds labels by {net}, begun on " in error_of(capsys, other, photos / "a.png", "--output", out)
    assert snapshot(out) == before
    assert main([str(net), str(photos / "a.png"), "--output", str(out)]) == 0
    assert snapshot(out) == before
    assert main([str(other), str(photos / "a.png"), "--output", str(out), "--replace"]) == 0
    assert files(out) == ["labels/a.png", "overlays/a.jpg"]
    record = json.loads((out / ".fcn-labels.json").read_text())
    assert record["net"] == str(other)
    assert record["decided_by"]["net"] == identity_of(other)


def test_labels_of_older_versions_go_on_and_are_told(net, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([str(net), str(photos), "--output", str(out)]) == 0
    (out / ".fcn-labels.json").unlink()
    capsys.readouterr()
    assert main([str(net), str(photos / "a.png"), "--output", str(out)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"fcn-predict: {out} holds labels that do not say by which net: what is not labelled now stays."


def test_another_call_into_the_same_folder_is_kept_out(net, photos, tmp_path, capsys):
    with alone(tmp_path / "out"):
        message = error_of(capsys, net, photos, "--output", tmp_path / "out")
    assert f"Another command is writing to {tmp_path / 'out'}. Wait until it ends, or choose another" in message
    assert not (tmp_path / "out").exists()


def test_files_of_others_are_never_replaced(net, photos, tmp_path, capsys):
    """A data set keeps its own masks in `labels`."""
    write(tmp_path / "set/labels/a.png", np.zeros((33, 40), np.uint8))
    before = snapshot(tmp_path)
    message = error_of(capsys, net, photos, "--output", tmp_path / "set")
    assert "labels/a.png exists, and fcn-predict did not write it. Choose another --output." in message
    assert snapshot(tmp_path) == before
    (tmp_path / "file" / "overlays").mkdir(parents=True)
    (tmp_path / "file" / "overlays" / "inner").write_text("mine")
    message = error_of(capsys, net, photos, "--output", tmp_path / "file")
    assert "overlays/inner is a file, where results need a folder. Choose another --output." in message
    assert files(tmp_path / "file") == ["overlays/inner"]


def test_names_that_clash(capsys, net, photos, tmp_path):
    write(photos / "a.bmp", picture(8, 8))
    message = error_of(capsys, net, photos, "--output", tmp_path / "out")
    assert f"a.bmp and {photos / 'a.png'} would both become a.png. Rename one, or label them in two calls," in message
    arguments = (net, photos / "a.png", photos / "inner" / "a.png", "--output", tmp_path / "out")
    assert "inner/a.png would both become a.png. Rename one, or label them in two" in error_of(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_the_same_file_twice_is_labelled_once(net, photos, tmp_path, capsys):
    file = str(photos / "a.png")
    assert main([str(net), file, file, "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.endswith(f"1 image labelled in {tmp_path / 'out'}\n")


def test_missing_and_empty_inputs(capsys, net, tmp_path):
    assert "An input is empty. Name images" in error_of(capsys, net, "", "--output", tmp_path)
    assert "gone.jpg is missing. Name images" in error_of(capsys, net, tmp_path / "gone.jpg", "--output", tmp_path)
    (tmp_path / "empty").mkdir()
    assert "empty holds no image." in error_of(capsys, net, tmp_path / "empty", "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pixels_are_limited_before_the_model_runs(capsys, net, photos, tmp_path):
    arguments = (net, photos / "a.png", "--output", tmp_path / "out", "--max-pixels")
    assert "a.png has 1320 pixels, and at most 1318 are read. Scale it down; fcn-predict --max-pixels" in error_of(
        capsys, *arguments, 1318
    )
    assert "--max-pixels is a positive whole number. Received: 0." in error_of(capsys, *arguments, 0)
    assert not (tmp_path / "out").exists()


def test_all_headers_are_read_before_the_model_runs(capsys, net, photos, tmp_path):
    (photos / "bad.jpg").write_bytes(b"no image")
    arguments = (net, photos, "--output", tmp_path / "out")
    assert "bad.jpg cannot be read as an image" in error_of(capsys, *arguments)
    for number in range(6):
        (photos / f"worse{number}.png").write_bytes(b"")
    message = error_of(capsys, *arguments)
    assert "7 files are bad: " in message
    assert message.endswith(" and 2 more\n")
    assert not (tmp_path / "out").exists()


def test_a_file_that_breaks_later(capsys, net, photos, tmp_path):
    whole = (photos / "inner" / "a.png").read_bytes()
    (photos / "inner" / "a.png").write_bytes(whole[: len(whole) // 2])
    assert "inner/a.png cannot be read as an image" in error_of(capsys, net, photos, "--output", tmp_path / "out")
    assert files(tmp_path / "out") == ["labels/a.png", "labels/b.v2.png", "overlays/a.jpg", "overlays/b.v2.jpg"]
    assert read(tmp_path / "out" / "labels" / "a.png").shape == (33, 40)


def test_bad_models(capsys, net, photos, tmp_path, monkeypatch):
    arguments = (photos, "--output", tmp_path / "out")
    assert "nowhere.keras is missing" in error_of(capsys, tmp_path / "nowhere.keras", *arguments)
    assert "holds no best.keras" in error_of(capsys, tmp_path, *arguments)
    (tmp_path / "cut.keras").write_bytes(net.read_bytes()[:5000])
    assert "cut.keras is damaged, cut off" in error_of(capsys, tmp_path / "cut.keras", *arguments)
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)]).save(tmp_path / "other.keras")
    assert "is not a network of fcn_keras" in error_of(capsys, tmp_path / "other.keras", *arguments)
    monkeypatch.setattr("fcn_keras.interface.class_counts", lambda model: {"": 257})
    assert "A palette PNG holds 256 classes." in error_of(capsys, net, *arguments)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(capsys, net, photos, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    before = snapshot(tmp_path)
    for output in (taken, taken / "below", "/proc/1/nothing"):
        message = error_of(capsys, net, photos, "--output", output)
        assert f"--output {output} cannot be written to: " in message
    assert snapshot(tmp_path) == before


def test_help_needs_no_tensorflow():
    code = "import sys; from training.predict import main; sys.modules['tensorflow'] = None; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "overlays" in done.stdout


def test_large_images_are_labelled_in_stages_or_in_tiles(net, tmp_path, monkeypatch):
    write(tmp_path / "large.png", picture(130, 101))
    assert main([str(net), str(tmp_path / "large.png"), "--output", str(tmp_path / "whole")]) == 0
    names, calls = files(tmp_path / "whole"), []

    def spied(name):
        function = getattr(fcn_keras, name)
        monkeypatch.setattr(
            fcn_keras, name, lambda *given, **options: calls.append(options) or function(*given, **options)
        )

    spied("predict")
    spied("predict_tiled")
    monkeypatch.setattr("training.predict.labelling.LARGEST_WHOLE", 130 * 101 - 1)
    for way in (["--memory", "0.5"], ["--tile", "64"]):
        assert main([str(net), str(tmp_path / "large.png"), "--output", str(tmp_path / way[0]), *way]) == 0
        assert files(tmp_path / way[0]) == names
        for name in names:
            np.testing.assert_array_equal(read(tmp_path / way[0] / name), read(tmp_path / "whole" / name))
    assert calls == [{"output": "labels", "memory": 0.5}, {"output": "labels", "tile": 64}]


@pytest.mark.parametrize("tile", [0, 40])
def test_tiles_lie_on_the_stride(net, tmp_path, capsys, tile):
    message = error_of(capsys, net, tmp_path, "--output", tmp_path / "out", "--tile", tile)
    assert f"a positive multiple of 32. Received: {tile}." in message


@pytest.mark.parametrize("memory", ["0", "-1", "nan"])
def test_a_budget_is_positive(net, tmp_path, capsys, memory):
    message = error_of(capsys, net, tmp_path, "--output", tmp_path / "out", "--memory", memory)
    assert f"--memory is a positive number of MiB. Received: {memory}." in message


def test_photographs_far_larger_than_the_training_s_are_scaled(plain_net, models_once, tmp_path, capsys):
    model = keras.models.clone_model(models_once(plain_net))
    model.set_weights(models_once(plain_net).get_weights())
    remember_photographs(model, Photographs((32, 40), (32, 40), (32, 40)))
    model.save(tmp_path / "net.keras")
    photo = write(tmp_path / "large.png", picture(96, 120))
    write(tmp_path / "same.png", picture(32, 40))
    options = [str(tmp_path / "net.keras"), str(photo), str(tmp_path / "same.png"), "--output", str(tmp_path / "out")]
    assert main(options) == 0
    large, same, _ = capsys.readouterr().out.splitlines()
    assert large.endswith("; scaled 120x96 -> 40x32")
    assert "scaled" not in same
    expected = fcn_keras.predict_scaled(model, picture(96, 120))
    np.testing.assert_array_equal(read(tmp_path / "out" / "labels" / "large.png"), expected)
    assert main([*options, "--json"]) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for report in reports for color in report["legend"].values())
    assert [[*report["legend"]] for report in reports] == [[*report["classes"]] for report in reports]
    assert [report.get("scaled") for report in reports] == [{"width": 40, "height": 32}, None]
    assert "--scale is none (trained then). Choose another --output, or say --replace" in error_of(
        capsys, *options, "--scale", "none"
    )
    assert main([*options, "--scale", "none", "--replace"]) == 0
    assert "scaled" not in capsys.readouterr().out
    np.testing.assert_array_equal(read(tmp_path / "out" / "labels" / "large.png"), predict(model, picture(96, 120)))
    assert "--scale is trained, none" in error_of(capsys, *options, "--scale", "huge")


def test_what_fcn_export_wrote(photos, tmp_path, capsys):
    path, out = onnx_file(tmp_path / "net.onnx"), tmp_path / "out"
    options = [str(photos / "a.png"), "--output", str(out)]
    assert main([str(path), *options]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"fcn-predict: {path} has no digests of its files")
    expected = scores_of(read(photos / "a.png")).argmax(-1)
    np.testing.assert_array_equal(read(out / "labels" / "a.png"), expected)
    shares = [(round(100 * np.mean(expected == i)), name) for i, name in enumerate(("sky", "road", "car", "tree"))]
    assert f"labels/a.png  {max(shares)[1]} {max(shares)[0]} %" in printed.out
    other = onnx_file(tmp_path / "labels.onnx", labels=True)
    assert "holds labels by" in error_of_last(capsys, other, *options)
    assert main([str(other), *options, "--replace"]) == 0
    capsys.readouterr()
    assert "--temperature is for .keras files. Give it to fcn-export, which writes it into" in error_of(
        capsys, path, *options, "--format", "confidence", "--temperature", "2"
    )
    for option in (["--tta"], ["--memory", "9"], ["--tile", "64"], ["--precision", "bfloat16"]):
        assert f"{option[0]} is for .keras files. {path} is run by its own" in error_of(capsys, path, *options, *option)
    assert "Leave --scale out, or export it without --labels" in error_of_last(capsys, other, *options, "--scale", "9")
    sure = ["--format", "confidence"]
    assert "labels.onnx gives labels, and how sure they are is told by scores" in error_of_last(
        capsys, other, *options, *sure
    )
    assert main([str(path), *options, *sure, "--replace"]) == 0
    scores = scores_of(read(photos / "a.png")).astype(np.float64)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    assert np.abs(read(out / "confidence" / "a.png") - 255 / powers.sum(-1)).max() < 0.51
    (tmp_path / "net.onnx.md").write_text(f"{64 * '0'}  net.onnx\n")
    assert "net.onnx is not what was exported: its SHA-256 is" in error_of(capsys, path, *options)


def error_of_last(capsys, *arguments):
    """Run the command, and return the last line on stderr, with which it fails."""
    assert main([*map(str, arguments)]) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_an_onnx_file_needs_no_tensorflow(photos, tmp_path):
    path = onnx_file(tmp_path / "net.onnx")
    program = (
        "import sys; from training.predict.command import main; "
        f"assert main([{str(path)!r}, {str(photos)!r}, '--output', {str(tmp_path / 'out')!r}]) == 0; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True)
    assert (tmp_path / "out" / "labels" / "inner" / "a.png").is_file()


def test_options_may_stand_before_the_images(net, photos, tmp_path):
    assert main([str(net), "--output", str(tmp_path / "one"), "--format", "ids", str(photos / "a.png")]) == 0
    assert len(files(tmp_path / "one")) == 1
