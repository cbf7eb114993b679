"""The options of test-time augmentation."""

import argparse

import pytest

from training.scoring.tta_options import add_options, scales_of


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
