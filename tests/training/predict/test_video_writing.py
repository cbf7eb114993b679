"""Videos are read, labelled and written side by side, and nothing is left of one that fails."""

import threading

import numpy as np
import pytest

from tests.training.predict.test_video import contents, frame, video
from training.predict import video_writing
from training.predict.video import opened
from training.predict.video_writing import AHEAD, write_video

SOON = 30  # seconds; far more than a tiny frame takes


def unchanged(image, _):
    return {"": image}


def written(path, target, label, paint=unchanged):
    with opened(path) as source:
        return write_video(source, {"": target}, label, paint, lambda *_: None, comment="ours")


def test_the_next_frames_are_read_while_one_is_labelled(tmp_path, monkeypatch):
    path, taken = video(tmp_path / "a.mp4", frames=3 * AHEAD), threading.Semaphore(0)

    def label(image):
        if not labelled:
            for _ in range(AHEAD):  # the one that is labelled, and others: in turns, there would be one
                assert taken.acquire(timeout=SOON)
        labelled.append(image)

    labelled = []
    with opened(path) as source:
        frames = source.frames()

        def read():
            for item in frames:
                taken.release()
                yield item

        monkeypatch.setattr(source, "frames", read)
        write_video(source, {"": tmp_path / "b.mp4"}, label, unchanged, lambda *_: None, comment="ours")
    assert len(labelled) == len(contents(tmp_path / "b.mp4")[0]) == 3 * AHEAD


@pytest.mark.parametrize("slow", ["painted", "written"])
def test_one_frame_is_labelled_while_another_is_painted_and_written(tmp_path, monkeypatch, slow):
    path, count = video(tmp_path / "a.mp4", frames=6), 0
    add, labelled_two = video_writing._add, threading.Event()

    def wait(*arguments):
        assert labelled_two.wait(SOON)  # in turns, the second would wait for the first
        return add(*arguments) if slow == "written" else unchanged(*arguments)

    def label(image):
        nonlocal count
        count += 1
        if count == 2:
            labelled_two.set()

    if slow == "written":
        monkeypatch.setattr(video_writing, "_add", wait)
    written(path, tmp_path / "b.mp4", label, wait if slow == "painted" else unchanged)
    shown, times, _ = contents(tmp_path / "b.mp4")
    assert times == pytest.approx(contents(path)[1])
    for number, image in enumerate(shown):  # in order
        assert np.abs(image.astype(int) - frame(number, 48, 64)).mean() < 6


@pytest.mark.parametrize("fails", [0, 3, 11])
@pytest.mark.parametrize("step", ["label", "paint"])
def test_nothing_is_left_where_labelling_or_painting_fails(tmp_path, step, fails):
    path, done = video(tmp_path / "a.mp4", frames=12, sound=1), []

    def failing(image, _=None):
        if len(done) == fails:
            raise ValueError("no labels for this one")
        done.append(image)
        return {"": image}

    (tmp_path / "out").mkdir()
    steps = (failing, unchanged) if step == "label" else (lambda image: None, failing)
    with pytest.raises(ValueError, match="no labels"):
        written(path, tmp_path / "out" / "b.mp4", *steps)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("fails", [0, 3, 11])
def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch, fails):
    path, add, done = video(tmp_path / "a.mp4", frames=12), video_writing._add, []

    def full(*arguments):
        if len(done) == fails:
            raise OSError(28, "No space left on device")
        done.append(add(*arguments))

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(video_writing, "_add", full)
    with pytest.raises(OSError, match="No space left"):
        written(path, tmp_path / "out" / "b.mp4", lambda image: None)
    assert list((tmp_path / "out").iterdir()) == []
