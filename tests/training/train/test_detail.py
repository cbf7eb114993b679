"""Masks of large things allow smaller images, those of thin things do not; phones' photographs are reduced anyway."""

from collections.abc import Sequence

import numpy as np
import pytest

from training.train import detail
from training.train.detail import Detail, choose_detail, seconds_to_read


class Masks(Sequence):
    """Stripes of two classes, each so many pixels wide."""

    class_names, num_classes = ("a", "b"), 2

    def __init__(self, width, count=3, size=(128, 192)):
        self.width, self.count, self.size = width, count, size

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        label = np.broadcast_to(np.arange(self.size[1]) // self.width % 2, self.size)
        return {"image": np.zeros((*self.size, 3), np.uint8), "label": label.astype(np.uint8)}


def test_stripes_of_64_pixels_outlive_half_the_side_and_those_of_7_do_not():
    opened = []

    def open_folder(width):
        return lambda most_pixels: opened.append(most_pixels) or Masks(width)

    sizes = [(128, 192, 3)]
    assert choose_detail(open_folder(64), sizes) == Detail(
        128 * 192 // 4, "masks keep 100% of mean IU at half the side"
    )
    assert choose_detail(open_folder(7), sizes) == Detail(None)
    assert opened == [None, None]


def test_photographs_of_phones_are_reduced_and_reading_them_is_timed(monkeypatch):
    opened = []

    def open_folder(most_pixels):
        opened.append(most_pixels)
        return Masks(7)

    monkeypatch.setattr(detail, "seconds_to_read", lambda examples: 0.25)
    chosen = choose_detail(open_folder, [(360, 480, 9), (3000, 4000, 1)])
    assert chosen == Detail(250_000, "a network sees little of a larger one at a time", 0.25)
    assert opened == [250_000, 250_000]
    # Of large things, half the sides of what the middling one is reduced to.
    chosen = choose_detail(lambda most_pixels: Masks(64), [(360, 480, 1), (3000, 4000, 2)])
    assert chosen.most_pixels == 62_500


def test_at_most_so_many_masks_are_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(
        detail, "bound", lambda examples, cells, progress: seen.append(len(examples)) or {"": {16: np.eye(2)}}
    )
    choose_detail(lambda most_pixels: Masks(64, count=1000), [(128, 192, 1000)])
    assert seen == [detail.SAMPLE]


def test_seconds_to_read(monkeypatch):
    moments = iter([10.0, 10.6])
    monkeypatch.setattr("time.perf_counter", lambda: next(moments))
    assert seconds_to_read(Masks(7, count=50)) == pytest.approx(0.2)
