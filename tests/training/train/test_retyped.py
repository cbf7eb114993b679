"""The command that was given, with other options."""

import pytest

from training.train.retyped import retyped


@pytest.mark.parametrize(
    ("given", "without", "options", "expected"),
    [
        (["--data", "my photos"], (), {"extend": True}, "--data 'my photos' --extend"),
        (["--extend", "--steps", "8"], ("--extend",), {"workdir": "b"}, "--steps 8 --workdir b"),
        (["--workdir=a", "x"], (), {"workdir": "b"}, "x --workdir b"),
        (["--if-changed", "go-on", "x", "--extend"], (), {"if_changed": "anew"}, "x --extend --if-changed anew"),
        (["--extend", "x"], (), {"extend": True}, "x --extend"),
    ],
)
def test_options_are_left_out_and_added(given, without, options, expected):
    assert retyped(given, without, **options) == f"fcn-train {expected}"
