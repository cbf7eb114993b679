"""A marked pixel lands where it should, in the image and in every map beside it; the rest is told to be unknown."""

from functools import partial

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras.augment import compose, crop, jitter, mirror, rotate, scale, window

GATE = settings(deadline=None, derandomize=True, database=None, max_examples=25)
SIDES = st.integers(1, 12)
SEEDS = st.integers(0, 2**31 - 1)
MEAN = (104.00699, 116.66877, 122.67892)  # BGR
HHA_MEAN = (132.431, 94.076, 118.477)


def marked(height, width, y, x):
    """An example of zeros with one marked pixel, in all maps."""
    image = np.zeros((height, width, 3), np.uint8)
    label, depth = np.zeros((height, width), np.uint8), np.ones((height, width), np.uint16)
    image[y, x], label[y, x], depth[y, x] = (10, 20, 30), 7, 4321
    return {"image": image, "label": {"sem": label, "geo": label // 2}, "depth": depth, "hha": image // 2}


def seeded(seed):
    return tf.constant([3, seed], tf.int64)


def as_numpy(example):
    return tf.nest.map_structure(np.asarray, example)


def expected_view(example, top, left, height, width):
    """What a window shows, pixel by pixel."""
    outside = {"image": MEAN[::-1], "hha": HHA_MEAN, "depth": 0, "label": 255}

    def view(key, source):
        found = np.empty((height, width, *source.shape[2:]), "float64")
        for y in range(height):
            for x in range(width):
                inside = 0 <= y + top < source.shape[0] and 0 <= x + left < source.shape[1]
                found[y, x] = source[y + top, x + left] if inside else outside[key]
        return found

    return {
        key: {head: view(key, x) for head, x in value.items()} if isinstance(value, dict) else view(key, value)
        for key, value in example.items()
    }


def place_of(plane, value):
    return [tuple(map(int, place)) for place in np.argwhere(plane == value)]


def places(example):
    """Where the mark lies, map by map; an empty list where it was moved out of the picture."""
    return [
        place_of(example["image"][..., 0], 10),
        place_of(example["image"][..., 2], 30),
        place_of(example["label"]["sem"], 7),
        place_of(example["label"]["geo"], 3),
        place_of(example["depth"], 4321),
        place_of(example["hha"][..., 1], 10),
    ]


@GATE
@given(SIDES, SIDES, st.integers(-15, 15), st.integers(-15, 15), SIDES, SIDES, st.integers(0, 99))
def test_a_window_shows_the_pixels_under_it(height, width, top, left, rows, columns, seed):
    generator = np.random.default_rng(seed)
    example = {
        "image": generator.integers(0, 256, (height, width, 3), np.uint8),
        "label": {head: generator.integers(0, 9, (height, width), np.uint8) for head in ("sem", "geo")},
        "depth": generator.integers(1, 9999, (height, width), np.uint16),
        "hha": generator.integers(0, 256, (height, width, 3), np.uint8),
    }
    found = as_numpy(window(example, top, left, rows, columns))
    expected = expected_view(example, top, left, rows, columns)
    assert found["label"]["sem"].dtype == np.uint8
    assert found["depth"].dtype == np.uint16
    tf.nest.map_structure(partial(np.testing.assert_allclose, rtol=1e-6), found, expected)


@GATE
@given(SIDES, SIDES, st.data(), SEEDS)
def test_mirrored_marks(height, width, data, seed):
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    found = places(as_numpy(mirror(marked(height, width, y, x), seeded(seed))))
    assert found in ([[(y, x)]] * 6, [[(y, width - 1 - x)]] * 6)


@GATE
@given(SIDES, SIDES, st.data(), SEEDS, st.integers(0, 6))
def test_jittered_marks(height, width, data, seed, pixels):
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    moved = as_numpy(jitter(marked(height, width, y, x), seeded(seed), pixels=pixels))
    inside = np.argwhere(moved["label"]["sem"] != 255)
    (first, last), void = (inside.min(0), inside.max(0)), moved["label"]["sem"] == 255
    # The shift is told by the border that it uncovers: rows at the top when the picture moved down.
    shift = [int(a) if a else int(b) - side + 1 for a, b, side in zip(first, last, (height, width), strict=True)]
    assert max(map(abs, shift)) <= pixels
    landed = (y + shift[0], x + shift[1])
    stays = 0 <= landed[0] < height and 0 <= landed[1] < width
    assert places(moved) == [[landed] if stays else []] * 6
    np.testing.assert_allclose(moved["image"][void], np.tile(MEAN[::-1], (void.sum(), 1)), rtol=1e-6)
    np.testing.assert_allclose(moved["hha"][void], np.tile(HHA_MEAN, (void.sum(), 1)), rtol=1e-6)
    assert not moved["depth"][void].any()


@GATE
@given(SIDES, SIDES, SIDES, SIDES, st.data(), SEEDS)
def test_cropped_marks(height, width, rows, columns, data, seed):
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    example = {**marked(height, width, y, x), "hha": np.zeros((height, width, 3), np.uint8)}
    example["hha"][..., 0], example["hha"][..., 2] = np.indices((height, width))  # each pixel knows its place
    moved = as_numpy(crop(example, seeded(seed), height=rows, width=columns))
    inside = moved["label"]["sem"] != 255
    assert inside.sum() == min(height, rows) * min(width, columns)
    tops, lefts = np.indices((rows, columns))[:, inside] - moved["hha"][inside][:, [0, 2]].T
    assert len({*zip(tops, lefts, strict=True)}) == 1  # one shift for all pixels
    landed = (y + int(tops[0]), x + int(lefts[0]))
    stays = 0 <= landed[0] < rows and 0 <= landed[1] < columns
    assert places({**moved, "hha": moved["image"] / 2})[:5] == [[landed] if stays else []] * 5


@GATE
@given(st.integers(8, 40), st.integers(8, 40), st.data(), SEEDS)
def test_scaled_marks(height, width, data, seed):
    """A square of 4x4 pixels keeps its middle, in every map, and it is where half-pixel centres put it."""
    y, x = data.draw(st.integers(0, height - 4)), data.draw(st.integers(0, width - 4))
    mark = (slice(y, y + 4), slice(x, x + 4))
    example = marked(height, width, y, x)
    example["image"][mark], example["label"]["sem"][mark], example["depth"][mark] = 200, 7, 4321
    moved = as_numpy(scale(example, seeded(seed), low=0.5, high=2.0))
    size = moved["label"]["sem"].shape
    assert moved["image"].shape[:2] == size
    middle = [(start + 2) * after / before for start, after, before in zip((y, x), size, (height, width), strict=True)]
    np.testing.assert_array_equal(moved["label"]["sem"] == 7, moved["depth"] == 4321)
    weights = {"image": moved["image"][..., 0], "label": (moved["label"]["sem"] == 7).astype("float64")}
    for key, plane in weights.items():
        assert plane.sum() > 0
        found = [(plane.sum(1 - axis) * (np.arange(size[axis]) + 0.5)).sum() / plane.sum() for axis in (0, 1)]
        # At a border antialiasing has nothing to spread to; nearest pixels move by half a pixel of either size.
        assert np.abs(np.subtract(found, middle)).max() <= (0.35 if key == "image" else 0.75)
    solid = moved["image"][..., 0] > 150
    assert (moved["label"]["sem"][solid] == 7).all()


@GATE
@given(st.integers(8, 30), st.integers(8, 30), st.data(), SEEDS)
def test_rotated_marks(height, width, data, seed):
    """A square of 4x4 pixels keeps its distance from the centre and its size, and is one square in all maps."""
    y, x = data.draw(st.integers(0, height - 4)), data.draw(st.integers(0, width - 4))
    mark = (slice(y, y + 4), slice(x, x + 4))
    example = marked(height, width, y, x)
    example["image"][mark], example["hha"][mark] = 200, 5
    example["label"]["sem"][mark], example["label"]["geo"][mark], example["depth"][mark] = 7, 3, 4321
    moved = as_numpy(rotate(example, seeded(seed), degrees=180, mean=(0, 0, 0)))
    sem, image = moved["label"]["sem"], moved["image"][..., 0]
    for other in (moved["label"]["geo"] == 3, moved["depth"] == 4321, (moved["hha"] == 5).all(-1)):
        np.testing.assert_array_equal(sem == 7, other)
    np.testing.assert_array_equal(moved["depth"] == 0, sem == 255)
    assert not image[sem == 255].any()
    assert (sem[image > 150] == 7).all()
    assert (image[sem == 7] >= 50).all()  # half of its height and half of its width, at a corner
    middle = np.array([height - 1, width - 1]) / 2
    radius = np.hypot(*(np.array([y, x]) + 1.5 - middle))
    if radius + 3 <= min(middle):  # all of it stays
        assert abs((image / 200).sum() - 16) < 1
        found = [(image.sum(1 - axis) * np.arange(image.shape[axis])).sum() / image.sum() for axis in (0, 1)]
        assert abs(np.hypot(*(found - middle)) - radius) < 0.2


@GATE
@given(SIDES, SIDES, st.data(), SEEDS)
def test_marks_through_a_chain(height, width, data, seed):
    """Mirror, jitter, scale and crop in one: image and labels still agree on every pixel."""
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    chain = compose(mirror, partial(jitter, pixels=3), partial(scale, low=1, high=1), partial(crop, height=9, width=7))
    moved = as_numpy(chain(marked(height, width, y, x), seeded(seed)))
    label = moved["label"]["sem"]
    assert label.shape == (9, 7)
    assert len(place_of(label, 7)) <= 1
    assert all(found == place_of(label, 7) for found in places(moved))
    np.testing.assert_array_equal(moved["depth"] == 0, label == 255)
    np.testing.assert_array_equal(moved["label"]["geo"] == 255, label == 255)
