"""What ids may mean: one reading is an error with its cure, several are named."""

import numpy as np
import pytest

from tests.training.faulty import change, codes, found, masks
from training.doctor import command, numbering
from training.doctor.examination import examine


def test_the_option_takes_every_reading():
    assert tuple(numbering.READINGS) == command.READINGS


@pytest.mark.parametrize(
    ("names", "function", "code", "readings"),
    [
        (
            "abcdefgh",
            lambda ids: np.where(ids == 255, 0, ids + 1),
            "ids-out-of-range",
            "zero-void last-void zero-background",
        ),
        ("abcdefgh", lambda ids: np.where(ids == 255, 255, ids + 1), "ids-off-by-one", ""),
        ("abcdefgh", lambda ids: np.where(ids == 2, 77, ids), "ids-out-of-range", ""),
        ("abcd", lambda ids: ids, "ids-out-of-range", "others-void"),
        ("a", lambda ids: ids > 2, "ids-out-of-range", "zero-background zero-void last-void"),
        ("a", lambda ids: np.where(ids > 2, 255, 0), "mask-is-0-255", "foreground-255 void-255"),
        ("ab", lambda ids: np.where(ids > 2, 255, 0), "mask-is-0-255", ""),
        ("", lambda ids: np.where(ids == 255, 255, ids + 1), "ids-off-by-one", "from-one zero-absent"),
    ],
)
def test_readings(data, names, function, code, readings):
    (data / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    if not names:
        (data / "classes.txt").unlink()
    change(masks(data), lambda ids: function(ids).astype(np.uint8))
    report = examine(data)
    assert codes(report) == {code}
    finding = found(report, code)
    assert " ".join(finding.readings) == readings
    for name, sentence in finding.readings.items():
        assert f"({name})" in finding.advice or f"--read-as {name}" in finding.advice
        assert "{" not in sentence
