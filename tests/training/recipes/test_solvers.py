"""The two ways to descend, and the translation between them: by hand, and on a net."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from training.recipes.solvers import BATCH_20, HEAVY, Solver, translate

TINY = (((4, 1), (6, 1), (8, 1), (8, 1), (8, 1)), 8)


def test_the_papers_settings():
    assert (HEAVY.learning_rate, HEAVY.momentum, HEAVY.reduction, HEAVY.images) == (1e-10, 0.99, "sum", 1)
    assert (BATCH_20.learning_rate, BATCH_20.momentum, BATCH_20.reduction, BATCH_20.images) == (1e-4, 0.9, "mean", 20)


def test_translated_by_hand():
    mean = translate(HEAVY, reduction="mean", pixels=250_000)
    assert mean.learning_rate == pytest.approx(2.5e-5)  # 1e-10 x 250 000
    assert mean.weight_decay == pytest.approx(2e-9)  # 5e-4 / 250 000
    assert (mean.momentum, mean.images) == (0.99, 1)
    online = translate(BATCH_20, images=1)
    assert online.momentum == pytest.approx(0.9947458)  # the 20th root of 0.9
    assert online.learning_rate == pytest.approx(2.627087e-7, rel=1e-6)  # 1e-4 x (1 - 0.9947458) / (0.1 x 20)
    assert online.weight_decay == 5e-4
    chosen = translate(BATCH_20, images=1, reduction="sum", momentum=0.99, pixels=250_000)
    assert chosen.learning_rate == pytest.approx(2e-12)  # 1e-4 x 0.01 / (0.1 x 20) / 250 000
    # The docstring's "50 times as far an image".
    assert HEAVY.learning_rate / chosen.learning_rate == pytest.approx(50)


def test_there_and_back():
    there = translate(HEAVY, reduction="mean", images=20, momentum=0.5, pixels=77)
    back = translate(there, reduction="sum", images=1, momentum=0.99, pixels=77)
    assert back.learning_rate == pytest.approx(HEAVY.learning_rate)
    assert back.weight_decay == pytest.approx(HEAVY.weight_decay)
    assert translate(HEAVY) == HEAVY


def test_a_translated_reduction_gives_the_same_weights():
    size, rng = (24, 31), np.random.default_rng(0)
    image = rng.integers(0, 256, (1, *size, 3)).astype("float32")
    label = rng.integers(0, 3, (1, *size))
    solver = Solver(1e-6, momentum=0.9, reduction="sum", images=1, weight_decay=50.0)
    trained = []
    for s in (solver, translate(solver, reduction="mean", pixels=size[0] * size[1])):
        keras.utils.set_random_seed(1)
        model = fcn.FCN32s(3, channels=TINY, dropout=0)
        start = model.get_weights()
        optimizer = fcn.CaffeSGD(s.learning_rate, momentum=s.momentum, weight_decay=s.weight_decay)
        model.compile(optimizer, fcn.PixelCrossentropy(reduction=s.reduction))
        for _ in range(5):
            model.train_on_batch(image, label)
        trained.append([end - begin for end, begin in zip(model.get_weights(), start, strict=True)])
    assert max(np.abs(change).max() for change in trained[0]) > 1e-4
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-7)


def test_batch_and_momentum_carry_an_image_equally_far():
    """Sum what one image's gradient of 1 does to a weight, amid images without any."""

    def moved(solver, updates=20_000):
        gradient = 1 / solver.images * (100 if solver.reduction == "sum" else 1)  # of 100 pixels
        velocity, total = solver.learning_rate * gradient, 0.0
        for _ in range(updates):
            total += velocity
            velocity *= solver.momentum
        return total

    for wanted in (
        {"images": 1},
        {"images": 4, "momentum": 0.3},
        {"reduction": "sum"},
        {"images": 1, "reduction": "sum"},
    ):
        assert moved(translate(BATCH_20, pixels=100, **wanted)) == pytest.approx(moved(BATCH_20))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduction": "max"}, "`reduction` is one of .* Received: 'max'"),
        ({"momentum": 1.0}, "`momentum` is at least 0 and below 1. Received: 1.0"),
        ({"images": 0}, "`images` at least 1"),
        ({"learning_rate": 0}, "`learning_rate` is above 0"),
        ({"weight_decay": -1}, "`weight_decay` not negative"),
    ],
)
def test_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        replace(HEAVY, **change)


def test_no_pixels():
    with pytest.raises(ValueError, match=r"`pixels` is at least 1. Received: 0"):
        translate(HEAVY, pixels=0)
