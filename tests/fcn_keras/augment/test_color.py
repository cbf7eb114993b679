"""Colours against the definitions, a pixel at a time in float64."""

import colorsys
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import color_jitter
from tests.fcn_keras.augment.examples import as_numpy, example, seed

NONE = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
BRIGHT, CONTRASTED, SATURATED, TURNED = ({**NONE, name: 0.5} for name in NONE)
GREY = np.array([0.299, 0.587, 0.114])


def picture():
    return np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)


def found(image, n=0, **amounts):
    return np.asarray(color_jitter({"image": image}, seed(n), **amounts)["image"], "float64")


def draws(amounts, image, factor_of, count=400):
    """Many draws of one change, told by what it does to a picture whose result gives it away."""
    images = (
        tf.data.Dataset.range(count)
        .map(lambda n: color_jitter({"image": image}, tf.stack([tf.constant(7, tf.int64), n]), **amounts)["image"])
        .as_numpy_iterator()
    )
    return np.array([factor_of(np.float64(image)) for image in images])


def hued(image, turn):
    """Turn the hue by Python's own conversion."""

    def pixel(rgb):
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb / 255)
        return 255 * np.array(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))

    return np.array([[pixel(rgb) for rgb in row] for row in image.astype("float64")])


def test_by_hand():
    """Two pixels of 100 and 200 grey: the mean is 150, and a contrast of f puts them at 150 -+ 50 f."""
    image = np.uint8([[[100] * 3, [200] * 3]])
    for n in range(5):
        darker, lighter = found(image, n, **CONTRASTED)[0, :, 0]
        assert darker + lighter == pytest.approx(300, abs=1e-3)
        assert 25 <= lighter - 150 <= 75
        dim, bright = found(image, n, **BRIGHT)[0, :, 0]
        assert 50 <= dim <= 150
        assert bright == pytest.approx(min(255, 2 * dim), abs=1e-3)
        np.testing.assert_allclose(found(image, n, **SATURATED), image, atol=1e-4)  # grey has no colour to change
        np.testing.assert_allclose(found(image, n, **TURNED), image, atol=1e-4)


def test_every_change_is_its_definition():
    """Read a change off one pixel far from the ends, and expect it of all others."""
    image = picture()
    image[0, 0] = (90, 110, 130)
    source = image.astype("float64")
    grey = source @ GREY
    for n in range(6):
        bright = found(image, n, **BRIGHT)
        np.testing.assert_allclose(bright, (source * bright[0, 0, 1] / 110).clip(0, 255), atol=0.01)
        contrasted = found(image, n, **CONTRASTED)
        factor = np.diff(contrasted[0, 0, :2])[0] / 20
        np.testing.assert_allclose(contrasted, (grey.mean() + factor * (source - grey.mean())).clip(0, 255), atol=0.01)
        saturated = found(image, n, **SATURATED)
        factor = np.diff(saturated[0, 0, :2])[0] / 20
        expected = (grey[..., None] + factor * (source - grey[..., None])).clip(0, 255)
        np.testing.assert_allclose(saturated, expected, atol=0.01)
        turned = found(image, n, **TURNED)
        before, after = (colorsys.rgb_to_hsv(*x[0, 0] / 255)[0] for x in (source, turned))
        np.testing.assert_allclose(turned, hued(image, after - before), atol=0.02)


def test_changes_follow_each_other_in_the_order_that_is_documented():
    """All at once are each alone, one after another: every change has a draw of its own, whatever the others are."""
    image = picture()
    chained = image
    for amounts in (BRIGHT, CONTRASTED, SATURATED, TURNED):
        chained = np.float32(found(chained, 3, **amounts))
    together = found(image, 3, brightness=0.5, contrast=0.5, saturation=0.5, hue=0.5)
    np.testing.assert_allclose(together, chained, atol=1e-3)


@pytest.mark.parametrize(
    ("amounts", "image", "factor_of", "low", "high"),
    [
        (BRIGHT, np.full((1, 1, 3), 100, np.uint8), lambda x: x[0, 0, 0] / 100, 0.5, 1.5),
        (CONTRASTED, np.uint8([[[100] * 3, [200] * 3]]), lambda x: (x[0, 1, 0] - x[0, 0, 0]) / 100, 0.5, 1.5),
        (SATURATED, np.uint8([[[100, 120, 120]]]), lambda x: (x[0, 0, 1] - x[0, 0, 0]) / 20, 0.5, 1.5),
        ({**NONE, "hue": 0.25}, np.uint8([[[50, 150, 150]]]), lambda x: colorsys.rgb_to_hsv(*x[0, 0])[0], 0.25, 0.75),
    ],
)
def test_amounts_are_uniform_over_their_range(amounts, image, factor_of, low, high):
    factors = draws(amounts, image, factor_of)
    assert low - 1e-3 <= factors.min() < low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) < factors.max() <= high + 1e-3
    counts, _ = np.histogram(factors, 4, (low, high))
    assert counts.min() > 70  # of 100 expected: 3.5 standard deviations


def test_only_the_image_changes():
    source = example(heads=True)
    moved = as_numpy(color_jitter(source, seed(0)))
    assert moved["image"].dtype == np.float32
    assert (moved["image"] != source["image"]).any()
    for key in ("label", "depth", "hha"):
        tf.nest.map_structure(np.testing.assert_array_equal, moved[key], source[key])
        assert tf.nest.map_structure(lambda x: x.dtype, moved[key]) == tf.nest.map_structure(
            lambda x: x.dtype, source[key]
        )
    assert moved["id"] == "0001"
    hha_only = {"hha": source["hha"], "label": source["label"]}
    assert color_jitter(hha_only, seed(0)) == hha_only


def test_nothing_changes_where_all_amounts_are_zero():
    np.testing.assert_array_equal(found(picture(), **NONE), picture())


def test_values_stay_in_range():
    ends = np.uint8([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 1]]])
    strongest = {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0.5}
    for n in range(20):
        image = found(ends, n, **strongest)
        assert image.min() >= 0
        assert image.max() <= 255


def test_same_seed_same_bytes_eagerly_and_in_map():
    images = [found(picture(), n) for n in (0, 1)]
    np.testing.assert_array_equal(images[0], found(picture(), 0))
    assert (images[0] != images[1]).any()
    for n, image in enumerate(images):
        (mapped,) = tf.data.Dataset.from_tensors({"image": picture()}).map(lambda e, n=n: color_jitter(e, seed(n)))
        np.testing.assert_array_equal(mapped["image"], image)


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({"brightness": -0.1}, "`brightness` must be 0 to 1. Received: -0.1"),
        ({"contrast": 1.5}, "`contrast` must be 0 to 1. Received: 1.5"),
        ({"saturation": 2}, "`saturation` must be 0 to 1. Received: 2"),
        ({"hue": 0.6}, "`hue` must be 0 to 0.5. Received: 0.6"),
    ],
)
def test_messages(amounts, message):
    with pytest.raises(ValueError, match=message):
        partial(color_jitter, **amounts)(example(), seed(0))
