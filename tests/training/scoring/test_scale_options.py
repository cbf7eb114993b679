"""The option `--scale`."""

import argparse

import pytest

from fcn_keras.photographs import Photographs
from training.scoring.scale_options import add_option, arrow, far_larger, scale_of, usual_scale

KNOWN = Photographs((360, 480), (360, 480), (360, 480))


def scale(default, *words):
    parser = argparse.ArgumentParser()
    add_option(parser, default)
    return scale_of(parser.parse_args(words))


def test_scales():
    assert scale("trained") is None
    assert scale(None, "--scale", "none") == 1
    assert scale(None, "--scale", "trained") is None
    assert scale("trained", "--scale", "0.5") == 0.5
    assert scale("trained", "--scale", "640") == 640
    with pytest.raises(ValueError, match="--scale is trained, none, a factor"):
        scale("trained", "--scale", "half")


def test_what_training_reduced_is_scored_reduced():
    assert usual_scale(None) == usual_scale(KNOWN) == 1
    assert usual_scale(Photographs((1, 1), (1, 1), (1, 1), reduced_to=1)) is None


def test_words():
    assert arrow((3000, 4000), (360, 480)) == "scaled 4000x3000 -> 480x360"
    sizes = [(360, 480), (1440, 1920), (3000, 4000)]
    assert far_larger(KNOWN, sizes, 1) == (
        "; 2 images far larger than the 480x360 that the model was trained on: see --scale"
    )
    assert far_larger(KNOWN, sizes[:1], 1) == far_larger(KNOWN, sizes, None) == far_larger(None, sizes, 1) == ""
