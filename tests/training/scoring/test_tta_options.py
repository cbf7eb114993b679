"""The options of test-time augmentation."""

import argparse

import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.models import FCN32s
from tests.training.tiny import NARROW, picture, randomize
from training.scoring.tta_options import add_options, copies_predictor, scales_of


def scales(*words):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return scales_of(parser.parse_args(words))


def test_scales():
    assert scales() is None
    assert scales("--tta") == (0.75, 1, 1.25)
    assert scales("--tta", "--tta-scales", "0.5,1, 4") == (0.5, 1, 4)


@pytest.mark.parametrize("text", ["0", "-1,1", "4.01", "a", "1,", "nan", "inf", ""])
def test_scales_that_make_no_sense(text):
    with pytest.raises(ValueError, match="--tta-scales are numbers above 0 and up to 4, divided by commas"):
        scales("--tta", f"--tta-scales={text}")


def test_scales_without_copies():
    with pytest.raises(ValueError, match="--tta-scales belongs to --tta"):
        scales("--tta-scales", "1")


def test_copies_predict_as_predict_does():
    net, image = randomize(FCN32s(3, channels=NARROW)), picture(40, 33)
    predict = copies_predictor((0.5, 1.0))
    np.testing.assert_array_equal(
        predict(net, image, output="labels"), fcn.predict_augmented(net, image, scales=(0.5, 1))
    )
    np.testing.assert_allclose(predict(net, image, output="scores").sum(axis=-1), 1, rtol=1e-5)
