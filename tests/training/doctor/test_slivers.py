"""Frayed masks are named where they are many; wires and void are left in peace."""

import numpy as np
import pytest

from tests.training.faulty import change, codes, found, masks
from training.annotations.masks import describe_mask
from training.doctor import slivers
from training.doctor.examination import examine
from training.doctor.slivers import thin_classes


def with_islands(ids, number, value=1):
    """Put pixels of a class, two apart, into the upper rows, on a ground of another class."""
    ids = ids.copy()
    ids[:12] = value + 1
    rows, columns = np.divmod(np.arange(number), 40)
    ids[2 * rows + 1, 2 * columns + 1] = value
    return ids


def test_islands_in_many_masks_are_counted_and_the_worst_named_first(data):
    clean = examine(data)
    for number, path in zip((30, 50, 40), masks(data, "train")[:3], strict=True):
        change([path], lambda ids, number=number: with_islands(ids, number))
    finding = found(examine(data), "mask-frayed")
    assert clean.findings == ()
    assert (finding.severity, finding.count) == ("note", 3)
    assert finding.files == ("train/labels/1.png", "train/labels/2.png", "train/labels/0.png")
    assert finding.message.startswith("3 of 10 masks (train 3) hold many parts that are nowhere two pixels wide: 1")


@pytest.mark.parametrize(("files", "islands"), [(2, 50), (10, 10)])
def test_a_few_masks_or_a_few_islands_are_no_finding(data, files, islands):
    change(masks(data)[:files], lambda ids: with_islands(ids, islands))
    assert codes(examine(data), "note") == set()


def test_void_is_thin_on_purpose(data):
    def voided(ids):
        ids = ids.copy()
        ids[1:12:2, 1::2] = 255
        return ids

    change(masks(data), voided)
    assert codes(examine(data), "note") == set()


def test_a_wire_is_thin_by_nature_and_noise_is_not():
    wires = np.zeros((30, 60), np.uint8)
    wires[3::6] = 1  # 5 wires: all of class 1 lies in slivers
    noise = np.zeros((30, 60), np.uint8)
    noise[10:20, 10:20] = 2
    noise[1::4, 1::4] = 2
    described = [describe_mask(wires), describe_mask(noise)]
    assert described[0].thin == ((1, 0, 5, 300),)
    assert thin_classes(described) == {1}


def test_wires_do_not_fray_a_mask(data, monkeypatch):
    def wired(ids):
        ids = np.zeros_like(ids)
        for start in (2, 30, 58):
            ids[1:59:2, start : start + 24] = 5
        return ids

    change(masks(data), wired)
    assert "mask-frayed" not in codes(examine(data), "note")
    monkeypatch.setattr(slivers, "_THIN", 10)  # nothing is thin by nature
    assert found(examine(data), "mask-frayed").count == 10
