"""The classes that are named and counted in the report, by hand."""

import numpy as np

from training.report import section_scores as scores
from training.scoring.summary import summary


def test_what_is_found_best_and_worst():
    result = summary(np.array([[4, 0, 0], [4, 0, 0], [0, 0, 2]]), ["a", "b", "c"])
    assert scores._in_words(result) == "Found best: c, IU 100.00 %. Found worst: b, IU 0.00 %."
    perfect = summary(np.diag([1, 2, 0]), ["a", "b", "c"])
    assert scores._in_words(perfect) == "IU 100.00 %: a, b."
    assert scores._most_confused(["a", "b", "c"], perfect["matrix"]).text == "No pixel is wrong."
    assert list(scores._notes(perfect)) == ["Left out of the means, in neither truth nor prediction: c."]


def test_classes_that_are_only_predicted():
    result = summary(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert list(scores._notes(result)) == [
        "Predicted but in no label, so IU 0 counts in mean IU: b. "
        "Mean IU over the classes that the labels hold: 75.00 %."
    ]
