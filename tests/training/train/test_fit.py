"""`fit` of feature maps: the whole network is saved, and a run that is stopped anywhere ends as one that never was.

Fits of pixels are in test_command.py, test_devices.py and workdir/test_survival.py.
"""

import csv
import os
import signal
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

import fcn_keras as fcn
from fcn_keras.datasets.synthetic import Synthetic
from tests.attacks.kills import differences
from training.features.views import Views
from training.recipes import catalogue, names
from training.train import callbacks
from training.train import command as train
from training.workdir import checkpoint

TINY = ((4, 1), (4, 1), (6, 1), (6, 1), (8, 1)), 8
STAGES = ("quick_fcn8s_head", "quick_fcn8s")


def scenes(directory, split):
    return Synthetic(4, seed={"train": 1, "val": 2}[split], height=40, width=50)


@pytest.fixture(autouse=True, scope="module")
def tiny_recipes():
    with pytest.MonkeyPatch.context() as patch:
        _make_tiny(patch)
        yield


def _make_tiny(patch):
    for name in STAGES:
        recipe = replace(
            catalogue.RECIPES[name],
            data=scenes,
            model_options={"channels": TINY, "fc6_kernel": 3, "skip_channels": (4, 3), "dropout": 0.5},
            imagenet=False,
            steps=4,
            steps_per_epoch=2,
            batch_size=3,
            views=4,
            validation_images=2,
            ema=0.9,
            raw_scores=True,
        )
        patch.setitem(catalogue.RECIPES, name, recipe)
    patch.setattr(names, "NAMES", tuple(name for name in names.NAMES if name not in STAGES))  # they read no folder here


@pytest.fixture(autouse=True, scope="module")
def eagerly():
    """Run without graphs: of four batches, tracing is most of the time."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def run(workdir):
    return train.main([STAGES[-1], "--workdir", str(workdir), "--quiet", "--no-watchdog"])


@pytest.fixture(scope="module")
def whole(tiny_recipes, eagerly, tmp_path_factory):
    """The workdir of a run that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("whole")
    assert run(workdir) == 0
    return workdir


def stop_at(monkeypatch, owner, event, count):
    """Send this process SIGTERM in the `count`-th call of a method."""
    method, calls = getattr(owner, event), []

    def counted(self, *arguments, **options):
        calls.append(None)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGTERM)
        return method(self, *arguments, **options)

    monkeypatch.setattr(owner, event, counted)


def test_a_run_that_is_stopped_anywhere_ends_as_one_that_never_was(whole, tmp_path, monkeypatch):
    """With averaged weights: amid the maps, within an epoch of each stage, and at an epoch's end."""
    stopped = tmp_path / "stopped"
    assert not (whole / "maps").exists()
    for owner, event, count in (
        (Views, "_write", 4),
        (callbacks.Checkpoint, "on_train_batch_end", 1),
        (callbacks.Checkpoint, "on_epoch_end", 2),
        (callbacks.Checkpoint, "on_train_batch_end", 3),
    ):
        with monkeypatch.context() as patch:
            stop_at(patch, owner, event, count)
            assert run(stopped) == 143
        assert (stopped / "maps").is_dir()
    assert run(stopped) == 0
    for stage in STAGES:
        assert differences(stopped / stage, whole / stage) == []
    assert not (stopped / "maps").exists()


def test_what_is_saved_is_the_whole_network_and_its_frozen_layers_stand_still(whole):
    head, last = (keras.saving.load_model(whole / stage / "best.keras") for stage in STAGES)
    image = scenes(None, "val")[0]["image"]
    assert fcn.predict(last, image).shape == image.shape[:2]
    moved = {
        layer.name
        for layer in head.layers
        if layer.weights
        and any(
            not np.array_equal(a, b)
            for a, b in zip(layer.get_weights(), last.get_layer(layer.name).get_weights(), strict=True)
        )
    }
    assert "conv5_1" in moved
    assert "fc6" in moved
    assert not moved & {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "upscore8"}
    assert checkpoint.verify(whole / STAGES[0] / "last.keras").batches == 4
    with (whole / STAGES[0] / "log.csv").open() as log:
        assert "raw_val_confusion_mean_iu" in log.readline()


def test_the_scores_in_the_log_are_those_of_the_saved_network(whole):
    folder = whole / STAGES[0]
    best = keras.saving.load_model(folder / "best.keras")
    classes = best.output.shape[-1]
    matrix = np.zeros((classes, classes), int)
    for example in (scenes(None, "val")[i] for i in (0, 2)):
        counted = example["label"] < classes
        labels = fcn.predict(best, example["image"])
        np.add.at(matrix, (example["label"][counted].astype(int), labels[counted]), 1)
    with (folder / "log.csv").open(newline="") as file:
        logged = max(float(row["val_confusion_mean_iu"]) for row in csv.DictReader(file))
    assert logged == pytest.approx(fcn.scores(matrix)["mean_iu"], abs=5e-3)
