"""Batches of views: every view once an epoch, the same order from any start, and `fit` learns from them."""

import collections

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from tests.training.features.test_views import TINY
from training.features.batches import Order, training_stream, validation_stream
from training.features.cut import cut
from training.features.views import Views

SIZES = ["a", "a", "b", "a", "b", "a", "a", "a", "b", "a"]


def test_an_epoch_has_every_view_in_batches_of_one_size():
    order = Order(SIZES, 2, seed=3)
    assert len(order) == 6  # 7 of a and 3 of b: 4 + 2 batches
    for epoch in range(3):
        batches = [order[epoch * 6 + i] for i in range(6)]
        assert all(len({SIZES[view] for view in batch}) == 1 for batch in batches)
        seen = collections.Counter(int(view) for batch in batches for view in batch)
        assert set(seen) == set(range(10))
        assert sum(seen.values()) == 12
    assert [order[i].tolist() for i in range(6)] != [order[6 + i].tolist() for i in range(6)]


def test_the_order_depends_on_the_seed_alone():
    first, again, other = (Order(SIZES, 2, seed=seed) for seed in (3, 3, 4))
    listed = [first[i].tolist() for i in range(30)]
    assert [again[i].tolist() for i in reversed(range(30))][::-1] == listed
    assert [other[i].tolist() for i in range(30)] != listed


@pytest.mark.parametrize("heads", [False, True])
def test_batches_hold_the_views_and_go_on_from_any_start(tmp_path, heads):
    generator = np.random.default_rng(0)

    def example():
        ids = generator.integers(0, 2, (33, 40)).astype(np.uint8)
        return {
            "image": generator.integers(0, 256, (33, 40, 3), np.uint8),
            "label": {"x": ids, "y": 1 - ids} if heads else ids,
        }

    examples = [example() for _ in range(4)]
    model = fcn.FCN8s({"x": 2, "y": 2} if heads else 2, channels=TINY)
    for layer in model.layers:
        layer.trainable = not layer.name.startswith(("conv", "upscore"))
    parts = cut(model)
    views = Views(tmp_path / "views", 4, {}, mirrored=True)
    views.compute(parts.frozen, fcn.batches(examples))
    order = Order(views.sizes(), 3, seed=0)
    stream = list(training_stream(views, order, parts).take(5))
    later = list(training_stream(views, order, parts, start=3).take(2))
    for ours, theirs in zip(keras.tree.flatten(later), keras.tree.flatten(stream[3:]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    maps, labels = stream[1]
    assert [x.shape[0] for x in keras.tree.flatten((maps, labels))] == [3] * (4 + 1 + heads)
    size = maps[parts.inputs.index("preprocess")]
    assert size.shape == (3, 33, 40, 3)
    for place, view in enumerate(order[1]):
        (pool4,), ids = views.read(view, ["pool4"])
        np.testing.assert_array_equal(maps[parts.inputs.index("pool4")][place], pool4.astype("float32"))
        np.testing.assert_array_equal(keras.tree.flatten(labels)[0][place], ids["x" if heads else ""])


def test_what_is_learned_from_views_is_what_is_learned_from_images(tmp_path):
    """One step of gradient descent on the part, from files, beside one on the whole network, from pixels."""
    generator = np.random.default_rng(0)
    examples = [
        {
            "image": generator.integers(0, 256, (32, 64, 3), np.uint8),
            "label": generator.integers(0, 3, (32, 64), np.uint8),
        }
        for _ in range(2)
    ]
    learned = []
    for cached in (True, False):
        keras.utils.set_random_seed(0)
        model = fcn.FCN8s(3, channels=TINY, dropout=0.0)
        for layer in model.layers:
            layer.trainable = not layer.name.startswith(("conv", "upscore"))
        stream, part = fcn.batches(examples, batch_size=2), model
        if cached:
            parts = cut(model)
            part = parts.trainable
            views = Views(tmp_path / "views", 2, {}, mirrored=False)
            views.compute(parts.frozen, fcn.batches(examples))
            stream = training_stream(views, Order(views.sizes(), 2, seed=0), parts).take(1)
            assert len(list(validation_stream(views, parts))) == 2
        part.compile(keras.optimizers.SGD(0.1), fcn.PixelCrossentropy(), run_eagerly=True)
        part.fit(stream, verbose=0)
        learned.append(model.get_weights())
    moved = 0
    for ours, theirs in zip(*learned, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=2e-4)
        moved += np.abs(theirs).sum() > 0
    assert moved > 10
