"""One command at a time where two would make a mixture."""

import contextlib
import errno
import os
import subprocess
import sys

import pytest

from fcn_keras_console.locks import alone, alone_for, locked

HOLDS = """
import sys, time
from pathlib import Path
from fcn_keras_console.locks import alone
with alone(Path(sys.argv[1])):
    print("there", flush=True)
    time.sleep(60)
"""


def test_another_process_is_kept_out_until_it_ends_however_it_ends(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path / "out")], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        with (
            pytest.raises(ValueError, match=r"Another fcn-x is writing to .*out\. Wait until it ends, or .* --to\."),
            alone(tmp_path / "out", "fcn-x", "--to"),
        ):
            pass
        process.kill()
    with alone(tmp_path / "out"):
        (tmp_path / "out" / "result").touch()
    assert os.listdir(tmp_path / "out") == ["result"]


def test_those_who_wait_come_one_after_the_other(tmp_path):
    code = "import sys, time\nfrom pathlib import Path\nfrom fcn_keras_console.locks import alone\n"
    code += "p = Path(sys.argv[1])\nwith alone(p, wait=60):\n n = int((p / 'n').read_text())\n time.sleep(0.05)\n"
    code += " (p / 'n').write_text(str(n + 1))\n"
    (tmp_path / "n").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    assert (tmp_path / "n").read_text() == "6"
    assert os.listdir(tmp_path) == ["n"]


def test_a_folder_that_nothing_came_of_goes_away(tmp_path):
    with contextlib.suppress(KeyError), alone(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_place_in_a_folder(tmp_path):
    target = tmp_path / ("x" * 255)  # a name as long as the system allows
    other = pytest.raises(ValueError, match=f"Another command is writing to {target}")
    with alone_for(target), alone_for(tmp_path / "y"), other, alone_for(target):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ValueError, match=r"--output .*file cannot be written to: .* Choose another"),
        alone(tmp_path / "file"),
    ):
        pass


def test_file_systems_without_locks(tmp_path, monkeypatch):
    """A file stands for the lock there."""
    import filelock._unix

    def missing(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(filelock._unix, "_lock_fd_nonblocking", missing)
    with alone(tmp_path), pytest.raises(TimeoutError):
        locked(tmp_path / ".fcn-output.lock")
    with alone(tmp_path):
        pass
