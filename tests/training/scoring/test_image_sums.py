"""Sums of images give the library's metrics of any choice of them."""

import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.boundary import BoundaryScores
from tests.training.compare.tallies import counted, drawn
from training.scoring.image_sums import metrics, sums_of


@pytest.mark.parametrize("chosen", [[0], [0, 2], [1, 1, 2]])
def test_metrics_of_a_choice_are_the_librarys(chosen):
    images = [drawn(seed, 4, (11, 13)) for seed in range(3)]
    bounds, rows, matrix = BoundaryScores(4), [], 0
    for truth, labels, _ in (images[place] for place in chosen):
        rows.append(sums_of(counted(truth, labels, 4), bounds.measured(truth, labels)))
        bounds.update(truth, labels)
        matrix = matrix + counted(truth, labels, 4)
    found, expected = metrics(sum(rows), bounds.widths), {**fcn.scores(matrix), **bounds.result()}
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu", "per_class_iu", "boundary_f1", "boundary_iou"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    for width, values in expected["trimap"].items():
        np.testing.assert_allclose(found[f"trimap_{width}_mean_iu"], values["mean_iu"], rtol=1e-12)


def test_metrics_of_nothing_are_nan():
    assert all(np.isnan(value).all() for value in metrics(np.zeros((3, 2))).values())
    bounds = BoundaryScores(2)
    rows = sums_of(np.zeros((2, 2)), bounds.measured(np.full((3, 3), 255), np.zeros((3, 3), int)))
    assert all(np.isnan(value).all() for value in metrics(rows, bounds.widths).values())
