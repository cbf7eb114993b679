"""The command `fcn-export` as a whole: a SavedModel, and what is wrong in one line."""

import hashlib
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.models import FCN32s
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import remember_photographs
from serving.export import command
from serving.export.command import main
from serving.export.saved_model import contents
from tests.serving.nets import TINY, randomize

METRICS = {"pixel_accuracy": 0.9, "mean_accuracy": 0.8, "mean_iu": 0.725, "fw_iu": 0.85, "split": "val"}


@pytest.fixture
def asked(monkeypatch):
    """Write a folder instead of a SavedModel, and note what was asked for."""
    requests = []

    def write(folder, name, model, names, colors, **options):
        (folder / "assets").mkdir(parents=True)
        requests.append({"name": name, "model": model.name, "names": names, **options})
        facts = {"inputs": {}, "memory": options["memory"], "max_pixels": 5000, "extra_outputs": options["extras"]}
        return {**facts, "warm_up_sizes": options["sizes"], "parity": []}

    monkeypatch.setattr(contents, "write", write)
    return requests


def test_options_and_what_lies_beside_the_model_are_exported(tmp_path, capsys, asked):
    net = randomize(FCN32s({"sem": 2, "geo": 3}, channels=TINY))
    net.save(tmp_path / "best.keras")  # as in a stage's folder
    (tmp_path / "names").write_text("sky 0 0 255\nground 9 9 9\nvoid 0 0 0\n")
    (tmp_path / "recipe.json").write_text('{"decisions": {"recipe": "mine", "settings": {"buckets": [[32, 64]]}}}')
    (tmp_path / "metrics.json").write_text(json.dumps({"heads": {"sem": METRICS, "geo": METRICS}}))
    (tmp_path / "classes.txt").write_text("near\nmiddle\nfar\n")
    options = ["--model-version", "4", "--classes", f"sem={tmp_path / 'names'}", "--max-pixels", "5000"]
    options += ["--metrics", str(tmp_path / "metrics.json"), "--extra", "confidence", "--json", "--verbose"]
    served = tmp_path / "served"
    assert main([str(tmp_path), str(served), *options]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {"path": str(served / "4")}
    assert f"fcn-export: loading {tmp_path / 'best.keras'}\n" in output.err
    facts = json.loads((served / "4" / "model.json").read_text())
    assert (facts["recipe"]["recipe"], facts["warm_up_sizes"]) == ("mine", [[32, 64]])
    assert facts["source"]["sha256"] == hashlib.sha256((tmp_path / "best.keras").read_bytes()).hexdigest()
    card = (served / "4" / "README.md").read_text()
    (row,) = (line for line in card.splitlines() if line.startswith("| geo  | 90"))
    assert row.split() == ["|", "geo", "|", "90.0", "|", "80.0", "|", "72.5", "|", "85.0", "|"]
    assert main([str(tmp_path / "best.keras"), str(served), "--size", "800x900"]) == 0
    assert capsys.readouterr().out == f"{served / '5'}\n"
    first, second = asked
    assert first == {**second, "names": {"sem": ("sky", "ground")}, "memory": None, "max_pixels": 5000} | {
        "extras": ("confidence",),
        "sizes": ((32, 64),),
    }
    assert second == {"name": "served", "model": "fcn32s", "names": {"geo": ("near", "middle", "far")}} | {
        "memory": 2048,
        "max_pixels": None,
        "scale": None,
        "extras": (),
        "sizes": ((800, 900),),
        "precision": "fp32",
    }


def test_the_scale_is_the_model_s_or_another(tmp_path, capsys, asked):
    net, known = FCN32s(2, channels=TINY), Photographs((300, 500), (400, 500), (600, 700))
    remember_photographs(net, known)
    net.save(tmp_path / "net.keras")
    for options in ([], ["--scale", "none"], ["--scale", "640"], ["--scale", "0.5"], ["--scale", "trained"]):
        assert main([str(tmp_path / "net.keras"), str(tmp_path / "served"), *options]) == 0
    assert [request["scale"] for request in asked] == [known, 1, 640, 0.5, known]
    assert capsys.readouterr().err.startswith(f"fcn-export: loading {tmp_path / 'net.keras'}\n")  # unasked
    assert main([str(tmp_path / "net.keras"), str(tmp_path / "served"), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_temperature_is_in_the_weights_and_on_the_card(tmp_path, capsys, asked, monkeypatch):
    net, found = randomize(FCN32s(2, channels=TINY)), []
    net.save(tmp_path / "net.keras")
    write = contents.write
    monkeypatch.setattr(contents, "write", lambda *a, **b: found.append(a[2].get_weights()) or write(*a, **b))
    for options in ([], ["--temperature", "1.25"]):
        assert main([str(tmp_path / "net.keras"), str(tmp_path / "served"), *options]) == 0
    changed = [(a, b) for a, b in zip(*found, strict=True) if not np.array_equal(a, b)]
    assert len(changed) == 1  # the upsampling
    np.testing.assert_allclose(changed[0][0], changed[0][1] * 1.25, rtol=1e-6)
    assert json.loads((tmp_path / "served" / "2" / "model.json").read_text())["temperature"] == 1.25
    sentence = "Scores are divided by the temperature 1.25."
    assert [sentence in (tmp_path / "served" / x / "README.md").read_text() for x in "12"] == [False, True]
    capsys.readouterr()
    assert main([str(tmp_path / "net.keras"), str(tmp_path / "served"), "--temperature", "0"]) == 2
    assert "--temperature is a number from 0.001 to 1000. Received: 0." in capsys.readouterr().err


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "file").write_text("")
    (tmp_path / "net.h5").write_text("")
    (tmp_path / "list").write_text("[]")
    (tmp_path / "object").write_text("{}")
    (tmp_path / "names").write_text("sky\n")
    (tmp_path / "served" / "2").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("readme", "")
    FCN32s(2, channels=TINY).save(tmp_path / "net.keras")
    for arguments, message in [
        (["none.keras", "served"], "none.keras is missing. Name a .keras file, or the folder of a stage"),
        (["served", "served"], "served holds no best.keras. Name a stage's folder or a .keras file."),
        (["net.h5", "served"], "net.h5 is not a .keras file"),
        (["text.keras", "served"], "text.keras is damaged, cut off or no .keras file. Copy or save it again."),
        (["empty.keras", "served"], "empty.keras cannot be loaded (expected config.json, "),
        (["net.keras", "file"], "The folder file cannot be written to: File exists."),
        (["net.keras", "file/deeper"], "Not a directory"),
        (["net.keras", "served", "--model-version", "2"], "Version 2 is in served already"),
        (["net.keras", "served", "--model-version", "-2"], "--model-version is a positive whole number. Received: -2"),
        (["net.keras", "served", "--model-version", "x"], "--model-version is a positive whole number. Received: x"),
        (["net.keras", "served", "--max-pixels", "0"], "--max-pixels is a positive whole number"),
        (["net.keras", "served", "--memory", "1.5"], "--memory is a positive whole number. Received: 1.5"),
        (["net.keras", "served", "--scale", "big"], "--scale is trained, none, a factor above 0 and up to 1"),
        (["net.keras", "served", "--size", "375"], "--size is a height and a width, as in 375x500. Received: 375"),
        (["net.keras", "served", "--size", "9x9", "--max-pixels", "80"], "`sizes` are at most `max_pixels` = 80"),
        (["net.keras", "served", "--metrics", "none.json"], "none.json: No such file"),
        (["net.keras", "served", "--metrics", "file"], "file is not JSON"),
        (["net.keras", "served", "--metrics", "list"], "list should hold a JSON object. Received: list"),
        (["net.keras", "served", "--metrics", "object"], "object is not the metrics.json that fcn-evaluate"),
        (["net.keras", "served", "--classes", "none.txt"], "none.txt is not a readable class file"),
        (["net.keras", "served", "--classes", "file"], "file names no class"),
        (["net.keras", "served", "--classes", "names"], "`classes` holds one name a class, 2. Received: 1"),
    ]:
        monkeypatch.chdir(tmp_path)
        assert main(arguments) == 2, arguments
        output = capsys.readouterr()
        *stages, wrong = output.err.splitlines()
        assert (output.out, stages) in (("", []), ("", [f"fcn-export: loading {arguments[0]}"]))
        assert wrong.startswith("fcn-export: ")
        assert message in wrong
    assert [path.name for path in (tmp_path / "served").iterdir()] == ["2"]


def test_a_full_disk_is_one_line(tmp_path, capsys, monkeypatch):
    FCN32s(2, channels=TINY).save(tmp_path / "net.keras")

    def fail(*_, **__):
        raise tf.errors.UnknownError(None, None, "No space left on device")

    monkeypatch.setattr(command, "export", fail)
    assert main([str(tmp_path / "net.keras"), str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines()[1:] == ["fcn-export: No space left on device"]


def test_help_and_wrong_arguments_start_without_tensorflow(tmp_path):
    code = (
        "import sys; from serving.export import main; sys.argv[0] = 'fcn-export';"
        "code = main(['none.keras', 'served']);"
        "print(code, [name for name in ('tensorflow', 'keras', 'onnx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"
    assert done.stderr.startswith("fcn-export: none.keras is missing.")
