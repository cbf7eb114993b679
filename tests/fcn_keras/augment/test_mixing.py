"""CutMix, followed pixel by pixel: every pixel of a batch knows its example and its place."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import cutmix
from tests.fcn_keras.augment.examples import as_numpy, seed

HEIGHT, WIDTH = 10, 14
ALWAYS = partial(cutmix, probability=1.0)


def batch_of(count, height=HEIGHT, width=WIDTH):
    """RGB-D and HHA, two heads; the label is the example's number, the rest its number and the pixel's."""
    example = np.arange(count)[:, None, None] + np.zeros((1, height, width), int)
    number = example * 1000 + np.arange(height * width).reshape(height, width)
    four = np.stack([number, number + 1, number + 2, number + 3], -1).astype(np.float32)
    labels = {"sem": example.astype(np.uint8), "geo": (example + 100).astype(np.int32)}
    return {"rgb": four, "hha": four[..., :3] + 0.5}, labels


def mixed(batch, n=0, function=ALWAYS, **options):
    return as_numpy(function(batch, seed(n), **options))


def rectangle(mask):
    """Rows and columns of a mask's pixels, which must be all of a rectangle."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert mask.sum() == len(rows) * len(columns) == (rows[-1] + 1 - rows[0]) * (columns[-1] + 1 - columns[0])
    return rows, columns


def many(function, batch, count):
    seeds = tf.data.Dataset.range(count).map(lambda n: tf.stack([tf.constant(7, tf.int64), n]))
    return list(seeds.map(lambda s: function(batch, s)).as_numpy_iterator())


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_rectangle_of_one_other_example_comes_with_all_its_maps(count):
    source = batch_of(count)
    for n in range(6):
        inputs, labels = mixed(source, n)
        shifts = set()
        for i in range(count):
            (other,) = set(np.unique(labels["sem"][i])) - {i}
            shifts.add((int(other) - i) % count)
            covered = labels["sem"][i] == other
            rectangle(covered)
            for key, plane in {**inputs, "geo": labels["geo"]}.items():
                whole = source[0][key] if key in source[0] else source[1][key]
                where = covered if plane.ndim == 3 else covered[..., None]
                np.testing.assert_array_equal(plane[i], np.where(where, whole[other], whole[i]))
        assert len(shifts) == 1  # everyone has a partner, and is one


def test_by_hand():
    """Two pictures of one row of two pixels: half of each is the other's left or the other's right pixel."""
    images = np.float32([1, 2, 3, 4]).reshape(2, 1, 2, 1)
    labels = np.uint8([[[10, 255]], [[30, 40]]])  # void travels as any class does
    seen = set()
    for image, label in many(partial(ALWAYS, area=(0.5, 0.5)), (images, labels), 60):
        np.testing.assert_array_equal(label.ravel(), [{1: 10, 2: 255, 3: 30, 4: 40}[x] for x in image.ravel()])
        seen.add(tuple(image[0].ravel()))
    # A half of one row is its whole, of half the columns; or a round half of the row, none or all of it.
    assert {(3, 2), (1, 4)} <= seen <= {(3, 2), (1, 4), (3, 4), (1, 2)}


def test_areas_and_places_are_drawn_over_their_whole_range():
    labels = np.broadcast_to(np.uint8([0, 1])[:, None, None], (2, 40, 60))
    parts, firsts, lasts = [], [], []
    for _, label in many(partial(ALWAYS, area=(0.25, 0.5)), (labels[..., None], labels), 150):
        rows, columns = rectangle(label[0] == 1)
        parts.append(len(rows) * len(columns) / (40 * 60))
        firsts.append((rows[0], columns[0]))
        lasts.append((rows[-1], columns[-1]))
    assert 0.24 < min(parts) < 0.27
    assert 0.48 < max(parts) < 0.51
    assert abs(np.mean(parts) - 0.375) < 0.02
    assert tuple(np.min(firsts, 0)) == (0, 0)
    assert tuple(np.max(lasts, 0)) == (39, 59)
    sides = np.subtract(lasts, firsts) + 1
    assert (sides.min(0) < (14, 21)).all()  # flat ones, and narrow ones
    assert (sides.max(0) > (38, 57)).all()


def test_a_part_of_the_examples_is_mixed_each_by_its_own_coin():
    labels = np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None, None], (8, 6, 6))
    changed = [
        [(label[i] != i).any() for i in range(8)]
        for _, label in many(partial(cutmix, probability=0.25), (labels[..., None], labels), 100)
    ]
    assert 0.2 < np.mean(changed) < 0.3  # 3.3 standard deviations
    assert len({tuple(row) for row in changed}) > 30
    for _, label in many(partial(cutmix, probability=0), (labels[..., None], labels), 5):
        np.testing.assert_array_equal(label, labels)


def test_all_of_the_picture():
    labels = np.broadcast_to(np.uint8([0, 1, 2])[:, None, None], (3, 5, 4))
    for _, label in many(partial(ALWAYS, area=(1, 1)), (labels[..., None], labels), 8):
        assert label[:, 0, 0].tolist() in ([1, 2, 0], [2, 0, 1])
        np.testing.assert_array_equal(label, np.broadcast_to(label[:, :1, :1], (3, 5, 4)))


def test_a_batch_of_one_is_returned_as_it_is():
    for height, width in ((HEIGHT, WIDTH), (1, 1)):
        source = batch_of(1, height, width)
        tf.nest.map_structure(np.testing.assert_array_equal, mixed(source), source)


def test_shapes_and_dtypes_stay_known():
    spec = (tf.TensorSpec((4, None, 9, 3), tf.float32), {"sem": tf.TensorSpec((4, None, 9), tf.uint8)})
    traced = tf.function(ALWAYS).get_concrete_function(spec, tf.TensorSpec([2], tf.int64)).structured_outputs
    assert tf.nest.map_structure(lambda x: (x.shape.as_list(), x.dtype), traced) == tf.nest.map_structure(
        lambda x: (x.shape.as_list(), x.dtype), spec
    )


def test_same_seed_same_bytes_eagerly_and_in_map():
    source = batch_of(3)
    eager = [mixed(source, n) for n in (0, 1)]
    tf.nest.map_structure(np.testing.assert_array_equal, eager[0], mixed(source, 0))
    assert (eager[0][1]["sem"] != eager[1][1]["sem"]).any()
    for n, expected in enumerate(eager):
        (found,) = tf.data.Dataset.from_tensors(source).map(lambda *batch, n=n: ALWAYS(batch, seed(n)))
        tf.nest.map_structure(np.testing.assert_array_equal, as_numpy(found), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probability": 1.1}, "`probability` must be 0 to 1. Received: 1.1"),
        ({"area": (0, 0.5)}, r"`area` must be \(low, high\) with 0 < low <= high <= 1. Received: \(0, 0.5\)"),
        ({"area": (0.6, 0.5)}, r"Received: \(0.6, 0.5\)"),
        ({"area": (0.5, 1.5)}, r"Received: \(0.5, 1.5\)"),
    ],
)
def test_messages(options, message):
    with pytest.raises(ValueError, match=message):
        cutmix(batch_of(2), seed(0), **options)
