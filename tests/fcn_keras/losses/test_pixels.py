"""What all losses do alike, by itself; `test_every_loss.py` has the messages as each loss raises them."""

import numpy as np
import pytest
from keras import ops

from fcn_keras.losses import PixelCrossentropy, SoftDice, pixels


class LabelLoss(pixels.DenseLoss):
    """The label is the loss: what the base class does shows."""

    def call(self, y_true, y_pred):
        return ops.convert_to_tensor(y_true, self.dtype)


def test_the_base_of_all():
    loss = LabelLoss(7, np.array([1, 2], "float32"), "mine", None)
    assert loss.get_config() == {"ignore_label": 7, "class_weights": [1.0, 2.0], "name": "mine", "dtype": "float32"}
    labels = np.array([[[2, 4]], [[0, 8]]])
    assert float(loss(labels, labels)) == (2 + 4 + 0 + 8) / 4
    assert float(loss(labels, labels, np.array([3.0, 1.0]))) == (3 * 2 + 3 * 4 + 0 + 8) / 4
    assert float(LabelLoss(255, None, "sum", "float64", "sum")(labels, labels)) == 14
    with pytest.raises(ValueError, match="`dtype` is one of"):
        LabelLoss(255, None, "half", "float16")


def test_class_weights_become_plain_floats():
    found = pixels.finite_weights(np.array([1, 0, 2.5], "float32"))
    assert found == [1.0, 0.0, 2.5]
    assert all(type(weight) is float for weight in found)
    assert pixels.finite_weights(None) is None


def test_weights_are_those_of_the_true_class():
    labels = ops.convert_to_tensor([[[1, 0, 2]]], "int32")
    loss = ops.convert_to_tensor([[[10.0, 20.0, 30.0]]])
    assert np.asarray(pixels.weighted(loss, labels, [1, 0.5, 2])).tolist() == [[[5, 20, 60]]]
    assert pixels.weighted(loss, labels, None) is loss


def test_a_label_out_of_range_takes_a_weight_that_exists():
    """It becomes NaN later; a look-up beyond the end would stop some devices and read anything on others."""
    loss = pixels.weighted(ops.ones((1, 1, 2)), ops.convert_to_tensor([[[-1, 9]]], "int32"), [3.0, 4.0])
    assert np.asarray(loss).tolist() == [[[3, 4]]]


@pytest.mark.parametrize(("counted", "expected"), [(2, 3.0), (4, 1.5), (0, 6.0)])
def test_the_mean_of_scaled_pixels_is_the_mean_over_the_counted(counted, expected):
    loss = np.array([[[1.0, 2.0, 3.0, 0.0]]], "float32")
    assert float(ops.mean(pixels.scaled(loss, float(counted)))) == expected


def test_split_takes_the_last_axis_off():
    labels, valid, illegal = pixels.split(np.array([[[[1], [255]]]]), np.zeros((1, 1, 2, 2)), 255, None)
    assert np.asarray(labels).tolist() == [[[1, 0]]]
    assert np.asarray(valid).tolist() == [[[True, False]]]
    assert not np.asarray(illegal).any()


def test_a_weight_an_image_gets_two_axes_more():
    assert pixels.by_pixel(np.ones(5), SoftDice()).shape == (5, 1, 1)
    for shape in ((), (2, 3, 4), (2, 3, 4, 1)):
        assert pixels.by_pixel(np.ones(shape), SoftDice()).shape == shape


@pytest.mark.parametrize("loss", [PixelCrossentropy(), SoftDice()])
def test_the_message_names_the_loss_to_weight_classes_with(loss):
    with pytest.raises(ValueError, match=rf"compile with `{type(loss).__name__}\(class_weights=\[\.\.\.\]\)`"):
        pixels.by_pixel(np.ones((2, 3)), loss)


def test_half_floats_are_refused():
    pixels.require_wide("float64")
    with pytest.raises(
        ValueError, match=r"`dtype` is one of \('float32', 'float64'\).*Received: 'float16'\. Leave it out"
    ):
        pixels.require_wide("float16")


def test_reductions():
    assert [pixels.require_reduction(name) for name in pixels.REDUCTIONS] == ["mean", "sum"]
    with pytest.raises(ValueError, match=r"`reduction` is one of \('mean', 'sum'\)\. Received: 'none'"):
        pixels.require_reduction("none")
