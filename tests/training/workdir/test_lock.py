"""One run at a time in a workdir."""

import os

import pytest

from training.workdir.lock import alone


def test_another_run_is_kept_out_until_the_first_ends(tmp_path):
    other = pytest.raises(ValueError, match=f"Another fcn-train is writing to {tmp_path}")
    with alone(tmp_path), other, alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_folder_that_nothing_came_of_goes_away(tmp_path):
    with alone(tmp_path / "new"):
        assert (tmp_path / "new").is_dir()
    assert not (tmp_path / "new").exists()
    with alone(tmp_path / "new"):
        (tmp_path / "new" / "result").touch()
    assert (tmp_path / "new" / "result").is_file()


def test_a_workdir_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ValueError, match=r"file cannot be written to: .* Choose another folder"),
        alone(tmp_path / "file"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_workdir(tmp_path):
    tmp_path.chmod(0o500)
    for workdir in (tmp_path, tmp_path / "w"):
        with pytest.raises(ValueError, match="cannot be written to: Permission denied"), alone(workdir):
            pass
