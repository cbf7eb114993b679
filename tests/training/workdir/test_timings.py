"""How long epochs took, as it is written and read."""

from types import SimpleNamespace

from training.workdir import timings
from training.workdir.timings import Timings, read_timings


def test_an_epoch_is_divided_into_training_and_validation(tmp_path, monkeypatch):
    path = tmp_path / "timings.csv"
    callback, clock = Timings(path), iter([100.0, 102.0, 107.5, 110.0, 200.0, 203.0])
    monkeypatch.setattr(timings, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0)
    callback.on_train_batch_end(1)
    callback.on_epoch_end(0)
    callback.on_epoch_begin(1)  # a run that only had to validate
    callback.on_epoch_end(1)
    assert path.read_text().splitlines() == ["epoch,batches,training,validation", "0,2,7.5,2.5", "1,0,0.0,3.0"]
    assert read_timings(path) == {
        0: {"batches": 2, "training": 7.5, "validation": 2.5},
        1: {"batches": 0, "training": 0, "validation": 3},
    }


def test_a_repeated_epoch_counts_once_and_a_damaged_row_not_at_all(tmp_path):
    path = tmp_path / "timings.csv"
    path.write_text("epoch,batches,training,validation\n0,2,9,1\n0,2,5,2\n1,x,1,1\n2,2,-1,1\n3,2,nan,1\n4,2,7.")
    assert read_timings(path) == {0: {"batches": 2, "training": 5, "validation": 2}}
    path.write_bytes(b"\xff\xfe\x00,")
    assert read_timings(path) == {}
    assert read_timings(tmp_path / "none.csv") == {}
