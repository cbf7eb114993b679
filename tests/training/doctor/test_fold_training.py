"""The training of a fold is another process: what it reads, what it says when it fails, and how it is ended."""

import signal
import sys
import threading
import time

import pytest

from training.doctor import fold_training
from training.doctor.fold_training import Fold, link, train

_SAVES = """
import pathlib, signal, sys, time

def save(number, _):
    pathlib.Path(sys.argv[1]).write_text("saved")
    sys.exit(143)

signal.signal(signal.SIGTERM, save)
print("begun", flush=True)
time.sleep(60)
"""


def _pair(folder, name):
    files = folder / f"{name}.jpg", folder / f"{name}.png"
    for file in files:
        file.write_text(name)
    return files


def test_links_that_are_right_stay_and_others_go(tmp_path):
    a, b = _pair(tmp_path, "a"), _pair(tmp_path, "b")
    data = tmp_path / "data"
    link(data, {"train": {"all/x/a": a}, "val": {"all/b": b}})
    kept = data / "train/images/all/x/a.jpg"
    before = kept.lstat().st_ino
    assert kept.read_text() == "a"
    assert (data / "val/labels/all/b.png").readlink() == b[1]
    link(data, {"train": {"all/x/a": a, "all/b": b}, "val": {"all/a": a}})
    assert kept.lstat().st_ino == before
    links = sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_symlink())
    assert links == [
        "train/images/all/b.jpg",
        "train/images/all/x/a.jpg",
        "train/labels/all/b.png",
        "train/labels/all/x/a.png",
        "val/images/all/a.jpg",
        "val/labels/all/a.png",
    ]
    (data / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match=r"mine.txt is no link.*Name another --workdir"):
        link(data, {"train": {}, "val": {}})
    assert kept.exists()


def test_what_the_training_refuses_is_told_with_its_log(tmp_path):
    fold = Fold.of(tmp_path / "nets", 1, 3)
    assert (fold.name, fold.folder.name) == ("fold 2 of 3", "fold_2_of_3")
    pair = _pair(tmp_path, "a")
    options = ["--minutes=1", "--weights=none.npz"]
    with pytest.raises(ValueError, match=r"fold 2 of 3: its training ended with exit code 2: --weights none.npz is m"):
        train(fold, {"a": pair}, {"b": pair}, options)
    assert "none.npz is missing" in fold.log.read_text()


def test_ctrl_c_ends_the_training_which_saves(tmp_path, monkeypatch):
    (tmp_path / "slow_training.py").write_text(_SAVES)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(fold_training, "TRAIN", "slow_training")
    log, saved = tmp_path / "log", tmp_path / "saved"

    def interrupt():
        for _ in range(3000):  # it begins within a minute, or, where no program may be started, never
            if log.exists() and log.read_text():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                return
            time.sleep(0.02)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        fold_training._code_of([str(saved)], log)
    assert saved.read_text() == "saved"
