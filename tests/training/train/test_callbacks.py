"""What happens in and after every epoch; whole runs are in test_command.py and workdir/test_survival.py."""

import logging
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from training.train.callbacks import Batches, Reseed, flat, mean_iu


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
