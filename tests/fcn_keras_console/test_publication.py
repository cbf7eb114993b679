"""Files of one result appear together, whenever the process that moves them is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_keras_console import publication
from fcn_keras_console.disk_errors import NotWrittenError
from fcn_keras_console.files import written_together
from fcn_keras_console.scratch import scratch

NAMES = ("a.bin", "b.bin", "net.xml")
# Writes to the folders 1, 2, ... and is killed in folder N before its Nth step; prints where it came to an end.
WRITES = """
import os, sys
from pathlib import Path
from fcn_keras_console.files import written_together

def write(folder, step):
    left = step
    def die(event, _):
        nonlocal left
        if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "fcntl.flock"):
            left -= 1
            if not left:
                os.kill(os.getpid(), 9)
    sys.addaudithook(die)
    with written_together(folder, "net.xml") as place:
        for name in ("a.bin", "b.bin", "net.xml"):
            (place / name).write_text("new")
    os._exit(0)

step = status = 1
while status:
    child = os.fork()
    if not child:
        write(Path(sys.argv[1], str(step)), step)
    status = os.waitpid(child, 0)[1]
    step += 1
print(step - 1)
"""


def state(folder):
    return tuple((folder / name).read_text() if (folder / name).exists() else None for name in NAMES)


def fill(folder, text):
    with written_together(folder, "net.xml") as place:
        for name in NAMES:
            (place / name).write_text(text)


@pytest.mark.parametrize("started", ["old", None])
def test_killed_at_every_step(started, tmp_path):
    """Who opens the last one finds one result; the next run has an old or a new whole one, and nothing else."""
    for step in range(1, 100):
        (tmp_path / str(step)).mkdir()
        for name in NAMES if started else ():
            (tmp_path / str(step) / name).write_text(started)
    done = subprocess.run([sys.executable, "-c", WRITES, str(tmp_path)], check=True, capture_output=True, text=True)
    steps, seen = int(done.stdout), set()
    assert 15 < steps < 100
    for step in range(1, steps + 1):
        folder = tmp_path / str(step)
        found = state(folder)
        assert found[-1] is None or len(set(found)) == 1
        with scratch(folder):
            pass
        whole = state(folder)
        seen.add((found, whole))
        assert sorted(os.listdir(folder)) == sorted(NAMES if whole[0] else ())
    assert {whole for _, whole in seen} == {("new",) * 3, (started,) * 3}
    assert any(found[-1] is None and whole[0] == "new" for found, whole in seen)


def fill_amid(error, folder, monkeypatch):
    """Publish new files, and let the rename of the second one fail."""
    real = os.replace

    def replace(source, target):
        if Path(target).name == "b.bin" and Path(source).parent.name == "new":
            raise error
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(publication.os, "replace", replace)
        with pytest.raises((type(error), NotWrittenError)):
            fill(folder, "new")


@pytest.mark.parametrize("started", ["old", None])
def test_where_one_cannot_be_moved_the_older_ones_are_back(started, tmp_path, monkeypatch):
    if started:
        fill(tmp_path, started)
    fill_amid(PermissionError(1, "Operation not permitted"), tmp_path, monkeypatch)
    assert state(tmp_path) == (started,) * 3
    assert sorted(os.listdir(tmp_path)) == sorted(NAMES if started else ())


def test_interrupted_amid_the_renames_the_next_one_ends_them(tmp_path, monkeypatch, caplog):
    fill(tmp_path, "old")
    fill_amid(KeyboardInterrupt(), tmp_path, monkeypatch)
    assert state(tmp_path)[-1] is None
    with scratch(tmp_path):
        pass
    assert state(tmp_path) == ("new",) * 3
    assert caplog.messages == [f"{tmp_path / 'net.xml'}: put in place, as a process was about to that was killed"]


def test_what_was_put_there_since_is_not_replaced(tmp_path, monkeypatch):
    fill(tmp_path, "old")
    fill_amid(KeyboardInterrupt(), tmp_path, monkeypatch)
    (tmp_path / "net.xml").write_text("restored by hand")
    with scratch(tmp_path):
        pass
    assert state(tmp_path)[-1] == "restored by hand"
    assert not list(tmp_path.glob(".*"))


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "net.xml").mkdir()
    with pytest.raises(IsADirectoryError, match=r"net.xml is a folder\. Choose another name"):
        fill(tmp_path, "new")
    assert os.listdir(tmp_path) == ["net.xml"]
