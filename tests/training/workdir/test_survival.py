"""A run that is stopped, anywhere, ends as one that never was."""

import csv
import errno
import json
import os
import shutil
import signal
import zipfile

import keras
import numpy as np
import pytest

from tests.attacks import kills
from tests.attacks.kills import arrays, differences, rows
from tests.training.stops import stop_at
from tests.training.workdir.tiny_recipe import NAME, use_tiny_recipe, whole_run
from tests.warm import program
from training.train import callbacks
from training.train import command as train
from training.workdir import checkpoint
from training.workdir.stage import Stage

pytestmark = pytest.mark.usefixtures("eagerly")  # `test_kill_9` stops a command


@pytest.fixture(autouse=True)
def tiny_recipe(monkeypatch):
    use_tiny_recipe(monkeypatch)


def run(workdir, *options):
    return train.main([NAME, "--workdir", str(workdir), "--quiet", "--no-watchdog", *map(str, options)])


@pytest.fixture(scope="module")
def whole(eagerly, tmp_path_factory):
    """The folder of a stage that nothing interrupted."""
    return whole_run(tmp_path_factory.mktemp("whole"), run)


@pytest.fixture(scope="module")
def stopped_once(eagerly, tmp_path_factory):
    """The workdir of a run that was stopped after 3 of its 4 batches."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_recipe(patch)
        stop_at(patch, "on_train_batch_end", 3)
        workdir = tmp_path_factory.mktemp("stopped")
        assert run(workdir) == 143
    return workdir


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A copy of it."""
    shutil.copytree(stopped_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / NAME


def test_sigterm_saves_and_the_next_start_goes_on(whole, tmp_path, monkeypatch, capsys):
    """One run that is stopped at four moments, one after the other: nothing is replayed, and nothing is lost."""
    trained, end = [], callbacks.Checkpoint.on_train_batch_end

    def counted(self, batch, logs=None):
        trained.append(self.position.batches + 1)
        return end(self, batch, logs)

    monkeypatch.setattr(callbacks.Checkpoint, "on_train_batch_end", counted)
    for event, count, batches, expected in (
        ("on_train_batch_end", 1, 1, [1]),
        ("on_train_batch_end", 1, 2, [1, 2]),  # the epoch's last: its validation is missing
        ("on_test_batch_end", 2, 2, [1, 2]),
        ("on_epoch_end", 2, 4, [1, 2, 3, 4]),
    ):
        with monkeypatch.context() as patch:
            stop_at(patch, event, count)
            assert run(tmp_path) == 143
        printed = capsys.readouterr().err.splitlines()
        assert printed == ["fcn-train: SIGTERM: saving after this batch", "fcn-train: stopped by SIGTERM"]
        assert checkpoint.verify(tmp_path / NAME / "last.keras").batches == batches
        assert trained == expected
    assert run(tmp_path) == 0
    assert trained == [1, 2, 3, 4]
    assert differences(tmp_path / NAME, whole) == []


def test_ctrl_c_saves_too(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, "on_train_batch_end", 1, number=signal.SIGINT)
        assert run(tmp_path) == 130
    assert checkpoint.verify(tmp_path / NAME / "last.keras").batches == 1


def test_a_second_signal_does_not_wait(tmp_path, monkeypatch):
    saves = []

    def save(self, position):
        saves.append(position)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(callbacks.Checkpoint, "save", save)
    stop_at(monkeypatch, "on_train_batch_end", 1)
    assert run(tmp_path) == 143
    assert len(saves) == 1
    assert not (tmp_path / NAME / "last.keras").exists()


def test_outside_of_fit_a_signal_ends_at_once(tmp_path, monkeypatch, capsys):
    start = train._Training.start

    def started(self, recipe, examples):
        os.kill(os.getpid(), signal.SIGTERM)
        return start(self, recipe, examples)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(train._Training, "start", started)
    assert run(tmp_path / "w") == 143
    assert capsys.readouterr().err == "fcn-train: stopped by SIGTERM\n"
    assert not (tmp_path / "w").exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_saving_within_epochs_changes_nothing(whole, tmp_path, monkeypatch):
    """Stopped without a word after a checkpoint amid an epoch, the run goes on from there."""
    stage_save, seen = Stage.save, []

    def save(self, model, position):
        stage_save(self, model, position)
        seen.append((position.batches, position.metrics is not None))
        if seen[-1][0] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "save", save)
        assert run(tmp_path, "--checkpoint-minutes", 0) == 130
    assert seen == [(1, True), (2, False), (3, True)]
    assert run(tmp_path) == 0
    assert differences(tmp_path / NAME, whole) == []


