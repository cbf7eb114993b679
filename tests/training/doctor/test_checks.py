"""Files that cannot be read, and images and masks that do not fit."""

import numpy as np
import pytest

from tests.training.faulty import (
    change,
    codes,
    found,
    masks,
    pixels,
    turned_by_exif,
    write,
)
from training.doctor.examination import examine


@pytest.mark.parametrize(
    ("orientation", "lying", "code", "severity"),
    [
        (6, False, "exif-mask-unturned", "error"),
        (6, True, "exif-rotated", "note"),
        (3, False, "exif-undecided", "note"),
    ],
)
def test_exif_rotation(data, orientation, lying, code, severity):
    path = data / "train" / "images" / "1.png"
    turned_by_exif(path, orientation, np.rot90(pixels(path)).copy() if lying else pixels(path))
    report = examine(data)
    assert codes(report, severity) == {code}
    assert found(report, code).files == ("train/images/1.png",)


def test_sizes_differ(data):
    change(masks(data)[:2], lambda ids: ids[:30, :42])
    finding = found(examine(data), "size-mismatch")
    assert "(60, 84) from (30, 42)" in finding.message
    assert finding.count == 2


def test_unreadable_files_do_not_stop_it(data):
    (data / "train" / "images" / "0.png").write_bytes(b"no picture")
    path = masks(data)[1]
    path.write_bytes(path.read_bytes()[:200])
    change(masks(data)[5:6], lambda ids: np.where(ids == 1, 77, ids).astype(np.uint8))
    report = examine(data)
    assert codes(report) == {"image-unreadable", "mask-unreadable", "ids-out-of-range"}
    assert "cannot be read as an image" in found(report, "image-unreadable").message
    assert report.counted == {"train": 3, "val": 4}


def test_the_same_pixels_in_other_files(data):
    """A copy of the file, the same pixels as BMP, and one pixel that no thumbnail shows."""
    first = data / "train" / "images" / "0.png"
    (data / "train" / "images" / "1.png").write_bytes(first.read_bytes())
    write(data / "train" / "images" / "2.bmp", pixels(first))
    (data / "train" / "images" / "2.png").unlink()
    other = pixels(first)
    other[0, 0, 0] ^= 1
    write(data / "train" / "images" / "3.png", other)
    report = examine(data)
    assert found(report, "duplicate-inside-split").files == ("train/images/1.png", "train/images/2.bmp")
    assert "2 of them have different masks" in found(report, "duplicate-inside-split").message
    assert found(report, "near-duplicate-inside-split").files == ("train/images/3.png",)
