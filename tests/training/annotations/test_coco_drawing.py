"""What lies on what in COCO's labels, drawn by hand."""

from pathlib import Path

import numpy as np

from training.annotations.coco_drawing import Entry, draw, paint_regions
from training.annotations.coco_files import Listed
from training.annotations.shape_tally import ShapeTally

SIZE = (4, 6)


def counts(columns):
    """Run lengths of whole columns, as numbers."""
    mask = np.isin(np.arange(6).repeat(4), columns)
    edges = np.flatnonzero(np.diff(mask.astype(int), prepend=0, append=0))
    return np.diff(edges, prepend=0, append=24).tolist()


def entry(*items):
    ids = Listed()
    for number in range(3):
        ids.add(number, number)
    listed = [
        {"category_id": value, "segmentation": {"counts": counts(columns)}, **more} for value, columns, more in items
    ]
    return Entry(Path("a.json"), "a.png", SIZE, list(enumerate(listed)), ids)


def drawn(*entries):
    tally = ShapeTally()
    return draw(list(entries), paint_regions, 9, tally, (SIZE,)), tally


def test_crowds_below_then_the_smaller_then_the_later_on_top():
    label, tally = drawn(entry((0, [0, 1, 2], {}), (1, [0, 1], {}), (2, [1, 0], {}), (1, [3, 2, 4], {"iscrowd": 1})))
    assert label[0].tolist() == [2, 2, 0, 1, 1, 9]
    assert (label == label[0]).all()
    assert tally.drawn == 4


def test_the_order_of_size_holds_across_entries():
    label, tally = drawn(entry((1, [0], {})), entry((2, [0, 1], {})))
    assert label[0].tolist() == [1, 2, 9, 9, 9, 9]
    assert tally.decisions()[1] == "they give 4 pixels of 1 image different classes: 4 of a.png (a.json)"


def test_what_says_that_a_region_is_a_crowd():
    for crowd in (1, True, "1", 1.0):
        assert drawn(entry((1, [0], {"iscrowd": crowd}), (2, [0, 1], {})))[0][0, 0] == 2
    for crowd in (0, False, "0", None):
        assert drawn(entry((1, [0], {"iscrowd": crowd}), (2, [0, 1], {})))[0][0, 0] == 1
