"""What the options of `fcn-train` mean, and what is refused before TensorFlow starts."""

import importlib.util
import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from training.train.options import buckets_of, build_parser, check_options, overrides_of, weights_of

ROOT = Path(__file__).resolve().parents[3]


def test_buckets_are_heights_and_widths():
    assert buckets_of(["512x512", "384x640"]) == ((512, 512), (384, 640))


@pytest.mark.parametrize("given", ["512", "512x", "0x512", "-1x5", "5x5x5", "axb"])
def test_what_is_no_bucket(given):
    with pytest.raises(ValueError, match=rf"--buckets are HEIGHTxWIDTH, .* Received: 512x512 {given}\."):
        buckets_of(["512x512", given])


@pytest.mark.parametrize("value", [[1, 2.5], {"class_weights": [1, 2.5], "images": 3}])
def test_class_weights_are_a_list_or_the_doctor_s(value, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert weights_of(tmp_path / "a.json") == [1, 2.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"a\.json cannot be read: .*No such file.* Name the doctor\.json of fcn-doctor"),
        ("[1,", r"a\.json cannot be read: "),
        ("[]", r"a\.json holds no list of numbers"),
        ('{"class_weights": null}', r"a\.json holds no list of numbers"),
        ('[1, "2"]', r"a\.json holds no list of numbers"),
    ],
)
def test_what_holds_no_class_weights(text, message, tmp_path):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        weights_of(tmp_path / "a.json")


def test_overrides_are_what_was_given(tmp_path):
    (tmp_path / "classes.txt").write_text("road\n")
    given = ["voc_fcn8s", "--steps", "3", "--buckets", "32x64", "--classes", str(tmp_path / "classes.txt")]
    expected = {"steps": 3, "buckets": ((32, 64),), "classes": str(tmp_path / "classes.txt")}
    assert overrides_of(build_parser().parse_args(given)) == expected
    assert overrides_of(build_parser().parse_args(["voc_fcn8s", "--classes", "5"])) == {"classes": 5}


def test_how_to_descend():
    given = "--optimizer adamw --weight-decay 0.1 --warm-up 5 --clip 1 --ema 0.9 --raw-scores --patience 3 --loss focal"
    more = "--label-smoothing 0.1 --hardest 0.5 --augment mirror cutmix"
    arguments = build_parser().parse_args(["voc_fcn8s", *given.split(" "), *more.split(" ")])
    expected = {"optimizer": "adamw", "weight_decay": 0.1, "warm_up": 5, "clip": 1.0, "ema": 0.9, "raw_scores": True}
    expected |= {
        "patience": 3,
        "loss": "focal",
        "label_smoothing": 0.1,
        "hardest": 0.5,
        "augment": ["mirror", "cutmix"],
    }
    assert overrides_of(arguments) == expected
    assert overrides_of(build_parser().parse_args(["voc_fcn8s"])) == {}


@pytest.mark.parametrize("given", ["--optimizer rmsprop", "--augment blur", "--log wandb"])
def test_names_that_are_none(given, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["voc_fcn8s", *given.split(" ")])
    assert f"invalid choice: '{given.split(' ')[1]}'" in capsys.readouterr().err


def test_mlflow_has_to_be_there(monkeypatch):
    arguments = build_parser().parse_args(["synthetic_fcn8s", "--log", "mlflow"])
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    sys.modules["mlflow"].__spec__ = ModuleSpec("mlflow", None)
    check_options(arguments)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'is missing: pip install "mlflow>=3\.17\.2,<4"$'):
        check_options(arguments)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], r"Name your own folder with --data DIR, or a recipe"),
        (["voc_fcn8s", "--model", "fcn8s"], r"--model goes without a recipe\. Leave it or voc_fcn8s out\."),
        (["--data", "nowhere"], r"--data nowhere is not a folder\."),
    ],
)
def test_options_that_do_not_go_together(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        check_options(build_parser().parse_args(given))


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
def test_backends_that_cannot_train(backend, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(ValueError, match=rf"backend {backend} cannot train\. .* one of tensorflow, jax, torch\."):
        check_options(build_parser().parse_args(["synthetic_fcn32s"]))


@pytest.mark.parametrize("minutes", ["-1", "soon", "nan"])
def test_minutes_are_numbers(minutes, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["voc_fcn8s", "--checkpoint-minutes", minutes])
    assert f"a number of minutes from 0 on is expected. Received: {minutes}" in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
def test_wrong_options_are_told_before_tensorflow_starts(backend):
    code = "import sys; sys.modules['tensorflow'] = None; from training.train import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--data", "nowhere"],
        env={"KERAS_BACKEND": backend, "PATH": ""},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 2
    expected = "nowhere is not a folder" if backend == "tensorflow" else "backend openvino cannot train"
    assert done.stderr.startswith("fcn-train: ")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
