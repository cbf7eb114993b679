"""Images that are there twice, exactly or nearly."""

import time

import cv2
import numpy as np
import pytest
from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic
from tests.training.faulty import (
    change,
    codes,
    found,
    pixels,
    write,
)
from training.doctor.checks import ImageFacts
from training.doctor.duplicates import difference_hash, near_groups, near_pairs, thumbnail
from training.doctor.examination import examination, examine


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
    theirs = np.stack([thumbnail(Image.fromarray(scene["image"])) for scene in scenes])
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


def facts(thumbnails, digests=None):
    digests = digests or [str(number).encode() for number in range(len(thumbnails))]
    return [ImageFacts((32, 36), 1, digest, each, None) for digest, each in zip(digests, thumbnails, strict=True)]


def alike(one, other):
    """Whether at most 12 of 64 differences differ and the thumbnails correlate at 0.95, as it is or mirrored."""

    def bits(image):
        means = [[image[4 * y : 4 * y + 4, 4 * x : 4 * x + 4].mean() for x in range(9)] for y in range(8)]
        return [means[y][x + 1] > means[y][x] for y in range(8) for x in range(8)]

    for turned in (other, other[:, ::-1]):
        differing = sum(a != b for a, b in zip(bits(one), bits(turned), strict=True))
        if differing <= 12 and np.corrcoef(one.ravel(), turned.ravel())[0, 1] >= 0.95:
            return True
    return False


def components(thumbnails):
    """Join by hand: spread each image's own number until nothing changes."""
    number = len(thumbnails)
    near = [
        [i == j or alike(thumbnails[max(i, j)], thumbnails[min(i, j)]) for j in range(number)] for i in range(number)
    ]
    group = list(range(number))
    for _ in range(number):
        group = [min(group[j] for j in range(number) if near[i][j]) for i in range(number)]
    groups = [[i for i in range(number) if group[i] == first] for first in sorted(set(group))]
    return near, [members for members in groups if len(members) > 1]


def film(first, last, frames):
    """Fade from one thumbnail to another."""
    weights = np.linspace(0, 1, frames)[:, None, None]
    return np.round(first * (1 - weights) + last * weights).astype(np.uint8)


def test_groups_are_what_joining_by_hand_finds(monkeypatch):
    monkeypatch.setattr("training.doctor.duplicates._ROWS", 7)
    monkeypatch.setattr("training.doctor.duplicates._COLUMNS", 5)
    scenes = np.stack(
        [thumbnail(Image.fromarray(scene["image"])) for scene in Synthetic(8, seed=5, height=40, width=60)]
    )
    frames = film(scenes[0], scenes[1], 9)
    thumbnails = np.concatenate([scenes[2:], frames[::2], scenes[3:4, :, ::-1], frames[1::2]])
    near, expected = components(thumbnails)
    assert near_groups(facts(thumbnails)) == expected
    chain = next(group for group in expected if 6 in group)
    assert not all(near[i][j] for i in chain for j in chain)  # joined over others
    assert [1, 11] in expected  # the mirrored one


def test_equal_pixels_are_a_group_even_of_nothing():
    plain = np.zeros((4, 32, 36), np.uint8)
    assert near_groups(facts(plain)) == []
    assert near_groups(facts(plain, [b"a", b"b", b"a", b"a"])) == [[0, 2, 3]]
    assert near_groups([]) == []


def test_what_was_examined_tells_near_duplicates_by_their_ids(data):
    (data / "train" / "images" / "2.png").write_bytes((data / "train" / "images" / "5.png").read_bytes())
    examined = examination(data)
    keys = [pair.key for pair in examined.layout.pairs]
    assert examined.near_duplicates(keys) == [["2", "5"]]
    assert examined.near_duplicates(key for key in keys if key != "5") == []
