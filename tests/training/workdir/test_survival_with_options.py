"""A run with averaged weights, patience, warm-up, clipping, colours and CutMix ends as one that was never stopped."""

import json
import shutil
from functools import partial

import numpy as np
import pytest

from fcn_keras import keras_files
from fcn_keras.optimizers import AdamW
from tests.attacks.kills import differences, rows
from tests.training.stops import stop_at
from tests.training.workdir.tiny_recipe import NAME, use_tiny_recipe, whole_run
from training.train import callbacks
from training.train import command as train
from training.workdir import checkpoint
from training.workdir.stage import Stage

pytestmark = pytest.mark.usefixtures("eagerly")
EPOCHS, STEPS = 6, 2  # batches of an epoch
OPTIONS = {"--weight-decay": 0.05, "--warm-up": 3, "--clip": 0.5, "--ema": 0.6, "--patience": 2}
OPTIONS |= {"--loss": "crossentropy+0.5*dice", "--label-smoothing": 0.1, "--hardest": 0.7}
SWITCHES = ["--raw-scores", "--augment", "color", "scale", "rotate", "mirror", "cutmix", "--quiet", "--no-watchdog"]
RECIPE = {"steps": EPOCHS * STEPS, "optimizer": partial(AdamW, beta_1=0.8), "rate_factors": {"conv": 0.25}}


@pytest.fixture(autouse=True)
def tiny_recipe(monkeypatch):
    use_tiny_recipe(monkeypatch, **RECIPE)


def run(workdir, *options):
    given = [word for pair in OPTIONS.items() for word in pair]
    return train.main([NAME, "--workdir", str(workdir), *map(str, given), *SWITCHES, *map(str, options)])


@pytest.fixture(scope="module")
def observed(eagerly, tmp_path_factory):
    """A run that nothing interrupted: its stage's folder, the weights after each batch, its workdir as kills leave it.

    The workdir is copied before a method's call of that number, as it would be if the process had ended there.
    """
    weights, kills = [], {}
    workdir, copies = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("kills")
    with pytest.MonkeyPatch.context() as patch:
        for owner, method in ((Stage, "save"), (Stage, "promote_better"), (train._Training, "close")):
            copy_before(patch, owner, method, workdir, copies, kills)
        after_batches(patch, lambda callback: weights.append([np.array(x) for x in callback.model.get_weights()]))
        folder = whole_run(workdir, run, **RECIPE)
    return folder, weights, kills


@pytest.fixture
def whole(observed):
    return observed[0]


@pytest.fixture
def trained(monkeypatch):
    """The numbers of the batches that are trained on, as a list that grows."""
    numbers = []
    after_batches(monkeypatch, lambda callback: numbers.append(callback.position.batches + 1))
    return numbers


def after_batches(patch, what):
    """Call a function of the checkpoint callback after each batch, before it does anything itself."""
    end = callbacks.Checkpoint.on_train_batch_end

    def ended(self, batch, logs=None):
        what(self)
        return end(self, batch, logs)

    patch.setattr(callbacks.Checkpoint, "on_train_batch_end", ended)


def copy_before(patch, owner, method, workdir, copies, kills):
    before = getattr(owner, method)

    def call(self, *arguments):
        count = sum(name == method for name, _ in kills) + 1
        kills[method, count] = shutil.copytree(workdir, copies / f"{method}{count}")
        return before(self, *arguments)

    patch.setattr(owner, method, call)


def test_the_run_itself(whole):
    """What the comparisons below would be worth little without: it ended early, and not with its best epoch."""
    scores = [float(row["val_confusion_mean_iu"]) for row in rows(whole / "log.csv")]
    assert len(scores) == 4 < EPOCHS
    assert np.argmax(scores) == 1
    assert json.loads((whole / "summary.json").read_text())["ended"] == "2 epochs were no better"
    losses = [(float(row["raw_val_loss"]), float(row["val_loss"])) for row in rows(whole / "log.csv")]
    assert all(raw != averaged for raw, averaged in losses)


def test_stopped_by_signals(whole, tmp_path, monkeypatch, trained, capsys):
    """Within an epoch, also one that was gone on with, before its validation and in it, at its end, and at the last."""
    for event, count, batches in (
        ("on_train_batch_end", 1, 1),
        ("on_train_batch_end", 2, 3),
        ("on_train_batch_end", 1, 4),
        ("on_test_batch_end", 2, 4),
        ("on_epoch_end", 2, 6),
        ("on_epoch_end", 1, 8),
    ):
        with monkeypatch.context() as patch:
            stop_at(patch, event, count)
            assert run(tmp_path) == 143
        assert checkpoint.verify(tmp_path / NAME / "last.keras").batches == batches
    assert run(tmp_path) == 0
    assert trained == list(range(1, 9))
    assert "ended after epoch 4 of 6: 2 epochs were no better" in capsys.readouterr().out
    assert differences(tmp_path / NAME, whole) == []


@pytest.mark.parametrize(
    ("method", "count", "numbers"),
    [
        ("save", 2, [3, 4, 5, 6, 7, 8]),  # scored and logged, and the better model written, but not the checkpoint
        ("save", 4, [7, 8]),  # the same of the last epoch, whose scores end the stage
        ("promote_better", 3, [5, 6, 7, 8]),  # the checkpoint written; the first call is at the start
        ("close", 1, []),  # nothing but the log says that patience had run out
    ],
)
def test_killed(observed, tmp_path, trained, method, count, numbers):
    whole, _, kills = observed
    shutil.copytree(kills[method, count], tmp_path, dirs_exist_ok=True)
    assert not (tmp_path / NAME / "summary.json").exists()
    assert run(tmp_path) == 0
    assert trained == numbers
    assert differences(tmp_path / NAME, whole) == []


def test_the_average_is_the_weights_own_and_the_checkpoint_has_both(observed):
    """After the best epoch. By the definition, in float64: the first batch's weights, then a weighted mean."""
    _, weights, kills = observed
    average = [np.asarray(x, "float64") for x in weights[0]]
    for after in weights[1:4]:
        average = [0.6 * mean + 0.4 * x for mean, x in zip(average, after, strict=True)]
    stage = kills["save", 3] / NAME
    best, last = (keras_files.load_model(stage / f"{name}.keras", compile=True) for name in ("best", "last"))
    assert not best.compiled
    moved = 0
    for mean, raw, ours, theirs in zip(average, weights[3], best.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, raw)
        if raw.dtype == "float32" and raw.shape:
            np.testing.assert_allclose(ours, mean, rtol=1e-5, atol=1e-7)
            moved += not np.array_equal(ours, raw)
    assert moved > 10
