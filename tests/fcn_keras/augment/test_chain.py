from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import (
    color_jitter,
    compose,
    crop,
    drawn_crop,
    drawn_scales,
    jitter,
    keeps_size,
    mirror,
    rotate,
    scale,
    zoom,
)
from tests.fcn_keras.augment.examples import as_numpy, example, seed


def test_compose_gives_each_function_its_own_seed():
    seeds = []
    compose(*[lambda e, s: seeds.append(tuple(np.asarray(s))) or e] * 3)({}, seed(0))
    compose(*[lambda e, s: seeds.append(tuple(np.asarray(s))) or e] * 3)({}, seed(1))
    assert len(set(seeds)) == 6


TURNED = partial(rotate, degrees=20)
HALVED = partial(scale, low=0.5, high=2.0)
CUT = partial(crop, height=6, width=9)


@pytest.mark.parametrize(
    ("function", "keeps"),
    [
        (mirror, True),
        (jitter, True),
        (color_jitter, True),
        (TURNED, True),
        (partial(zoom, low=0.5, high=2.0), True),
        (compose(color_jitter, mirror, compose(TURNED, partial(jitter, pixels=3))), True),
        (HALVED, False),
        (partial(scale, low=1, high=1), False),
        (CUT, False),
        (compose(mirror, HALVED, CUT), False),
    ],
)
def test_sizes_are_known_without_a_trace_as_a_trace_tells_them(function, keeps):
    assert keeps_size(function) is keeps
    spec = {"image": tf.TensorSpec((13, 17, 3), tf.uint8), "label": tf.TensorSpec((13, 17), tf.uint8)}
    traced = tf.function(function).get_concrete_function(spec, tf.TensorSpec([2], tf.int64)).structured_outputs
    assert all(x.shape[:2] == (13, 17) for x in traced.values()) is keeps


def test_only_a_trace_tells_of_functions_from_elsewhere():
    assert keeps_size(lambda example, seed: example) is None
    assert keeps_size(compose(mirror, lambda example, seed: example)) is None
    assert keeps_size(compose()) is True


@pytest.mark.parametrize(
    ("function", "scales", "window"),
    [
        (None, None, None),
        (mirror, None, None),
        (compose(mirror, jitter), None, None),
        (HALVED, (0.5, 2.0), None),
        (partial(zoom, low=0.75, high=1.5), (0.75, 1.5), None),
        (compose(mirror, compose(HALVED, CUT), partial(scale, low=0.5, high=0.5)), (0.25, 1.0), (6, 9)),
        (compose(CUT, partial(CUT, height=4)), None, (4, 9)),
        (lambda example, seed: example, None, None),
    ],
)
def test_what_is_drawn_is_told(function, scales, window):
    assert drawn_scales(function) == scales
    assert drawn_crop(function) == window


@pytest.mark.parametrize("size", [(5, 7), (30, 41)])
def test_half_to_double_and_a_crop_of_every_map(size):
    """What a recipe does: colours, any scale from half to double, a turn, and a window of one size."""
    chain = compose(color_jitter, mirror, HALVED, TURNED, partial(crop, height=12, width=15))
    seen = set()
    for n in range(12):
        source = example(*size, heads=True)
        source["depth"] = source["label"]["sem"].astype(np.uint16) + 1
        moved = as_numpy(chain(source, seed(n)))
        label = moved["label"]["sem"]
        assert [moved[key].shape for key in ("image", "depth", "hha")] == [(12, 15, 3), (12, 15), (12, 15, 3)]
        void = moved["depth"] == 0
        seen.add(bool(void.any()))
        np.testing.assert_array_equal(moved["label"]["geo"], label)
        np.testing.assert_array_equal(moved["hha"][~void], np.repeat(label[~void][:, None], 3, axis=1))
        np.testing.assert_array_equal(moved["depth"][~void], label[~void].astype(int) + 1)
        np.testing.assert_array_equal(label[void], 255)
        np.testing.assert_allclose(moved["image"][void], np.tile([[122.67892, 116.66877, 104.00699]], (void.sum(), 1)))
    assert seen == ({True} if size == (5, 7) else {True, False})
