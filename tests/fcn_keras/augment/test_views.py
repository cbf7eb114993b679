"""Moves of a view beside the same moves of pixels, one after the other."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.augment import color_jitter, compose, crop, jitter, mirror, outside, zoom
from fcn_keras.augment.chain import through
from fcn_keras.augment.views import View, filled
from tests.fcn_keras.augment.examples import as_numpy, example, seed

FILLS = outside(None, 255)
MOVED = {
    "mirror and jitter": compose(mirror, jitter),
    "twice": compose(partial(jitter, pixels=5), mirror, partial(jitter, pixels=5), mirror),
    "cropped": compose(mirror, partial(crop, height=6, width=15), mirror, partial(crop, height=9, width=4)),
    "zoomed": compose(mirror, jitter, color_jitter, partial(zoom, low=0.5, high=2.0), mirror),
    "another border": compose(jitter, mirror, partial(jitter, mean=(1, 2, 3.5)), partial(jitter, ignore_label=7)),
    "of one's own": compose(jitter, lambda e, s: {**e, "image": e["image"] + 1}, mirror, compose(jitter)),
}


@pytest.mark.parametrize("chain", MOVED.values(), ids=MOVED)
def test_a_view_shows_what_moved_pixels_are(chain):
    for n in range(4):
        source = example(heads=True)
        del source["id"]  # a function of one's own is traced, and returns it as a tensor
        seen = through(chain, View.of(source), seed(n), FILLS).shown(FILLS)
        tf.nest.map_structure(np.testing.assert_array_equal, as_numpy(seen), as_numpy(chain(source, seed(n))))


def test_only_what_shows_a_border_becomes_float():
    view = View.of(example())
    assert view.shown(FILLS) is view.example
    assert view.mirror(tf.constant(True)).shown(FILLS)["image"].dtype == tf.uint8
    assert view.window(0, 0, 3, 3).shown(FILLS)["image"].dtype == tf.float32


@pytest.mark.parametrize("window", [(-2, 3, 20, 20), (2, -3, 4, 5), (0, 0, 8, 11), (30, 0, 2, 2)])
def test_colours_are_filled_in_after_batching_as_at_once(window):
    view = View.of(example()).window(*window)
    padded, inside = view.padded(FILLS)
    assert padded["image"].dtype == tf.uint8
    shown = view.shown(FILLS)
    for key in ("image", "hha"):
        np.testing.assert_array_equal(filled(padded[key][None], inside[None], FILLS[key])[0], shown[key])
    for key in ("label", "depth"):
        np.testing.assert_array_equal(padded[key], shown[key])
