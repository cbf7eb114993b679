"""A run ends where its validation is made of what is no number, and no figure of that epoch is kept."""

import math
import re

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.datasets.synthetic import Synthetic
from tests.training.workdir.tiny_recipe import NAME, TINY, use_tiny_recipe
from training.recipes import catalogue
from training.train import command as train
from training.train.callbacks import Validate
from training.train.compiling import compile_model
from training.train.finite_validation import require_figures, require_sums
from training.train.fit import build_metrics
from training.train.watchdog import confusion_metrics

SCENES = Synthetic(2, seed=3, height=32, width=40)


@pytest.fixture(scope="module")
def net(eagerly):
    model = fcn.FCN32s(SCENES.num_classes, channels=TINY)
    compile_model(model, catalogue.RECIPES[NAME], SCENES.num_classes)
    build_metrics(model, fcn.batches(SCENES))
    return model


@pytest.mark.parametrize("name", ["val_loss", "val_confusion_mean_iu", "raw_val_confusion_fw_iu"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_no_number(net, name, value):
    with pytest.raises(ValueError, match=f"^tiny: epoch 2: {name} is {value} in validation; nothing of this epoch"):
        require_figures(net, {"val_other": 0.5, name: value}, "tiny: epoch 2")


def test_a_batch_of_training_may_be_left_out(net):
    """Under mixed_float16, where the epoch's mean loss stays infinite."""
    require_figures(net, {"loss": math.inf, "confusion_mean_iu": math.nan, "val_loss": 0.5}, "tiny")


def test_a_label_of_no_class_is_told_from_scores(net):
    (metric,) = confusion_metrics(net)
    metric.illegal.assign(1)
    with pytest.raises(ValueError, match="A label is of no class: run fcn-doctor"):
        require_figures(net, {"val_loss": math.nan}, "tiny")


@pytest.mark.parametrize("value", [3e38, -3e38])
def test_a_sum_that_overflows_before_a_relu(value):
    """Minus infinity becomes 0 there: every score is a number."""
    net = fcn.FCN32s(SCENES.num_classes, channels=TINY)
    require_sums(net, SCENES, "rgb", "tiny")
    net.get_layer("conv2_1").kernel.assign(keras.ops.full_like(net.get_layer("conv2_1").kernel, value))
    with pytest.raises(
        ValueError, match=re.escape("tiny: image 3-000000: The scores of an image must be finite.")
    ) as e:
        require_sums(net, SCENES, "rgb", "tiny")
    assert "sums of conv2_1 that leave float32" in str(e.value)


def test_fcn_train_keeps_nothing_of_an_epoch_that_overflows(eagerly, tmp_path, capsys, monkeypatch):
    """Nor with --no-watchdog, nor where the figures are numbers."""
    use_tiny_recipe(monkeypatch, ema=0.9, steps=2, steps_per_epoch=1)
    score = Validate.score

    def of_large_weights(self, weights, prefix, logs, followers):
        place = [x.path for x in self.model.weights].index("conv2_1/kernel")
        weights[place] = np.full_like(weights[place], -3e38)
        score(self, weights, prefix, logs, followers)
        assert all(map(math.isfinite, logs.values()))

    monkeypatch.setattr(Validate, "score", of_large_weights)
    assert train.main([NAME, "--workdir", str(tmp_path), "--quiet", "--no-watchdog"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fcn-train: {NAME}: epoch 1: image 2-000000: The scores of an image must be finite.")
    assert "sums of conv2_1" in line
    left = {path.name for path in (tmp_path / NAME).iterdir()}
    assert not left & {"best.keras", "last.keras", "summary.json"}
    assert not (tmp_path / NAME / "log.csv").read_text()
