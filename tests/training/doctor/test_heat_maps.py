"""Where classes lie, counted by hand."""

import numpy as np

from tests.training.faulty import change, masks, voc_colors
from training.annotations.masks import describe_mask
from training.doctor.checks import PairFacts
from training.doctor.examination import examination
from training.doctor.heat_maps import HeatMaps


def test_the_centres_of_cells_are_counted_whatever_the_size():
    heat = HeatMaps()
    for height, width in ((64, 96), (33, 500), (32, 32)):
        ids = np.zeros((height, width), np.uint8)
        ids[:, width // 2 :] = 1
        ids[height - 1 :] = 255
        facts = heat.add(PairFacts(None, describe_mask(ids)))
        assert facts.mask.sample is None
    expected = np.tile(np.arange(32) >= 16, (32, 1))
    expected[31] = False  # the last row is void
    assert heat.masks == 3
    np.testing.assert_array_equal(heat.shares(2)[1], expected)
    assert heat.counts.sum() == 3 * 1024


def test_ids_beyond_a_byte_and_below_none_are_void():
    heat = HeatMaps()
    heat.add(PairFacts(None, describe_mask(np.array([[-1, 300], [2, 255]], np.int32).repeat(40, 0).repeat(40, 1))))
    assert heat.counts[255].sum() == 768
    assert heat.shares(3)[2].sum() == 256


def test_what_cannot_be_counted_is_left_out(data):
    change(masks(data, "train")[:2], voc_colors)
    masks(data, "val")[0].write_bytes(b"no mask")
    assert examination(data).heat.masks == 7
    assert HeatMaps().shares(3).max() == 0
