"""Scores divided by a temperature, in the weights."""

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.temperature import apply_temperature
from tests.fcn_keras.inference.small_nets import HEADS, NARROWEST, picture, randomize


@pytest.mark.parametrize(
    "build",
    [
        lambda: fcn.FCN32s(3, channels=NARROWEST),
        lambda: fcn.FCN8s(3, channels=NARROWEST, padding="caffe"),
        lambda: fcn.FCN8s(3, channels=NARROWEST, at_once=True),
        lambda: fcn.FCN16s(HEADS, channels=NARROWEST),
        lambda: fcn.LateFusion(3, channels=NARROWEST),
    ],
    ids=["32s", "8s", "at once", "heads", "late fusion"],
)
def test_scores_are_divided_and_labels_stay(build):
    model = randomize(build())
    image = picture(40, 50)
    image = {"rgb": image, "hha": picture(40, 50, seed=1)} if isinstance(model.input, dict) else image
    before, labels = (fcn.predict(model, image, output=output) for output in ("scores", "labels"))
    apply_temperature(model, 2.5)
    after = fcn.predict(model, image, output="scores")
    keras.tree.map_structure(lambda x, y: np.testing.assert_allclose(x, y / 2.5, rtol=1e-4, atol=1e-5), after, before)
    keras.tree.map_structure(np.testing.assert_array_equal, fcn.predict(model, image), labels)


def test_scores_of_other_layers_are_refused():
    image = keras.Input((None, None, 3))
    relu = keras.Model(image, keras.layers.Conv2D(2, 1, activation="relu", name="last")(image), name="net")
    with pytest.raises(ValueError, match="Received: net, whose scores come out of last, a Conv2D"):
        apply_temperature(relu, 2)
    softmax = keras.Model(image, keras.layers.Softmax(name="share")(image), name="net")
    with pytest.raises(ValueError, match="come out of share, a Softmax"):
        apply_temperature(softmax, 2)
    with pytest.raises(ValueError, match=r"`temperature` is a number from 0.001 to 1000. Received: 0"):
        apply_temperature(relu, 0)
