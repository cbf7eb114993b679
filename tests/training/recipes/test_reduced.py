"""Large images of one's own folder are reduced as prediction reduces them; masks by the pixel in the middle."""

import numpy as np
import pytest
from PIL import Image

from training.recipes import reduced
from training.recipes.readers import folder
from training.recipes.reduced import ReducedFolder

LARGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(1)
    sizes = {"a": LARGE.shape[:2], "b": (10, 12), "c": (30, 30)}
    for name in ("images", "labels", "hha"):
        (tmp_path / name).mkdir()
    for key, size in sizes.items():
        pixels = LARGE if key == "a" else generator.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{key}.png")
        Image.fromarray(255 - pixels).save(tmp_path / "hha" / f"{key}.png")
        Image.fromarray(generator.integers(0, 3, size, np.uint8)).save(tmp_path / "labels" / f"{key}.png")
    return tmp_path


def test_large_images_are_reduced_and_small_ones_stay(photos):
    examples = ReducedFolder(photos, None, most_pixels=600, classes=3)
    assert examples.sizes == [(20, 30), (10, 12), (24, 24)]
    assert [example["image"].shape[:2] for example in examples] == examples.sizes
    # Two by two pixels each: their mean, rounded half up.
    means = LARGE.reshape(20, 2, 30, 2, 3).sum(axis=(1, 3), dtype=int)
    np.testing.assert_array_equal(examples[0]["image"], (means + 2) // 4)
    mask = np.array(Image.open(photos / "labels" / "a.png"))
    np.testing.assert_array_equal(examples[0]["label"], mask[1::2, 1::2])
    plain = folder(photos, None, classes=3)
    np.testing.assert_array_equal(examples[1]["image"], plain[1]["image"])
    assert ReducedFolder(photos, None, most_pixels=2400, classes=3).sizes == [(40, 60), (10, 12), (30, 30)]


def test_hha_keeps_the_pixels_of_one_surface(photos):
    example = ReducedFolder(photos, None, most_pixels=600, classes=3, hha="hha")[0]
    np.testing.assert_array_equal(example["hha"], 255 - LARGE[1::2, 1::2])


def test_reduced_examples_are_kept_while_there_is_room(photos, monkeypatch):
    opened = []
    monkeypatch.setattr("fcn_keras.datasets.folder.read_image", lambda path: opened.append(path.stem) or read(path))

    def read(path):
        return np.array(Image.open(path))

    monkeypatch.setattr(reduced, "KEPT", 20 * 30 * 4)  # the first one's image and mask
    examples = ReducedFolder(photos, None, most_pixels=600, classes=3)
    for _ in range(2):
        examples[0]["image"] = None  # what is returned may be changed
        assert (examples[1]["label"].shape, examples[2]["label"].shape) == ((10, 12), (24, 24))
    assert opened == ["a", "b", "c", "b", "c"]
    assert examples[0]["image"].shape == (20, 30, 3)


def test_the_reader_passes_it_on(photos):
    parts = [folder(photos, split, held_out=0.4, classes=3, most_pixels=600) for split in ("train", "val")]
    assert sorted(key for part in parts for key in part.ids) == ["a", "b", "c"]
    assert all(part.most_pixels == 600 for part in parts)
    assert parts[0].verify().sum() + parts[1].verify().sum() == 600 + 120 + 576
