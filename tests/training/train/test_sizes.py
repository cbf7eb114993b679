"""Sizes as the doctor counted them, and what becomes of them when the large ones are reduced."""

from types import SimpleNamespace

import pytest

from training.train.sizes import Sizes

REPORT = SimpleNamespace(
    sizes=((3000, 4000, 3), (4000, 3000, 1), (300, 400, 1)), buckets=((3008, 4000), (4000, 3008)), padding=0.25
)


def test_sizes_as_they_are():
    sizes = Sizes.of(REPORT)
    assert (sizes.buckets, sizes.padding) == (REPORT.buckets, 0.25)
    images = sizes.images(4, 1)
    assert (images.trained, images.validated, images.largest) == (4, 1, 12_000_000)
    assert images.area == pytest.approx((4 * 12e6 + 120_000) / 5 / 0.75)
    assert sizes.middling == (3000, 4000)


def test_large_ones_reduced():
    sizes = Sizes.of(REPORT, 120_000)
    assert sizes.counts == {(300, 400): 4, (400, 300): 1}
    assert sizes.buckets == ((320, 416), (416, 320))
    assert sizes.padding == pytest.approx(1 - 120_000 / (320 * 416))
    assert sizes.images(4, 1).largest == 120_000


def test_one_size_needs_no_padding():
    one = SimpleNamespace(sizes=((90, 100, 7),), buckets=((96, 128),), padding=0.3)
    assert Sizes.of(one).images(6, 1).area == 9000
