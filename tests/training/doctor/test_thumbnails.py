"""What is painted is what the masks mean, whatever is wrong with them."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.colors import DISTINCT
from tests.training.faulty import change, masks, pixels, voc_colors
from training.doctor.examination import examination
from training.doctor.thumbnails import thumbnail_pair


def halves(result, index, **options):
    both = thumbnail_pair(result, index, **options)
    middle = both.shape[1] // 2
    return both[:, :middle], both[:, middle:]


def key_of(result, split, name):
    return next(i for i in result.layout.splits[split] if result.layout.pairs[i].key == name)


def test_ids_are_painted_over_the_photograph(data):
    result = examination(data)
    photograph, painted = halves(result, 0)
    image = pixels(data / "train" / "images" / "0.png")
    ids = pixels(data / "train" / "labels" / "0.png")
    np.testing.assert_array_equal(photograph, image)  # it is smaller than a panel
    expected = image / 2 + DISTINCT[ids] / 2  # class 0 is no background here
    assert np.abs(painted.astype(float) - expected)[ids != 255].max() <= 1
    np.testing.assert_array_equal(painted[ids == 255], image[ids == 255])


@pytest.mark.parametrize("fault", ["colors", "16 bits", "smaller"])
def test_masks_that_are_wrong_are_painted_too(data, fault):
    before = halves(examination(data), 0)[1]
    path = masks(data)[0]
    ids = pixels(path)
    wrong = {"colors": voc_colors(ids), "16 bits": ids.astype(np.uint16), "smaller": ids[::2, ::2]}[fault]
    Image.fromarray(wrong).save(path)
    after = halves(examination(data), 0)[1]
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).mean() < (8 if fault == "smaller" else 1)


def test_colors_that_mean_nothing_are_blended(data):
    ids = pixels(masks(data)[0])
    colors = np.stack([ids * 29 + 7, ids * 3 + 1, 200 - ids], axis=-1).astype(np.uint8)
    change(masks(data)[:1], lambda _: colors)
    photograph, painted = halves(examination(data), 0)
    np.testing.assert_allclose(painted, photograph / 2 + colors / 2, atol=0.6)


def test_large_pairs_are_made_small_and_long_ones_stay_visible(data):
    shapes = {"2": (400, 900), "3": (3, 2000)}
    for name, shape in shapes.items():
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(data / "train" / "images" / f"{name}.png")
        Image.fromarray(np.zeros(shape, np.uint8)).save(data / "train" / "labels" / f"{name}.png")
    result = examination(data)
    assert thumbnail_pair(result, key_of(result, "train", "2")).shape == (107, 480, 3)
    assert thumbnail_pair(result, key_of(result, "train", "3")).shape == (1, 480, 3)


def test_what_cannot_be_read_is_grey(data):
    (data / "train" / "images" / "0.png").write_bytes(b"no picture")
    (data / "train" / "labels" / "1.png").unlink()
    (data / "train" / "labels" / "2.png").write_bytes(b"no mask")
    (data / "train" / "images" / "2.png").unlink()
    result = examination(data)
    photograph, painted = halves(result, 0)
    assert (photograph == 235).all()
    assert not (painted == 235).all()
    photograph, painted = halves(result, 1)
    assert (painted == 235).all()
    assert not (photograph == 235).all()
    assert thumbnail_pair(result, 2) is None


def test_thin_parts_have_rings(data):
    def one_island(ids):
        ids = np.full_like(ids, 3)
        ids[20, 40] = 6
        return ids

    change(masks(data)[:1], one_island)
    result = examination(data)
    plain, ringed = halves(result, 0)[1].astype(int), halves(result, 0, rings=True)[1].astype(int)
    rows, columns = np.nonzero(np.abs(plain - ringed).sum(axis=2))
    assert (rows.min(), rows.max()) == (16, 24)
    assert (columns.min(), columns.max()) == (36, 44)
