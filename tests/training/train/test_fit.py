"""Which examples `fit` validates with. Whole fits are in test_command.py, test_devices.py and test_survival.py."""

from types import SimpleNamespace

import pytest

from tests.training import small_run
from training.train import devices
from training.train.fit import Part, _share, spaced


class Numbers:
    class_names = ("road",)

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return SimpleNamespace(number=index)


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(5, None, [0, 1, 2, 3, 4]), (10, 3, [0, 4, 8]), (10, 5, [0, 2, 4, 6, 8]), (3, 20, [0, 1, 2]), (7, 1, [0])],
)
def test_validation_images_are_spaced_evenly(total, count, expected):
    part = spaced(Numbers(total), count)
    assert [example.number for example in (part[i] for i in range(len(part)))] == expected
    assert part.class_names == ("road",)


def test_a_part_is_read_when_it_is_asked():
    read = []

    class Slow(Numbers):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    part = Part(Slow(10), [7, 3])
    assert read == []
    assert part[1].number == 3
    assert read == [3]


def test_fewer_validation_images_than_processes():
    alone = devices.OneDevice()
    alone.shares = 3
    with pytest.raises(ValueError, match="Received: 2 for 3"):
        _share(Part(small_run.scenes(None, "val"), range(2)), None, alone)
