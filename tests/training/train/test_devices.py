"""Several devices and several processes: the same command gives what one device gives, or says why it cannot."""

import csv
import json
import os
import socket
import subprocess
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.training import small_run
from tests.warm import program
from training.recipes import catalogue as recipes
from training.train import command as train
from training.train import devices

SMALL_RUN = "tests.training.small_run"


def start(options, *arguments, **environment):
    """Start one process of the command on the tiny recipes."""
    command = ["-m", SMALL_RUN, json.dumps({"devices": 1, "stop": None, **options}), *arguments, "--quiet"]
    modules = (*program.TENSORFLOW, "jax") if environment else program.TENSORFLOW
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return program.start(command, env={**os.environ, **environment}, modules=modules, **streams, **environment)


def finished(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def rows(stage):
    with (stage / "log.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def same_result(ours, theirs):
    """Compare every logged number, and the weights and the optimizer's state at the end, of two runs of a stage."""
    assert len(rows(ours)) == len(rows(theirs)) == 2
    for mine, other in zip(rows(ours), rows(theirs), strict=True):
        assert mine == pytest.approx(other, rel=1e-5)
    mine, other = (keras.saving.load_model(stage / "last.keras") for stage in (ours, theirs))
    averaged = (keras.saving.load_model(stage / "best.keras") for stage in (ours, theirs))
    for one, another in ((mine, other), averaged):
        for a, b in zip(one.get_weights(), another.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
    assert int(mine.optimizer.iterations) == int(other.optimizer.iterations) > 0
    assert np.abs(mine.get_layer("score_fr").get_weights()[0]).max() > 1e-4  # it starts at 0


@pytest.mark.early
def test_two_devices_learn_what_one_learns(tmp_path, monkeypatch):
    """Mean loss with unlike void, averaged weights, stopped in an epoch and continued; then a finer net by the sum."""
    arguments = ["tiny_fcn16s", "--ema", "0.5", "--workdir"]
    two = start({"devices": 2, "stop": "batch"}, *arguments, tmp_path / "two", "--devices", "all")
    for name, recipe in small_run.recipes_by_name().items():
        monkeypatch.setitem(recipes.RECIPES, name, recipe)
    assert train.main([*arguments, str(tmp_path / "one"), "--quiet"]) == 0
    assert "tiny_fcn16s: mean IU" in finished(two)
    for name in ("tiny_fcn32s", "tiny_fcn16s"):
        same_result(tmp_path / "two" / name, tmp_path / "one" / name)


@pytest.mark.early
def test_two_processes_learn_what_one_learns(tmp_path):
    """On JAX, with dropout, accumulated and clipped gradients and averaged weights, stopped and continued: two after an
    epoch, one within it.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    # Compiled without optimisation: it takes longer than these few steps.
    jax = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    arguments = ["tiny_dropout", "--optimizer", "adamw", "--clip", "0.5", "--ema", "0.5", "--workdir"]
    hosts = ["--coordinator", address, "--processes", 2, "--process"]
    together = [start({"stop": "epoch"}, *arguments, tmp_path / "two", *hosts, i, **jax) for i in range(2)]
    finished(start({"stop": "batch"}, *arguments, tmp_path / "one", **jax))
    said = [finished(process) for process in together]
    assert ["tiny_dropout: mean IU" in output for output in said] == [True, False]
    same_result(tmp_path / "two" / "tiny_dropout", tmp_path / "one" / "tiny_dropout")
    assert len(list((tmp_path / "two").rglob("*.keras"))) == 3  # best, last and the one before
    events = list((tmp_path / "two").rglob("train/events*"))
    assert len(events) == 2  # one a start: the second process writes none


def test_weights_of_images_by_hand():
    labels = np.full((4, 2, 3), 255, np.uint8)
    labels[0, 0] = 1  # 3 counted pixels on the first device
    labels[2:, :, :] = [[[0]], [[2]]]  # 12 on the second
    labels[3, 1, 2] = 255  # or 11
    weights = devices.weigh("images", {"sem": labels, "geo": labels[::-1]}, replicas=2)[2]
    assert weights["sem"].shape == (4, 1, 1)
    np.testing.assert_allclose(weights["sem"][:, 0, 0], np.array([3, 3, 11, 11]) * 2 / 14)
    np.testing.assert_allclose(weights["geo"][:, 0, 0], np.array([11, 11, 3, 3]) * 2 / 14)
    assert not np.any(devices.weigh("images", np.full((2, 1, 1), 255), replicas=2)[2])


def refuse(capsys, *arguments):
    assert train.main([*map(str, arguments), "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err + captured.out
    return captured.err


def test_devices_that_are_not_there(tmp_path, capsys):
    for given in ("4", "0", "two"):
        message = refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path / "w", "--devices", given)
        assert "--devices is a number from 1 to 1, or all: this machine has CPU:0" in message
        assert f"Received: {given}." in message
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--process", 0), "Missing: --coordinator, --processes"),
        (("--coordinator", "a:1", "--processes", 2, "--process", 0), "on Keras's JAX backend. Received: tensorflow"),
        (("--coordinator", "a:1", "--processes", 2, "--process", 0, "--devices", 2), "--devices is for one machine"),
    ],
)
def test_processes_that_cannot_train_together(tmp_path, capsys, arguments, message):
    assert message in refuse(capsys, "synthetic_fcn32s", "--workdir", tmp_path / "w", *arguments)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("address", "processes", "process", "message"),
    [
        ("host", 2, 0, "HOST:PORT of process 0. Received: host"),
        ("host:http", 2, 0, "HOST:PORT of process 0. Received: host:http"),
        ("host:1", 2, 2, "Received: 2 of 2"),
        ("host:1", 2, -1, "Received: -1 of 2"),
    ],
)
def test_addresses_out_of_range(address, processes, process, message):
    with pytest.raises(ValueError, match=message):
        devices._join(address, processes, process, "jax")


def test_another_backend_has_no_devices():
    with pytest.raises(ValueError, match=r"TensorFlow or JAX backend\. Received: torch"):
        devices._local_devices("torch")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 3}, "--batch-size is a multiple of 2. Received: 3"),
        ({"accumulate": 4}, "accumulates gradients, which Keras cannot do under MirroredStrategy"),
        ({"dtype_policy": "mixed_float16"}, "whose overflows Keras looks for on the first device alone"),
        ({"optimizer": recipes.SYNTHETIC_FCN32S.optimizer}, r"clips gradients \(global_clipnorm\)"),
        ({"clip": 0.5}, r"clips gradients \(global_clipnorm\)"),
        ({"loss": "crossentropy+dice"}, r"a loss of the whole batch \(crossentropy\+dice\)"),
        ({"hardest": 0.5}, r"a loss of the whole batch \(crossentropy\)"),
    ],
)
def test_what_mirrored_devices_refuse(change, message):
    two = object.__new__(devices.Replicas)
    two.count = 2
    recipe = small_run.recipes_by_name()["tiny_fcn32s"]
    two.check(recipe)
    with pytest.raises(ValueError, match=message):
        two.check(replace(recipe, **change))


def test_what_several_processes_refuse():
    mesh = object.__new__(devices.Mesh)
    mesh.count, mesh.shares = 2, 2
    recipe = small_run.recipes_by_name()["tiny_fcn32s"]
    mesh.check(recipe)
    with pytest.raises(ValueError, match=r"--patience goes by the log, which one of several processes writes\."):
        mesh.check(replace(recipe, patience=2))
    mesh.shares = 1
    mesh.check(replace(recipe, patience=2))
