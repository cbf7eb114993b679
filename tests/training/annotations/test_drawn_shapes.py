"""Shapes one over the other: levels, patches that reach out of the image, images of several entries."""

from pathlib import Path

import numpy as np
import pytest

from training.annotations.drawn_shapes import (
    Patch,
    Shape,
    ShapedImage,
    annotated,
    empty_images,
    labels_of,
    whole_although,
)
from training.annotations.runs import Runs
from training.annotations.shape_tally import ShapeFault, ShapeTally

SIZE = (6, 8)


def shape(label, top, left, height, width, level=0, place="a.json: 1"):
    return Shape(label, place, lambda size: Patch(top, left, np.ones((height, width), bool)), level)


def drawn(*entries, rest=0):
    tally = ShapeTally()
    by_split = annotated(entries, {"a": 1, "b": 2, "void": 255}, rest, tally)
    return {split: [each.read().label((SIZE,)) for each in of_split] for split, of_split in by_split.items()}, tally


def entry(*shapes, image="x.png", split="all", size=None, place="a.json"):
    return ShapedImage(Path(image), image.removesuffix(".png"), place, size, list(shapes), split)


def test_levels_then_the_order_of_the_file():
    first = shape("a", 0, 0, 4, 4, level=1)
    labels, tally = drawn(entry(first, shape("b", 0, 0, 6, 8), shape("void", 3, 3, 2, 2, level=1)), rest=7)
    expected = np.full(SIZE, 2)
    expected[:4, :4] = 1
    expected[3:5, 3:5] = 255
    np.testing.assert_array_equal(labels["all"][0], expected)
    assert labels["all"][0].dtype == np.uint8
    assert tally.drawn == 3


@pytest.mark.parametrize(("top", "left"), [(-2, -1), (4, 6), (-2, 6), (0, 0)])
def test_patches_that_reach_out(top, left):
    mask = np.zeros((3, 4), bool)
    mask[2, 1:] = True
    mask[0] = True
    found = np.zeros(SIZE, np.uint8)
    assert Patch(top, left, mask).paint(found, 5)
    expected = np.pad(np.zeros(SIZE, np.uint8), 9)
    expected[9 + top : 12 + top, 9 + left : 13 + left][mask] = 5
    np.testing.assert_array_equal(found, expected[9:-9, 9:-9])


@pytest.mark.parametrize(("top", "left"), [(-3, 0), (0, -4), (6, 0), (0, 8), (99, 99)])
def test_patches_outside(top, left):
    found = np.zeros(SIZE, np.uint8)
    assert not Patch(top, left, np.ones((3, 4), bool)).paint(found, 5)
    assert not found.any()
    _, tally = drawn(entry(shape("a", top, left, 3, 4)))
    assert tally.left_out() == {"shape that covers no pixel": ["a.json: 1"]}


def test_runs_go_down_the_columns():
    runs = Shape("a", "", lambda size: Runs.of_counts(np.array([4, 3, 41])))
    labels, _ = drawn(entry(runs))
    assert np.argwhere(labels["all"][0] == 1).tolist() == [[0, 1], [4, 0], [5, 0]]


def test_a_faulty_shape_is_left_out():
    def fail(size):
        raise ShapeFault("odd number of coordinates", "5 numbers")

    labels, tally = drawn(entry(Shape("a", "a.json: 2", fail), shape("b", 0, 0, 1, 1)))
    assert labels["all"][0].sum() == 2
    assert tally.left_out() == {"odd number of coordinates": ["a.json: 2: 5 numbers"]}


def test_entries_of_one_image_are_joined():
    labels, tally = drawn(
        entry(shape("a", 0, 0, 2, 2), place="a.json"), entry(shape("b", 1, 1, 2, 2), place="b.json"), rest=9
    )
    expected = np.full(SIZE, 9)
    expected[:2, :2] = 1
    expected[1:3, 1:3] = 2
    (label,) = labels["all"]
    np.testing.assert_array_equal(label, expected)
    assert "they give 1 pixel of 1 image different classes" in " ".join(tally.decisions())


def test_splits_and_keys():
    one = entry(shape("a", 0, 0, 1, 1), image="1/x.png", split="train")
    other = entry(image="2/X.png", split="val")
    by_split = annotated([one, other], {"a": 1}, 0, ShapeTally())
    assert {split: [each.key for each in members] for split, members in by_split.items()} == {
        "train": ["1/x"],
        "val": ["2/X"],
    }
    assert list(annotated([one], {"a": 1}, 0, ShapeTally())) == ["all"]
    assert empty_images([one, other]) == ["images without a shape, all of what no shape covers: 1"]
    assert empty_images([one]) == []
    assert labels_of([one, other]) == {"a": "a.json: 1"}


def test_an_image_of_another_size():
    by_split = annotated([entry(size=(5, 5))], {}, 0, ShapeTally())
    with pytest.raises(ValueError, match=r"a\.json was drawn on an image of 5x5 pixels"):
        by_split["all"][0].read().label((SIZE,))
    by_split = annotated([entry(size=SIZE), entry(size=SIZE[::-1], place="b.json")], {}, 0, ShapeTally())
    with pytest.raises(ValueError, match=r"a\.json and b\.json give the image two sizes"):
        by_split["all"][0].read().label((SIZE, SIZE[::-1]))


@pytest.mark.parametrize(("boxes", "value"), [("rectangle", 1), ("void", 255), ("leave", 0)])
def test_boxes(boxes, value):
    box = Shape("a", "a.json: 1", lambda size: Patch(0, 0, np.ones((3, 3), bool)), level=5, box=True)
    tally = ShapeTally()
    by_split = annotated([entry(shape("b", 2, 2, 2, 2), box)], {"a": 1, "b": 2}, 0, tally, boxes)
    found = by_split["all"][0].read().label((SIZE,))
    assert found[0, 0] == value
    assert found[2, 2] == (1 if boxes == "rectangle" else 2)
    left = {"box (--boxes rectangle or void draws it)": ["a.json: 1"]} if boxes == "leave" else {}
    assert tally.left_out() == left


def test_why_splits_are_not_kept():
    assert whole_although({"a": "all", "b": None}) == []
    assert whole_although({"a": "train", "b": "val"}) == []
    told = "in no split: 2 of 4 (a, d), so that no split is kept (train, val)"
    assert whole_although({"a": None, "b": "val", "c": "train", "d": "all"}) == [told]