@pytest.mark.parametrize("damage", ["flip", "gone"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(whole, stopped, tmp_path, capsys, damage):
    spoil(stopped / "last.keras", damage)
    assert run(tmp_path) == 0
    printed, warned = capsys.readouterr()
    assert ("last.keras is damaged" in warned and "Going on from" in warned) == (damage != "gone")
    assert f"{NAME}: going on after batch 2 of 4" in printed
    assert differences(stopped, whole) == []


def spoil(path, damage):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 16
    path.unlink()
    if damage != "gone":
        path.write_bytes(contents)


def test_two_damaged_checkpoints(stopped, tmp_path, capsys):
    for name in ("last.keras", "previous.keras"):
        spoil(stopped / name, "flip")
    assert run(tmp_path) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "last.keras is damaged" in printed
    assert f"remove {stopped} to train that stage anew" in printed


def test_the_best_of_an_epoch_that_was_lost_is_not_kept(tmp_path, monkeypatch):
    """A better model waits until a checkpoint has its epoch; elsewhere the epoch may come out otherwise."""
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Checkpoint, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(tmp_path) == 130
    stage = tmp_path / NAME
    assert (stage / "better.keras").exists()
    assert not (stage / "best.keras").exists()
    assert run(tmp_path) == 0
    assert not (stage / "better.keras").exists()


def test_a_better_model_becomes_the_best_if_its_checkpoint_was_written(whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            Stage, "promote_better", lambda self, batches: (_ for _ in ()).throw(KeyboardInterrupt) if batches else 0
        )
        assert run(tmp_path) == 130
    assert not (tmp_path / NAME / "best.keras").exists()
    assert run(tmp_path) == 0
    assert differences(tmp_path / NAME, whole) == []


def test_half_a_log_row_is_written_anew(whole, stopped, tmp_path):
    log = stopped / "log.csv"
    log.write_text(log.read_text() + "1,0.25,0.")
    assert run(tmp_path) == 0
    assert rows(log) == rows(whole / "log.csv")
    assert differences(stopped, whole) == []  # amid the second epoch


def test_a_full_disk_is_one_line_and_the_checkpoint_before_is_used(whole, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        save = keras.Model.save

        def full(self, path, *arguments, **options):
            save(self, path, *arguments, **options)
            if Stage(tmp_path / NAME).last.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        patch.setattr(keras.Model, "save", full)
        assert run(tmp_path) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "last.keras cannot be written: No space left on device." in printed
    assert not list((tmp_path / NAME).glob(".*"))
    assert run(tmp_path) == 0
    assert differences(tmp_path / NAME, whole) == []


def test_two_runs_in_one_workdir(tmp_path, monkeypatch, capsys):
    codes = []

    def again(self, recipe, examples):
        if codes:
            raise KeyboardInterrupt
        codes.append(None)
        codes.append(run(tmp_path))
        raise KeyboardInterrupt

    monkeypatch.setattr(train._Training, "start", again)
    assert run(tmp_path) == 130
    assert codes == [None, 2]
    other, interrupted = capsys.readouterr().err.splitlines()
    assert f"Another fcn-train is writing to {tmp_path}" in other
    assert interrupted == "fcn-train: interrupted"


def test_the_same_command_gives_the_same_bits(whole, tmp_path):
    assert run(tmp_path) == 0
    assert differences(tmp_path / NAME, whole) == []


def test_another_seed_gives_others(whole, tmp_path):
    assert run(tmp_path, "--seed", 5) == 0
    assert differences(tmp_path / NAME, whole)


def test_the_best_model_has_no_optimizer_and_the_checkpoint_has(whole):
    """Adam keeps two numbers for every weight that learns, of which only a run that goes on has need."""
    best, last = (keras.saving.load_model(whole / f"{name}.keras") for name in ("best", "last"))
    assert (best.compiled, last.compiled) == (False, True)
    held = [{name for name in arrays(whole / f"{name}.keras") if "optimizer" in name} for name in ("best", "last")]
    assert not held[0]
    assert len(held[1]) > 2 * len(best.trainable_variables)


def test_a_checkpoint_holds_the_sum_of_what_it_trained(whole):
    """The comparisons above would mean little if momentum or counters were not in the files."""
    held = arrays(whole / "last.keras")
    assert any("optimizer" in name for name in held)
    assert [int(value) for value in held.values() if value.shape == () and value.dtype.kind == "i"].count(4) >= 1
    with zipfile.ZipFile(whole / "last.keras") as archive:
        record = json.loads(archive.read(checkpoint.MEMBER))
    assert set(record["sha256"]) == set(archive.namelist()) - {checkpoint.MEMBER}
    assert record["position"] == {"batches": 4, "metrics": None}


def test_log_rows_are_numbers_of_all_four_metrics(whole):
    with (whole / "log.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert np.isfinite([float(value) for value in row.values()]).all()


@pytest.mark.early
def test_kill_9(tmp_path):
    """Two kills of the command with the tiny recipe; `make soak` has twenty of the real one, in two stages."""

    def launch(arguments, **streams):
        assert arguments[:2] == ["-m", "training.train"]
        return program.start(["-m", "tests.training.workdir.tiny_command", *arguments[2:]], **streams)

    options = {"moments": ("amid a checkpoint", "amid a batch"), "stages": kills.STAGES[:1], "launch": launch}
    outcome = kills.attack(tmp_path, tries=2, steps=kills.EPOCH, **options)
    assert outcome == ("kill -9 of fcn-train", 2, ())
