from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fcn_keras.augment import compose, crop, jitter, mirror, scale, zoom
from tests.fcn_keras.augment.examples import as_numpy, example, seed

AUGMENTATIONS = {
    "mirror": mirror,
    "jitter": partial(jitter, pixels=3),
    "scale": partial(scale, low=0.5, high=2.0),
    "crop": partial(crop, height=6, width=9),
    "all": compose(
        mirror, partial(jitter, pixels=2), partial(scale, low=0.6, high=1.6), partial(crop, height=7, width=5)
    ),
}


def labels_of(function, source, count):
    """Labels of many draws, through `Dataset.map`, which is faster than eagerly."""
    source = {key: value for key, value in source.items() if key == "label"}
    moved = tf.data.Dataset.range(count).map(lambda n: function(source, tf.stack([tf.constant(7, tf.int64), n])))
    return [example["label"] for example in moved.as_numpy_iterator()]


@pytest.mark.parametrize("name", ["mirror", "jitter", "crop"])
def test_all_maps_move_together_and_the_outside_is_unknown(name):
    for n in range(12):
        moved = as_numpy(AUGMENTATIONS[name](example(heads=True), seed(n)))
        label = moved["label"]["sem"]
        inside = label != 255
        assert inside.any()
        np.testing.assert_array_equal(moved["label"]["geo"], label)
        for key in ("image", "hha"):
            np.testing.assert_array_equal(moved[key][inside], np.repeat(label[inside][:, None], 3, axis=1))
        np.testing.assert_array_equal(moved["depth"], np.where(inside, label, 0))
        if (~inside).any():
            np.testing.assert_allclose(moved["image"][~inside][0], [122.67892, 116.66877, 104.00699], rtol=1e-6)
            np.testing.assert_allclose(moved["hha"][~inside][0], [132.431, 94.076, 118.477], rtol=1e-6)
        assert moved["id"] == "0001"


def test_mirror_flips_left_to_right_half_of_the_time():
    source = example(2, 3)
    seen = labels_of(mirror, source, 200)
    flipped = [np.array_equal(label, [[2, 1, 0], [5, 4, 3]]) for label in seen]
    assert all(f or np.array_equal(label, source["label"]) for f, label in zip(flipped, seen, strict=True))
    assert 70 < sum(flipped) < 130


def test_jitter_reaches_every_shift_in_both_axes():
    source = example(9, 9)
    shifts = set()
    for label in labels_of(partial(jitter, pixels=2), source, 300):
        assert label.shape == (9, 9)
        shifts.add(int(label[4, 4]) - int(source["label"][4, 4]))  # the centre is always inside
    assert shifts == {-(9 * down + right) for down in range(-2, 3) for right in range(-2, 3)}


def test_jitter_by_hand():
    """Find a seed that moves down 1 and left 1 and compare the whole picture."""
    source = {"label": np.uint8([[1, 2, 3], [4, 5, 6], [7, 8, 9]])}
    expected = [[255, 255, 255], [2, 3, 255], [5, 6, 255]]
    assert any(np.array_equal(label, expected) for label in labels_of(partial(jitter, pixels=1), source, 100))


def test_crop_stays_inside_a_larger_picture_and_reaches_its_corners():
    source = example(8, 11)
    firsts = set()
    for label in labels_of(partial(crop, height=6, width=9), source, 200):
        np.testing.assert_array_equal(label - label[0, 0], source["label"][:6, :9])
        firsts.add(int(label[0, 0]))
    assert firsts == {11 * y + x for y in range(3) for x in range(3)}


def test_crop_pads_a_smaller_picture_and_keeps_all_of_it():
    label = as_numpy(crop(example(3, 20), seed(1), height=5, width=8))["label"]
    assert label.shape == (5, 8)
    assert (label != 255).sum() == 3 * 8


@pytest.mark.parametrize(("height", "width"), [(24, 36), (17, 29), (7, 5)])
def test_scale_keeps_image_and_label_aligned(height, width):
    """Label a smooth ramp by its own value: afterwards they must agree to half a source pixel."""
    ramp = np.add.outer(np.arange(height), 2 * np.arange(width)).astype(np.uint8)
    source = {"image": np.repeat(ramp[..., None], 3, axis=2), "label": ramp, "depth": ramp.astype(np.float32)}
    for n in range(8):
        moved = as_numpy(scale(source, seed(n), low=0.5, high=2.0))
        assert moved["image"].shape[:2] == moved["label"].shape == moved["depth"].shape
        np.testing.assert_array_equal(moved["label"], moved["depth"])
        error = (moved["image"][..., 0] - moved["label"])[2:-2, 2:-2]  # borders clamp
        assert error.size == 0 or (abs(error).max() <= 1.6 and abs(error.mean()) < 0.8)


