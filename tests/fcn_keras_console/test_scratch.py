"""What killed processes leave is removed, and what living ones write is not."""

import json
import os
import subprocess
import sys
import time

import pytest

from fcn_keras_console import scratch as module
from fcn_keras_console.scratch import DAY, scratch

WRITES = """
import sys, time
from fcn_keras_console.scratch import scratch
with scratch(sys.argv[1]) as place:
    (place / "net.keras").write_bytes(bytes(3_000_000))
    print("there", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def left(tmp_path):
    """The folder that a killed process left."""
    with subprocess.Popen([sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        [there] = tmp_path.iterdir()
        with scratch(tmp_path):  # it lives
            pass
        assert there.is_dir()
        process.kill()
    return there


def age(folder, seconds):
    then = time.time() - seconds
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def test_what_a_killed_process_left_is_removed_and_told(left, tmp_path, caplog):
    with scratch(tmp_path) as place:
        assert list(tmp_path.iterdir()) == [place.parent]
    assert caplog.messages == [f"{left} removed (3.0 MB): a process left it that was killed"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("said", ['{"boot": "of another", "machine": ["elsewhere", "1"]}', "{", None])
def test_of_another_machine_only_after_a_day(said, left, tmp_path, caplog):
    (left / "host").unlink()
    if said:
        (left / "host").write_text(said)
    age(left, DAY - 60)
    with scratch(tmp_path):
        assert left.is_dir()
    assert not caplog.messages
    age(left, DAY + 60)
    os.utime(left / "new" / "net.keras")  # somebody writes there
    with scratch(tmp_path):
        assert left.is_dir()
    age(left, DAY + 60)
    with scratch(tmp_path):
        assert not left.exists()


def test_after_a_new_start_of_this_machine(left, tmp_path, monkeypatch):
    (left / "host").write_text(json.dumps({"boot": "before", "machine": module._host()["machine"]}))
    with scratch(tmp_path):
        assert not left.exists()


def test_those_of_older_versions_after_a_day(tmp_path, caplog):
    old, user = tmp_path / ".exporting-a1_b2c3d", tmp_path / ".exporting-mine"
    for folder in (old, user):
        (folder / "model").mkdir(parents=True)
        age(folder, DAY + 60)
    os.utime(old / "model")
    with scratch(tmp_path):
        assert old.is_dir()
    age(old, DAY + 60)
    with scratch(tmp_path):
        assert not old.exists()
    assert user.is_dir()


@pytest.mark.parametrize("left", [".a.mp4.tmp", ".a.mp4.tmp.mp4"])
def test_parts_of_files_of_older_versions_after_a_day(left, tmp_path):
    other = tmp_path / ".b.mp4.tmp"
    for path in (tmp_path / left, other):
        path.touch()
        age(path, DAY - 60)
    with scratch(tmp_path, "a.mp4"):
        assert (tmp_path / left).is_file()
    for path in (tmp_path / left, other):
        age(path, DAY + 60)
    with scratch(tmp_path, "a.mp4"):
        assert not (tmp_path / left).exists()
    assert other.is_file()


def test_files_and_links_of_these_names_are_others(left, tmp_path):
    aside = tmp_path / "aside"
    left.rename(aside)
    left.symlink_to(aside)
    (tmp_path / ".fcn-abcdefgh.tmp").touch()
    with scratch(tmp_path):
        pass
    assert (left / "new" / "net.keras").is_file()
    assert (tmp_path / ".fcn-abcdefgh.tmp").is_file()


def test_it_goes_away_after_errors(tmp_path):
    def fail():
        with scratch(tmp_path) as place:
            (place / "half").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError), scratch(tmp_path / "missing"):
        pass
