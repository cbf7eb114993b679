"""Options of calibration that do not go together."""

import argparse

import pytest

from training.scoring.calibration_options import add_options, calibrations_of, check


def parsed(*given, tta=False):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return argparse.Namespace(**vars(parser.parse_args(given)), tta=tta)


@pytest.mark.parametrize(
    ("given", "tta", "message"),
    [
        (["--by-class"], False, "--by-class belongs to --calibration."),
        (["--temperature", "2"], False, "--temperature belongs to --calibration."),
        (
            ["--calibration", "--temperature", "0"],
            False,
            r"is a number from 0.001 to 1000\. Received: 0\.",
        ),
        (
            ["--calibration", "--temperature", "nan"],
            False,
            r"is a number from 0.001 to 1000\. Received: nan\.",
        ),
        (["--calibration"], True, "--calibration is of the scores of single images, --tta of copies"),
    ],
)
def test_what_is_refused(given, tta, message):
    with pytest.raises(ValueError, match=message):
        check(parsed(*given, tta=tta))


def test_calibrations_are_those_of_the_heads():
    assert calibrations_of(parsed(), {"": 3}, range(2)) is None
    arguments = parsed("--calibration", "--temperature", "1.5", "--by-class")
    check(arguments)
    found = calibrations_of(arguments, {"sem": 3, "geo": 2}, range(2))
    assert {head: x.scores.num_classes for head, x in found.items()} == {"sem": 3, "geo": 2}
    assert found["sem"].scores.temperature == 1.5
    assert found["geo"].scores.by_class