def test_scale_label_is_pillows_nearest():
    source = example(9, 13)
    for n in range(10):
        label = as_numpy(scale(source, seed(n), low=0.4, high=2.5))["label"]
        expected = Image.fromarray(source["label"]).resize(label.shape[::-1], Image.Resampling.NEAREST)
        np.testing.assert_array_equal(label, np.asarray(expected))


def test_scale_image_is_near_pillows_bilinear():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    moved = as_numpy(scale({"image": image}, seed(3), low=0.5, high=0.5))["image"]
    expected = np.asarray(Image.fromarray(image).resize((30, 20), Image.Resampling.BILINEAR), np.float32)
    assert moved.shape == (20, 30, 3)
    assert abs(moved - expected).max() <= 1.0  # Pillow rounds to 8 bits, twice


def test_scale_draws_factors_over_the_whole_range():
    source = {"label": np.zeros((100, 100), np.uint8)}
    sides = np.array([label.shape[0] for label in labels_of(partial(scale, low=0.5, high=2.0), source, 400)])
    assert 50 <= sides.min() < 55
    assert 190 < sides.max() <= 200
    assert 0.42 < (sides < 100).mean() < 0.58  # uniform in the logarithm


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 11)])
def test_same_seed_same_result_eagerly_and_in_map(name, size):
    function, source = AUGMENTATIONS[name], {k: v for k, v in example(*size).items() if k != "id"}
    for n in (0, 1):
        eager = as_numpy(function(source, seed(n)))
        (mapped,) = tf.data.Dataset.from_tensors(source).map(lambda e, n=n: function(e, seed(n)))
        for key, value in eager.items():
            np.testing.assert_array_equal(value, mapped[key])


def test_static_sizes_survive():
    spec = {"image": tf.TensorSpec((8, 11, 3), tf.uint8), "label": tf.TensorSpec((8, 11), tf.uint8)}
    for name, size in (("mirror", (8, 11)), ("jitter", (8, 11)), ("crop", (6, 9))):
        traced = tf.function(AUGMENTATIONS[name]).get_concrete_function(spec, tf.TensorSpec([2], tf.int64))
        assert traced.structured_outputs["image"].shape == (*size, 3)
        assert traced.structured_outputs["label"].shape == size


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (partial(jitter, pixels=-1), "`pixels` must be 0 or more. Received: -1"),
        (partial(scale, low=0, high=1), "0 < low <= high. Received: low=0, high=1"),
        (partial(scale, low=2, high=1), "0 < low <= high. Received: low=2, high=1"),
        (partial(crop, height=0, width=3), "at least 1x1. Received: height=0, width=3"),
    ],
)
def test_messages(function, message):
    with pytest.raises(ValueError, match=message):
        function(example(), seed(0))


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_zoom_keeps_the_size_and_shows_the_picture_larger_or_smaller(factor):
    """A label of numbered pixels: which of them are seen tells the factor, and where they lie the place."""
    source = example(8, 12, heads=True)
    numbered = {**source, "label": {"sem": np.arange(96, dtype=np.uint8).reshape(8, 12), "geo": source["label"]["geo"]}}
    places = set()
    for n in range(40):
        moved = as_numpy(zoom(numbered, seed(n), low=factor, high=factor))
        label = moved["label"]["sem"]
        assert [moved[key].shape for key in ("image", "depth", "hha")] == [(8, 12, 3), (8, 12), (8, 12, 3)]
        rows, columns = np.nonzero(label != 255)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == ((4, 6) if factor == 0.5 else (8, 12))
        # Of twice the size, every pixel is there twice in both directions, but for those at the border.
        fewest, most = {0.5: (24, 24), 1.0: (96, 96), 2.0: (4 * 6, 5 * 7)}[factor]
        assert fewest <= len(np.unique(label[rows, columns])) <= most
        places.add((int(rows[0]), int(columns[0]), int(label[rows[0], columns[0]])))
    assert (len(places) == 1) == (factor == 1)
    if factor != 1:
        assert len(places) > 10


def test_zoom_refuses_what_scale_refuses():
    with pytest.raises(ValueError, match=r"The factors must be 0 < low <= high\. Received: low=2, high=1"):
        zoom(example(), seed(0), low=2, high=1)
