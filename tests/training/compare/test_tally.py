"""What is kept of every image: sums that give the library's metrics, and who is right where."""

import numpy as np
import pytest

import fcn_keras as fcn
from tests.training.compare.tallies import VOID, counted, drawn, tallied
from training.compare.tally import OUTCOMES, outcomes
from training.scoring.image_sums import metrics


@pytest.mark.parametrize("classes", [1, 3, 6])
def test_metrics_are_those_of_the_library(classes):
    images = [drawn(seed, classes, size) for seed, size in enumerate([(1, 1), (9, 14), (17, 6)])]
    tally = tallied(images, classes, boundaries=True)
    for which, rows in enumerate(tally.rows()):
        found = metrics(rows.sum(axis=0), tally.widths)
        matrix = sum(counted(truth, labels[which], classes) for truth, *labels in images)
        expected, bounds = fcn.scores(matrix), fcn.BoundaryScores(classes)
        for truth, *labels in images:
            bounds.update(truth, labels[which])
        for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu", "per_class_iu"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
        expected = bounds.result()
        for width, values in expected["trimap"].items():
            np.testing.assert_allclose(found[f"trimap_{width}_mean_iu"], values["mean_iu"], rtol=1e-12)
        np.testing.assert_allclose(found["boundary_f1"], expected["boundary_f1"], rtol=1e-12)


def test_metrics_of_nothing_are_nan():
    assert all(np.isnan(value).all() for value in metrics(np.zeros((3, 2))).values())


def test_who_is_right_where():
    truth = np.array([[0, 0, 0, 0, 0, VOID]])
    a = np.array([[0, 0, 1, 1, 1, 0]])
    b = np.array([[0, 1, 0, 1, 2, 1]])
    found = outcomes(truth, a, b)
    names = ["both_right", "a_right", "b_right", "both_wrong_alike", "both_wrong_otherwise"]
    assert [OUTCOMES[place] for place in found[0, :5]] == names
    assert found[0, 5] == VOID
    tally = tallied([(truth, a, b)], 3)
    assert tally.outcomes().tolist() == [[1, 1, 1, 1, 1]]
