"""How often classes occur, and the weights that balance them."""

import numpy as np

from tests.training.faulty import (
    change,
    codes,
    found,
    masks,
    pixels,
)
from training.doctor.class_balance import balancing_weights
from training.doctor.examination import examine


def test_classes_that_never_occur(data):
    change(masks(data, "train"), lambda ids: np.where(ids == 4, 255, ids).astype(np.uint8))
    report = examine(data)
    assert codes(report) == set()
    assert found(report, "class-absent").message.endswith("never occur in train (in val some of them do): ball.")
    assert report.class_weights[4] == 0


def test_void_masks(data):
    change(masks(data)[:1], lambda ids: np.full_like(ids, 255))
    assert found(examine(data), "mask-all-void").files == ("train/labels/0.png",)
    change(masks(data, "val"), lambda ids: np.full_like(ids, 255))
    assert codes(examine(data)) == {"nothing-labelled"}


def test_frequencies_and_weights_by_hand():
    # Two images of 10 pixels. Class 0: 8 of 20; class 1: 2 of 10; class 2: 6 of 20; class 3: never.
    pixels_of = np.array([[5, 2, 3, 0], [3, 0, 3, 0]])
    weights = balancing_weights(pixels_of, np.array([10, 10]))
    np.testing.assert_allclose(weights, [0.3 / 0.4, 0.3 / 0.2, 1.0, 0.0])


def test_frequencies_are_those_of_the_pixels(data):
    report = examine(data)
    ids = np.concatenate([pixels(path).ravel() for path in masks(data, "train")])
    expected = [(ids == c).sum() / (ids != 255).sum() for c in range(8)]
    np.testing.assert_allclose(report.class_frequencies["train"], expected)
