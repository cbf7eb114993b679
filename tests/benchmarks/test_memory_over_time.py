"""The memory of a SavedModel over time: what is measured of a process, and what is drawn of it."""

import time

import memory_over_time
import pytest
from PIL import Image
from speed import turns

MIB = 2**20


class Grown:
    """A process that takes 64 MiB for a while."""

    def label(self, height, width):
        kept = b"x" * (height * width)
        time.sleep(0.5)
        return {"seconds": 0.5, "status": "", "size": len(kept)}


class Refused:
    def label(self, height, width):
        return {"seconds": 0.1, "status": "This image is too large."}


@pytest.fixture
def worker(monkeypatch):
    """Let workers find the classes of this file."""

    def chosen(name):
        class Chosen(turns.Worker):
            def __init__(self, _, arguments, *, threads):
                super().__init__(f"test_memory_over_time:{name}", {}, threads=threads)

        monkeypatch.setenv("PYTHONPATH", str(memory_over_time.Path(__file__).parent))
        monkeypatch.setattr(memory_over_time, "Worker", Chosen)

    return chosen


def test_memory_is_counted_from_the_idle_process(worker):
    worker("Grown")
    found = memory_over_time.measured("models", 8 * 1024, 8 * 1024, threads=1)
    assert found["times"][0] == found["above"][0] == 0
    assert found["times"] == sorted(found["times"])
    assert found["times"][-1] == pytest.approx(0.5, abs=0.4)
    assert max(found["above"]) * 1024 == pytest.approx(64, abs=8)


def test_a_model_that_refuses_the_photograph_says_why(worker):
    worker("Refused")
    with pytest.raises(SystemExit, match=r"models: This image is too large\."):
        memory_over_time.measured("models", 8, 8, threads=1)


def test_the_picture_and_the_table_name_the_models(monkeypatch, tmp_path, capsys):
    samples = {"seconds": 2.0, "times": [0.0, 1.0], "above": [0.0, 0.5]}
    monkeypatch.setattr(memory_over_time, "measured", lambda *_: samples)
    (tmp_path / "models").mkdir()
    assert memory_over_time.main(["--output", str(tmp_path), f"today={tmp_path / 'models'}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["today", "2.0", "0.50"]
    assert Image.open(tmp_path / "memory_over_time.png").size[0] > 300


@pytest.mark.parametrize("given", ["models", "=models", "today=nowhere"])
def test_what_is_no_named_folder_is_one_line(given, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        memory_over_time.main(["--output", str(tmp_path), given])
    assert ended.value.code == 2
    assert "expected NAME=FOLDER" in capsys.readouterr().err
