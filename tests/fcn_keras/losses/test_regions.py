"""The mean over the classes present, with a loss of its own: a class's share of the counted pixels."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras.losses.regions import RegionLoss

LABELS = np.array([[[0, 0, 0], [2, 2, 255]], [[2, 255, 255], [2, 0, 2]]], "uint8")  # class 1 is absent, class 3 too
SCORES = np.zeros((2, 2, 3, 4), "float32")


class AreaLoss(RegionLoss):
    """Two of each class's true pixels cost 1, whatever is predicted: what the base class does shows."""

    def __init__(self, class_weights=None, ignore_label=255, name="area", dtype=None):
        super().__init__(ignore_label, class_weights, name, dtype)

    def of_classes(self, probabilities, truth, weights, areas):
        self.seen = [np.asarray(x) for x in (probabilities, truth, weights, areas)]
        return areas / 2


def test_the_mean_is_over_the_classes_present_in_the_batch():
    loss = AreaLoss()
    assert float(loss(LABELS, SCORES)) == (4 / 2 + 5 / 2) / 2
    probabilities, truth, weights, areas = loss.seen
    np.testing.assert_allclose(probabilities, 0.25, rtol=1e-6)  # some processors' softmax is one bit off
    assert weights[..., 0].tolist() == (LABELS != 255).astype(float).tolist()
    assert areas.tolist() == [4, 1, 5, 1]  # 1 where a class is absent
    assert truth.shape == SCORES.shape
    assert truth[1, 0, 0].tolist() == [False, False, True, False]


def test_without_a_class_it_is_zero():
    assert float(AreaLoss()(np.full_like(LABELS, 255), SCORES)) == 0


def test_class_weights_do_not_enter_the_divisor():
    assert float(AreaLoss([3, 100, 0.5, 100])(LABELS, SCORES)) == (3 * 4 / 2 + 0.5 * 5 / 2) / 2


def test_sample_weights_are_areas():
    assert float(AreaLoss()(LABELS, SCORES, [0.5, 2.0])) == ((3 * 0.5 + 2) / 2 + (2 * 0.5 + 3 * 2) / 2) / 2
    assert float(AreaLoss()(LABELS, SCORES, [0.0, 0.5])) == (0.5 / 2 + 3 * 0.5 / 2) / 2
    by_pixel = np.where(LABELS == 2, 0.0, 3.0)  # class 2 counts nowhere, and so is absent
    assert float(AreaLoss()(LABELS, SCORES, by_pixel)) == 3 * 4 / 2
    assert float(AreaLoss()(LABELS, SCORES, by_pixel[..., None])) == 3 * 4 / 2


def test_nan_of_an_absent_class_is_not_seen():
    class Broken(AreaLoss):
        def of_classes(self, probabilities, truth, weights, areas):
            return ops.convert_to_tensor([1.0, float("nan"), 2.0, float("inf")])

    assert float(Broken()(LABELS, SCORES)) == 1.5


def test_scores_that_are_no_numbers_give_a_loss_that_is_none():
    scores = np.full_like(SCORES, np.nan)

    class Sum(AreaLoss):
        def of_classes(self, probabilities, truth, weights, areas):
            return ops.sum(probabilities, axis=(0, 1, 2))

    assert np.isnan(float(Sum()(LABELS, scores)))


def test_it_is_a_keras_loss_that_returns_one_value():
    assert isinstance(AreaLoss(), keras.losses.Loss)
    assert AreaLoss().call(LABELS, SCORES).shape == (1,)
    assert AreaLoss()(LABELS, SCORES).shape == ()


def test_config():
    loss = AreaLoss([1, 2], 7, "mine", "float64")
    expected = {"ignore_label": 7, "class_weights": [1.0, 2.0], "name": "mine", "dtype": "float64"}
    assert loss.get_config() == expected
    assert AreaLoss(**expected).get_config() == expected


def test_subclasses_say_what_a_class_costs():
    with pytest.raises(NotImplementedError):
        RegionLoss(255, None, "region", None)(LABELS, SCORES)
