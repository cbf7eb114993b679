"""What is told of shapes: counted, in order, and an error where nothing is left."""

import numpy as np
import pytest

from training.annotations.shape_tally import NOTHING, ShapeFault, ShapeTally, contradicting


def test_shapes_left_out_are_counted_and_named_in_order():
    tally = ShapeTally()
    tally.add(3)
    for number in (10, 9):
        tally.leave_out(ShapeFault("odd", f"{number} numbers"), f"a.json: shape {number}")
    tally.leave_out("flat", "b.json")
    assert tally.left_out() == {
        "flat": ["b.json"],
        "odd": ["a.json: shape 9: 9 numbers", "a.json: shape 10: 10 numbers"],
    }
    assert tally.decisions() == ["shapes left out: 3 of 6"]
    tally.require_some()


def test_nothing_told_where_nothing_happened():
    tally = ShapeTally()
    tally.require_some()
    assert (tally.left_out(), tally.decisions()) == ({}, [])


def test_nothing_drawn_is_an_error():
    tally = ShapeTally()
    tally.leave_out("flat", "b.json")
    with pytest.raises(ValueError, match=r"Every shape is left out, .* labelled: flat: 1 \(b.json\)\. Correct them"):
        tally.require_some()


def test_contradictions():
    one = np.array([[NOTHING, 1, 2, 255]])
    two = np.array([[3, 1, 1, 4]])
    three = np.array([[4, NOTHING, 1, 5]])
    assert contradicting([one, two]) == 1
    assert contradicting([one, three]) == 1
    assert contradicting([one, two, three]) == 3
    tally = ShapeTally()
    tally.join("a.jpg", ["x.json", "y.json"], [one, two])
    tally.join("b.jpg", ["x.json", "y.json"], [one, one])
    assert tally.decisions() == [
        "2 images labelled by several files or entries, joined",
        "they give 1 pixel of 1 image different classes: 1 of a.jpg (x.json, y.json)",
    ]
