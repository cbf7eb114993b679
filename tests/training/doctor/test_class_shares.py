"""Scarce classes are named with their counts; shares are compared image by image."""

import itertools

import numpy as np
import pytest

from training.doctor import class_shares
from training.doctor.class_shares import chances, check_scarcity, check_shares
from training.doctor.findings import Files, Findings

NAMES = ("road", "car", "sign")


def notes_of(check, pixels):
    findings = Findings()
    check({split: np.array(counts) for split, counts in pixels.items()}, NAMES, Files({}, [], "masks", findings))
    assert all(finding.severity == "note" for finding in findings.all)
    return [(finding.code, finding.message) for finding in findings.all]


def test_classes_of_few_images_or_pixels_are_named_with_both():
    train = np.tile([90_000, 10_000, 0], (100, 1))
    train[:9, 2] = 500
    train[9:, 1] = 0
    ((code, message),) = notes_of(check_scarcity, {"train": train})
    assert code == "class-scarce"
    assert message == (
        "Of 2 of 3 classes there is little in train, which has 100 images: sign (9 images, 4,500 pixels), "
        "car (9 images, 90,000 pixels)."
    )
    train[:10, 1:] = 10_000
    assert notes_of(check_scarcity, {"train": train}) == []
    train[:, 2] = 9  # 900 pixels of 9 million, in every image
    assert "sign (100 images, 900 pixels)." in notes_of(check_scarcity, {"train": train})[0][1]


def test_a_split_that_is_only_scored_needs_five_images_and_a_small_data_set_none():
    val = np.tile([9_000, 1_000, 1_000], (60, 1))
    val[5:, 2] = 0
    assert notes_of(check_scarcity, {"val": val}) == []
    val[4:, 2] = 0
    assert "sign (4 images, 4,000 pixels)" in notes_of(check_scarcity, {"val": val})[0][1]
    assert notes_of(check_scarcity, {"train": val[:6]}) == []  # 4 of 6 images


def test_absent_classes_are_another_finding():
    assert notes_of(check_scarcity, {"train": np.tile([900_000, 9_000, 0], (30, 1))}) == []


def test_chances_are_those_of_all_divisions(monkeypatch):
    """Six images give twenty divisions, which can be counted."""
    monkeypatch.setattr(class_shares, "_DIVISIONS", 20_000)
    images = np.random.default_rng(3).integers(0, 90, (6, 3))
    gaps = []
    for chosen in itertools.combinations(range(6), 3):
        mine = np.isin(np.arange(6), chosen)
        first, second = (images[part].sum(axis=0) / images[part].sum() for part in (mine, ~mine))
        gaps.append(np.abs(first - second))
    gaps = np.array(gaps)
    gaps /= gaps.std(axis=0)
    expected = (gaps.max(axis=1)[:, None] >= gaps[0] - 1e-9).mean(axis=0)
    np.testing.assert_allclose(chances(images[:3], images[3:]), expected, atol=0.02)


def clustered(generator, number, share):
    """One class fills a share of the images, and is in no other."""
    inside = generator.random(number) < share
    return np.stack([np.where(inside, 200, 1000), np.where(inside, 800, 0), np.full(number, 10)], axis=1)


def test_a_class_that_is_more_frequent_in_val_is_named_with_both_shares():
    generator = np.random.default_rng(0)
    train, val = clustered(generator, 200, 0.1), clustered(generator, 80, 0.5)
    ((code, message),) = notes_of(check_shares, {"train": train, "val": val})
    shares = [100 * counts[:, 1].sum() / counts.sum() for counts in (train, val)]
    assert code == "class-share-differs"
    assert message.startswith("1 of 3 classes have another share of the labelled pixels in val than in train")
    assert message.endswith(f"explain it: car ({shares[0]:.2g} and {shares[1]:.0f} %).")


def test_few_images_explain_a_large_difference():
    """The same shares of the pixels, of which a test that counts pixels would be sure."""
    train = np.tile([1000, 0, 10], (20, 1))
    train[0] = 200, 800, 10
    val = np.tile([1000, 0, 10], (8, 1))
    val[0] = 200, 800, 10
    assert val[:, 1].sum() / val.sum() > 2 * train[:, 1].sum() / train.sum()
    assert notes_of(check_shares, {"train": train, "val": val}) == []


def test_a_difference_below_twice_is_not_worth_a_word():
    generator = np.random.default_rng(0)
    train, val = clustered(generator, 2000, 0.5), clustered(generator, 2000, 0.8)
    assert notes_of(check_shares, {"train": train, "val": val}) == []


def test_chance_names_a_class_once_in_a_hundred_data_sets():
    generator, alarms = np.random.default_rng(1), 0
    for seed in range(100):
        images = (generator.random((60, 12)) < 0.3) * generator.lognormal(0, 1.5, (60, 12)) * 1000
        alarms += (chances(images[:45].astype(int), images[45:].astype(int), seed=seed) <= class_shares.CHANCE).any()
    assert alarms <= 5  # more than five of a hundred: once in 2,000 times


@pytest.mark.parametrize("splits", [("all",), ("train",), ("train", "trainval"), ("val", "test")])
def test_what_is_not_trained_on_and_scored_is_not_compared(splits):
    generator = np.random.default_rng(0)
    pixels = {split: clustered(generator, 200, 0.1 + 0.6 * place) for place, split in enumerate(splits)}
    assert notes_of(check_shares, pixels) == []


def test_large_splits_are_drawn_from(monkeypatch):
    monkeypatch.setattr(class_shares, "_MOST", 50)
    generator = np.random.default_rng(0)
    assert chances(clustered(generator, 500, 0.1), clustered(generator, 400, 0.7))[1] == 0.001
