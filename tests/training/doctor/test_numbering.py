"""What ids may mean: one reading is an error with its cure, several are named."""

import numpy as np
import pytest

from tests.training.faulty import change, codes, found, masks, pixels
from training.doctor import command, numbering
from training.doctor.examination import examination, examine
from training.doctor.fix import fix


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
        ("abcdefgh", lambda ids: np.where(ids == 255, 255, 31 * ids), "ids-out-of-range", "multiples others-void"),
        (
            "abcdefgh",
            lambda ids: np.where(ids == 255, 255, np.where(ids, ids + 90, 0)),
            "ids-out-of-range",
            "others-void",
        ),
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


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("0 a,1 b,2 c,3 d,4 e,5 f,6 g,7 h", False),
        ("1 a,2 b,3 c,4 d,5 e,6 f,7 g,8 h", False),
        ("0 a,2 b,1 c,3 d,4 e,5 f,6 g,7 h", True),
        ("0: a,1: b,2: c,3: d,4: e,5: f,6: g,9: h", True),
        ("id;name,0;a,1;b,2;c,3;d,4;e,5;f,6;g,7;h", True),
        ("background,1 a,2 b,3 c,4 d,5 e,6 f,7 g", False),
        ("2 wheeler,4 wheeler,3 wheeler,6 wheeler,8 wheeler,10 wheeler,12 wheeler,5 wheeler", False),
        ("a,0 b,c,d,e,f,g,h", False),
        ("7,6,5,4,3,2,1,0", False),
    ],
)
def test_class_files_with_numbers_of_their_own(data, lines, wrong):
    (data / "classes.txt").write_text(lines.replace(",", "\n") + "\n")
    report = examine(data)
    assert codes(report) == ({"class-file-numbered"} if wrong else set())
    if wrong:
        first, second = lines.split(",")[:2]
        assert f"{first!r} would be id 0, and {second!r} id 1" in found(report, "class-file-numbered").message


def test_few_ids_without_zero_do_not_tell_that_they_begin_at_1(data, tmp_path):
    """Of 8 classes only 2, 5 and an 8 are seen: 8 may be void."""
    change(masks(data), lambda ids: np.select([ids == 255, ids < 3, ids < 5], [255, 2, 5], 8).astype(np.uint8))
    finding = found(examine(data), "ids-off-by-one")
    assert "hold 2, 5, 8 and never 0" in finding.message
    assert set(finding.readings) == {"from-one", "last-void"}
    with pytest.raises(ValueError, match=r"Say --read-as from-one or --read-as last-void"):
        fix(examination(data), tmp_path / "out")
    for reading, wanted in (("from-one", {1, 4, 7, 255}), ("last-void", {2, 5, 255})):
        fix(examination(data), tmp_path / reading, read_as=[reading])
        written = np.concatenate([pixels(path).ravel() for path in masks(tmp_path / reading)])
        assert set(written.tolist()) == wanted
        assert examine(tmp_path / reading).errors == ()
