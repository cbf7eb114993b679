"""Rotation against loops over pixels in float64, and against NumPy's own quarter turns."""

import math
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import HHA_MEAN, rotate, turn
from tests.fcn_keras.augment.examples import as_numpy, example, seed

MEAN_RGB = (122.67892, 116.66877, 104.00699)


def noisy(height, width):
    generator = np.random.default_rng(height * width)
    return {
        "image": generator.integers(0, 256, (height, width, 3), np.uint8),
        "label": {head: generator.integers(0, 21, (height, width), np.uint8) for head in ("sem", "geo")},
        "depth": generator.integers(1, 9999, (height, width), np.uint16),
        "hha": generator.integers(0, 256, (height, width, 3), np.uint8),
    }


def places(height, width, degrees):
    """Where in the picture each pixel of the result comes from, `(H, W)` of y and of x.

    Counter-clockwise on a page whose y goes down: a point to the right of the centre goes up.
    """
    angle = math.radians(degrees)
    up = (height - 1) / 2 - np.arange(height)[:, None] + np.zeros(width)
    right = np.arange(width) - (width - 1) / 2 + np.zeros((height, 1))
    from_right = right * math.cos(angle) + up * math.sin(angle)
    from_up = -right * math.sin(angle) + up * math.cos(angle)
    return (height - 1) / 2 - from_up, from_right + (width - 1) / 2


def expected(source, degrees, fill, bilinear):
    """A map after a rotation, a pixel at a time, and which of its pixels are too near a tie to say."""
    height, width = source.shape[:2]
    ys, xs = places(height, width, degrees)
    result, unsure = np.empty(source.shape, "float64"), np.zeros((height, width), bool)
    for i, (y, x) in enumerate(zip(ys.ravel(), xs.ravel(), strict=True)):
        at = divmod(i, width)
        unsure[at] = min(abs(v + 0.5 - round(v + 0.5)) for v in (y, x)) < 1e-4
        if not (-0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5):
            result[at] = fill
        elif bilinear:
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            top, left = min(int(y), max(height - 2, 0)), min(int(x), max(width - 2, 0))
            result[at] = sum(
                (1 - abs(y - r)) * (1 - abs(x - c)) * source[r, c].astype("float64")
                for r in {top, min(top + 1, height - 1)}
                for c in {left, min(left + 1, width - 1)}
            )
        else:
            result[at] = source[math.floor(y + 0.5), math.floor(x + 0.5)]
    return result, unsure


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 7), (1, 1)])
@pytest.mark.parametrize("quarters", [-2, -1, 0, 1, 2, 4])
def test_quarter_turns_of_a_square_are_exact(height, width, quarters):
    source = noisy(height, width)
    tf.nest.map_structure(
        lambda x, found: np.testing.assert_array_equal(found, np.rot90(x, quarters)),
        source,
        as_numpy(turn(source, 90.0 * quarters)),
    )


@pytest.mark.parametrize("degrees", [0.0, 180.0, -180.0])
def test_half_turns_of_any_picture_are_exact(degrees):
    source = noisy(5, 8)
    tf.nest.map_structure(
        lambda x, found: np.testing.assert_array_equal(found, np.rot90(x, 2) if degrees else x),
        source,
        as_numpy(turn(source, degrees)),
    )


def test_a_quarter_turn_by_hand():
    """Of 2x4 pixels the middle 2x2 stay, and turn counter-clockwise; the rest comes from above and below."""
    moved = as_numpy(turn({"label": np.uint8([[1, 2, 3, 4], [5, 6, 7, 8]])}, 90.0))
    np.testing.assert_array_equal(moved["label"], [[255, 3, 7, 255], [255, 2, 6, 255]])


@pytest.mark.parametrize(("height", "width"), [(9, 9), (8, 13), (12, 5), (1, 6)])
@pytest.mark.parametrize("degrees", [0.3, 10.0, -33.3, 45.0, 78.9, 131.0, -170.0])
def test_every_map_is_the_definition(height, width, degrees):
    source = noisy(height, width)
    moved = as_numpy(turn(source, degrees))
    fills = {"image": MEAN_RGB, "hha": HHA_MEAN, "label": 255, "depth": 0}
    for key, fill in fills.items():
        heads = source[key].items() if key == "label" else [(None, source[key])]
        for head, plane in heads:
            found = moved[key] if head is None else moved[key][head]
            wanted, unsure = expected(plane, degrees, fill, bilinear=key == "image")
            assert unsure.mean() < 0.2
            np.testing.assert_allclose(found[~unsure], wanted[~unsure], rtol=1e-6, atol=0.02)
            assert found.dtype == (np.float32 if key in ("image", "hha") else plane.dtype)


def test_outside_is_the_same_in_all_maps():
    source = noisy(9, 14)
    source["label"]["sem"] %= 21
    moved = as_numpy(turn(source, 25.0, mean=(1, 2, 3), ignore_label=99))
    void = moved["label"]["sem"] == 99
    assert 0.1 < void.mean() < 0.5
    np.testing.assert_array_equal(moved["label"]["geo"] == 99, void)
    np.testing.assert_array_equal(moved["depth"] == 0, void)
    np.testing.assert_array_equal((moved["image"] == np.float32([3, 2, 1])).all(-1), void)
    np.testing.assert_array_equal((moved["hha"] == np.float32(HHA_MEAN)).all(-1), void)


def test_angles_are_uniform_in_both_directions():
    """A bright point far right of the centre tells the angle: `up / right` is its tangent."""
    image = np.zeros((41, 41, 3), np.float32)
    image[18:23, 36:41] = 200
    seeds = tf.data.Dataset.range(200).map(lambda n: tf.stack([tf.constant(7, tf.int64), n]))
    angles = []
    for moved in seeds.map(lambda s: rotate({"image": image}, s, degrees=30, mean=(0, 0, 0))["image"]):
        plane = np.asarray(moved)[..., 0]
        rows, columns = np.indices(plane.shape) - 20
        angles.append(math.degrees(math.atan2(-(plane * rows).sum(), (plane * columns).sum())))
    assert -30.2 < min(angles) < -28
    assert 28 < max(angles) < 30.2
    assert 70 < sum(angle > 0 for angle in angles) < 130


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 11)])
def test_same_seed_same_bytes_eagerly_and_in_map(size):
    source = {key: value for key, value in example(*size, heads=True).items() if key != "id"}
    function = partial(rotate, degrees=40)
    for n in (0, 1):
        eager = as_numpy(function(source, seed(n)))
        (mapped,) = tf.data.Dataset.from_tensors(source).map(lambda e, n=n: function(e, seed(n)))
        tf.nest.map_structure(np.testing.assert_array_equal, eager, as_numpy(mapped))
    if size == (8, 11):
        others = [as_numpy(function(source, seed(n)))["label"]["sem"] for n in (0, 1)]
        assert (others[0] != others[1]).any()


def test_nothing_moves_where_degrees_are_zero():
    source = noisy(4, 5)
    tf.nest.map_structure(np.testing.assert_array_equal, as_numpy(rotate(source, seed(0), degrees=0)), source)


@pytest.mark.parametrize("degrees", [-1, 181])
def test_messages(degrees):
    with pytest.raises(ValueError, match=f"`degrees` must be 0 to 180. Received: {degrees}"):
        rotate(example(), seed(0), degrees=degrees)
