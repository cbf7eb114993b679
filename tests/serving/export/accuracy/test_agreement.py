"""How far a file's answers are from a model's, and when that is too far."""

import keras
import numpy as np
import pytest

from fcn_keras import inference
from fcn_keras.models import FCN32s
from serving.export.accuracy import agreement
from serving.export.accuracy.agreement import Figures
from tests.serving.calibrating import scenes
from tests.serving.nets import TINY, labels_of, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN32s(5, channels=TINY))


def test_figures_of_answers_made_by_hand(net):
    images = scenes(2)
    scores = [inference.predict(net, image, output="scores") for image in images]
    others = [array.copy() for array in scores]
    top = np.abs(scores[1]).max()
    others[1][0, :8] = np.eye(5)[(scores[1][0, :8].argmax(axis=-1) + 1) % 5] * 2 * top  # 8 of 3072 pixels

    def answer(image):
        return {"": others[next(i for i, known in enumerate(images) if known is image)]}

    figures = agreement.measure(net, answer, images)
    assert figures.agreement == pytest.approx(1 - 8 / 3072)
    assert figures.largest_error == pytest.approx(np.abs(others[1] - scores[1]).max() / top)
    others[0][3, 3, 2] = np.nan
    assert np.isnan(agreement.measure(net, answer, images).largest_error)


@pytest.mark.parametrize(
    ("figures", "precision", "wrong"),
    [
        (Figures(1.0, 2e-4, "drawn"), "fp32", "scores that are off by 2.0e-04 of the largest; 0.0001 is allowed"),
        (Figures(1.0, np.nan, "drawn"), "fp32", "scores that are NaN or infinite"),
        (Figures(1.0, np.nan, "drawn"), "fp16", "scores that are NaN or infinite"),
        (Figures(1.0, np.inf, "drawn"), "int8", "scores that are NaN or infinite"),
        (Figures(0.994, 2e-4, "drawn"), "fp16", "99.40 % agree"),
        (Figures(0.979, None, "drawn"), "int8", "97.90 % agree .* Nothing was written. Calibrate on images that"),
        (Figures(0.98, 0.1, "drawn"), "int8", None),
        (Figures(0.995, 0.01, "drawn"), "fp16", None),
    ],
)
def test_bounds(figures, precision, wrong):
    if wrong is None:
        return agreement.require(figures, "net.onnx", precision)
    with pytest.raises(ValueError, match=wrong):
        agreement.require(figures, "net.onnx", precision)


def test_images_are_drawn_for_every_input_and_the_worse_head_counts():
    inputs = {name: keras.Input((None, None, 3), name=name) for name in ("rgb", "hha")}
    heads = {"sem": keras.layers.Conv2D(3, 1)(inputs["rgb"]), "geo": keras.layers.Conv2D(2, 1)(inputs["hha"])}
    net, shapes = keras.Model(inputs, heads), []

    def answer(images):
        shapes.append({name: image.shape for name, image in images.items()})
        labels = labels_of(net, images)
        return {"sem": labels["sem"], "geo": 1 - labels["geo"]}

    assert agreement.measure(net, answer) == (0.0, None, "drawn")
    assert shapes == [{"rgb": (97, 131, 3), "hha": (97, 131, 3)}, {"rgb": (64, 96, 3), "hha": (64, 96, 3)}]
