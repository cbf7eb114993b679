"""What happens in and after every epoch; whole runs are in test_command.py and workdir/test_survival.py."""

import logging
from contextlib import nullcontext
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from fcn_keras.colors import class_colors
from fcn_keras.datasets.synthetic import Synthetic
from training.train import callbacks
from training.train.callbacks import Batches, Checkpoint, Overlays, Reseed, Restore, flat, mean_iu
from training.train.devices import OneDevice
from training.workdir.checkpoint import Position
from training.workdir.stage import Stage


def test_mean_iu_is_the_mean_over_the_heads():
    assert mean_iu({"val_mean_iu": 0.5, "loss": 3.0, "mean_iu": 0.9}) == 0.5
    assert mean_iu({"val_sem_mean_iu": 0.5, "val_geo_mean_iu": 0.25, "geo_mean_iu": 0.9}) == 0.375


def test_flat_results():
    nested = {"loss": 1.0, "sem": {"mean_iu": 0.5, "fw_iu": 0.25}}
    assert flat(nested) == [("loss", 1.0), ("mean_iu", 0.5), ("fw_iu", 0.25)]


def test_every_batch_is_logged_with_its_place_in_the_epoch(caplog):
    examples = SimpleNamespace(ids=("a", "b", "c"))
    callback = Batches("folder_fcn32s", examples, start=3, steps=4, indices=iter([[2, 0], [1]]))
    with caplog.at_level(logging.DEBUG, "fcn-train"):
        callback.on_train_batch_end(0, {"loss": 0.5})
        callback.on_train_batch_end(1, {"loss": 0.25})
    assert caplog.messages == [
        "folder_fcn32s: batch 4 of 4 in its epoch: mean loss 0.5000 so far; image c, image a",
        "folder_fcn32s: batch 1 of 4 in its epoch: mean loss 0.2500 so far; image b",
    ]


@pytest.mark.parametrize(("epoch", "counter"), [(0, 7), (1, 7), (2, 10)])
def test_dropout_goes_on_where_it_would_have_been(epoch, counter):
    """Of a run that had seen 7 batches, 5 an epoch: its second epoch begins amid, the third at batch 10."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dropout(0.5)])
    callback = Reseed(seed=40, start=7, steps=5)
    callback.set_model(model)
    callback.on_epoch_begin(epoch)
    states = [np.asarray(layer.seed_generator.state) for layer in model.layers]
    np.testing.assert_array_equal(states, [[40, counter], [41, counter]])


def model(dropout=0.5):
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dropout(dropout)(keras.layers.Dense(2, name="dense")(inputs)))


def test_training_metrics_go_on_where_they_were():
    net = model()
    net.compile("sgd", "mse")
    net.train_on_batch(np.zeros((1, 2)), np.ones((1, 2)))
    before = [keras.ops.convert_to_numpy(variable).tolist() for variable in net.metrics_variables]
    net.reset_metrics()
    callback = Restore(before, OneDevice())
    callback.set_model(net)
    callback.on_epoch_begin(0)
    after = [keras.ops.convert_to_numpy(variable).tolist() for variable in net.metrics_variables]
    assert after == before
    assert any(np.any(value) for value in after)


@pytest.mark.parametrize("broken", [False, True])
def test_broken_weights_are_not_saved_within_an_epoch(broken):
    saves = []
    stage = SimpleNamespace(save=lambda net, position: saves.append(position))
    devices = SimpleNamespace(apart=nullcontext, shares=1)
    options = {"position": Position(), "steps": 4, "signals": None, "minutes": 15}
    callback = Checkpoint(stage, None, devices, **options)
    net = model()
    if broken:
        net.get_layer("dense").bias.assign([np.nan, 0])
    callback.set_model(net)
    callback.save(Position(3, [1.0]))
    assert saves == ([] if broken else [Position(3, [1.0])])


@pytest.mark.parametrize(
    ("scores", "best"), [([0.3, 0.5], "start"), ([0.3, 0.6], "8"), ([0.6, 0.4], "4"), ([0.6, 0.7], "8")]
)
def test_the_best_epoch_has_to_beat_the_stage_before(scores, best, tmp_path, monkeypatch):
    """The stage before reached 0.5, and 4 batches are an epoch; files hold the batches that their model has seen."""
    monkeypatch.setattr(
        callbacks, "save_model", lambda net, path, position, origin: path.write_text(str(position.batches))
    )
    (tmp_path / "before.keras").write_text("start")
    stage = Stage(tmp_path / "stage")
    stage.folder.mkdir()
    stage.log.touch()
    stage.save = lambda net, position: None
    stage.promote_better = lambda batches: stage.better.exists() and stage.better.replace(stage.best)
    options = {"steps": 4, "signals": SimpleNamespace(stop=lambda: None), "minutes": 15}
    devices = SimpleNamespace(apart=nullcontext, shares=1)
    callback = Checkpoint(stage, 0.5, devices, position=Position(), start=tmp_path / "before.keras", **options)
    callback.set_model(model())
    for epoch, score in enumerate(scores):
        callback.position = Position(4 * (epoch + 1))
        callback.on_epoch_end(epoch, {"val_mean_iu": score})
        assert stage.best.exists()
    assert stage.best.read_text() == best


def test_pictures_of_images_and_of_the_matrix(tmp_path, monkeypatch):
    examples = Synthetic(2, seed=1, height=8, width=12)
    monkeypatch.setattr(callbacks, "predict", lambda net, pixels: np.zeros(pixels.shape[:2], np.uint8))
    matrix = SimpleNamespace(matrix=np.eye(8), name="confusion")
    monkeypatch.setattr(callbacks, "confusion_metrics", lambda net: [matrix])
    names, colors = {"": examples.class_names}, {"": class_colors(examples.class_names)}
    callback = Overlays([x["image"] for x in examples], list(examples), names, colors, tmp_path, OneDevice())
    callback.set_model(model())
    callback.on_epoch_end(3)
    (events,) = tmp_path.rglob("events*")
    written = events.read_bytes()
    for tag in (b"overlay/0", b"overlay/1", b"confusion"):
        assert tag in written
