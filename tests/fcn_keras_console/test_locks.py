"""One command at a time where two would make a mixture."""

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fcn_keras_console import locks
from fcn_keras_console.locks import alone, alone_for, locked
from fcn_keras_console.scratch import scratch

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


def as_another_user(body):
    """Call a function as another user, where this one may become one; return the error that it raised, or None."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            body()
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading) as file:
        return file.read() or None


@pytest.fixture
def shared():
    """A folder that all users may write to, as /tmp is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_lock_that_another_user_left_keeps_nobody_out(shared, mask):
    def leave():
        os.umask(mask)
        locked(shared / locks.OUTPUT)

    def take():
        with alone(shared):
            pass

    assert as_another_user(leave) is None
    assert (shared / locks.OUTPUT).exists()
    take()
    locked(shared / locks.OUTPUT).release()
    assert as_another_user(take) is None
    with alone(shared):
        assert as_another_user(take).startswith(f"ValueError: Another command is writing to {shared}")


def test_a_lock_of_an_older_version_that_cannot_be_written_to_is_taken(shared):
    (shared / locks.OUTPUT).touch()
    (shared / locks.OUTPUT).chmod(0o444)
    assert as_another_user(lambda: locked(shared / locks.OUTPUT).release()) is None


def test_a_lock_that_cannot_be_removed_is_let_go(shared):
    (shared / ".fcn-publish.lock").touch()

    def publish():
        with contextlib.suppress(PermissionError):
            locks.remove_free(shared / ".fcn-publish.lock")
        locked(shared / ".fcn-publish.lock").release()

    assert as_another_user(publish) is None


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


def test_file_systems_without_locks(tmp_path, monkeypatch, caplog):
    """Nobody is kept out, which is said; and what another process may be writing stays."""

    def missing(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", missing)
    with alone(tmp_path / "out"), alone(tmp_path / "out"), scratch(tmp_path) as place, scratch(tmp_path):
        assert place.is_dir()
    assert (
        caplog.messages
        == [f"{tmp_path / 'out'}: this file system has no locks. Let no other command write there meanwhile."] * 2
    )
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_removed_is_none(tmp_path):
    lock = locked(tmp_path / "lock")
    with pytest.raises(TimeoutError, match="lock is locked"):
        locked(tmp_path / "lock")
    (tmp_path / "lock").unlink()
    with alone(tmp_path, name="lock"):
        lock.release()
        with pytest.raises(TimeoutError):
            locked(tmp_path / "lock")


def test_links_are_not_followed(tmp_path):
    (tmp_path / "mine").write_text("text")
    (tmp_path / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(ValueError, match="cannot be written to"), alone(tmp_path, name="lock"):
        pass
    assert (tmp_path / "mine").read_text() == "text"


def test_what_is_no_folder_is_said(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name, reason in (("file", "is not a folder"), ("link", "is a link to what is not there")):
        said = f"--output {tmp_path / name} cannot be written to: {tmp_path / name} {reason}. Choose another folder."
        with pytest.raises(ValueError, match=re.escape(said)), alone(tmp_path / name):
            pass


def test_a_lock_that_fails_is_named(tmp_path, monkeypatch):
    def flock(number, operation):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with pytest.raises(OSError, match=r"Stale file handle: .*lock") as raised:
        locked(tmp_path / "lock")
    assert raised.value.filename == str(tmp_path / "lock")
