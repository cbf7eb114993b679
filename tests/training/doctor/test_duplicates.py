"""Images that are there twice, exactly or nearly."""

import time

import cv2
import numpy as np
import pytest

from fcn_keras.datasets.synthetic import Synthetic
from tests.training.faulty import (
    change,
    codes,
    found,
    pixels,
    write,
)
from training.doctor.duplicates import difference_hash, near_pairs, thumbnail
from training.doctor.examination import examine


def similar(image, how):
    """Change a picture as it happens between two downloads of it."""
    if how == "jpeg":
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    if how == "small":
        return cv2.resize(image, (63, 45), interpolation=cv2.INTER_AREA)
    return {"dark": (image * 0.7).astype(np.uint8), "mirror": image[:, ::-1], "cut": image[1:-1, 1:-1]}[how]


def test_exact_duplicate_across_splits(data):
    (data / "train" / "images" / "2.png").write_bytes((data / "val" / "images" / "3.png").read_bytes())
    report = examine(data)
    assert codes(report) == {"duplicate-across-splits"}
    finding = found(report, "duplicate-across-splits")
    assert finding.files == ("train/images/2.png",)
    assert "val/images/3.png" in finding.message


@pytest.mark.parametrize("how", ["jpeg", "small", "dark", "mirror", "cut"])
def test_near_duplicate_across_splits(data, how):
    for kind in ("images", "labels"):
        change([data / "train" / kind / "2.png"], lambda _, kind=kind: pixels(data / "val" / kind / "3.png"))
    image = similar(pixels(data / "val" / "images" / "3.png"), how)
    write(data / "train" / "images" / "2.png", np.ascontiguousarray(image))
    finding = found(examine(data), "near-duplicate-across-splits")
    assert (finding.severity, finding.files) == ("error", ("train/images/2.png",))


def test_duplicate_inside_a_split_is_a_note(data):
    (data / "train" / "images" / "2.png").write_bytes((data / "train" / "images" / "3.png").read_bytes())
    report = examine(data)
    assert codes(report) == set()
    assert "1 of them have different masks" in found(report, "duplicate-inside-split").message


def test_difference_hash_by_hand():
    image = np.zeros((1, 32, 36), np.uint8)
    image[0, 4:8, 8:12] = 200  # the block at row 1, column 2
    assert int(np.bitwise_count(difference_hash(image))[0]) == 1
    assert int(difference_hash(image)[0]) == int.from_bytes(bytes([0, 0b01000000, 0, 0, 0, 0, 0, 0]), "little")


def test_near_pairs_finds_what_brute_force_finds(monkeypatch):
    monkeypatch.setattr("training.doctor.duplicates._ROWS", 7)
    monkeypatch.setattr("training.doctor.duplicates._COLUMNS", 5)
    scenes = Synthetic(24, seed=5, height=40, width=60)
    theirs = np.stack([thumbnail(scene["image"]) for scene in scenes])
    mine = np.clip(theirs[[20, 3, 11, 17]] * 0.9 + 4, 0, 255).astype(np.uint8)
    mine[1] = mine[1, :, ::-1]
    assert near_pairs(mine, theirs) == [(0, 20), (1, 3), (2, 11), (3, 17)]
    assert near_pairs(np.concatenate([theirs, mine])) == [(24, 20), (25, 3), (26, 11), (27, 17)]
    assert near_pairs(np.zeros((3, 32, 36), np.uint8)) == []


def test_thousands_of_duplicates_are_compared_in_seconds():
    generator = np.random.default_rng(0)
    mine = generator.integers(0, 256, (10_000, 32, 36), dtype=np.uint8)
    theirs = generator.integers(0, 256, (2_000, 32, 36), dtype=np.uint8)
    theirs[77] = mine[4321]
    started = time.monotonic()
    assert near_pairs(mine, theirs) == [(4321, 77)]
    assert time.monotonic() - started < 10  # half a second, on a free machine
