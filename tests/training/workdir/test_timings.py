"""How long every epoch took, read row by row."""

import csv

import pytest

from training.workdir.timings import read_table, read_timings


def test_an_epoch_counts_once_and_half_a_row_not(tmp_path):
    path = tmp_path / "timings.csv"
    assert read_timings(path) == {}
    path.write_text("epoch,batches,training,validation\n0,2,1,1\n0,1,0.5,1\n1,2,nan,1\n2,2,-1,1\n3,2")
    assert read_timings(path) == {0: {"batches": 1.0, "training": 0.5, "validation": 1.0}}


def test_a_file_that_is_no_csv(tmp_path, monkeypatch):
    path = tmp_path / "timings.csv"
    path.write_text("epoch\n" + "x" * (csv.field_size_limit() + 1))
    with pytest.raises(ValueError, match=r"timings\.csv is not CSV .* Restore it from a copy"):
        read_table(path)
