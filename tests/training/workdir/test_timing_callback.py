"""How long every epoch took: written by a callback."""

from training.workdir import timing_callback
from training.workdir.timing_callback import Timings
from training.workdir.timings import read_timings


def test_training_ends_with_the_last_batch(tmp_path, monkeypatch):
    clock = iter([100.0, 101.0, 103.0, 107.5])
    monkeypatch.setattr(timing_callback.time, "monotonic", lambda: next(clock))
    callback = Timings(tmp_path / "timings.csv")
    callback.on_epoch_begin(4)
    callback.on_train_batch_end(0)
    callback.on_train_batch_end(1)
    callback.on_epoch_end(4)
    assert (tmp_path / "timings.csv").read_text().split() == ["epoch,batches,training,validation", "4,2,3.0,4.5"]
    assert read_timings(tmp_path / "timings.csv") == {4: {"batches": 2.0, "training": 3.0, "validation": 4.5}}
