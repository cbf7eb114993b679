"""What is known of weights and sums, and when it is looked at again."""

import numpy as np
import pytest

from fcn_keras.inference import overflow
from fcn_keras.inference.overflow import watch_of
from fcn_keras.models import FCN32s
from tests.fcn_keras.inference.small_nets import NARROWEST, randomize


def test_weights_are_weighed_as_they_are():
    net = randomize(FCN32s(3, channels=NARROWEST))
    watch = watch_of(net)
    assert watch is watch_of(net)
    assert not watch.observed
    for factor in (1, 2):
        net.get_layer("fc7").kernel.assign(net.get_layer("fc7").kernel * factor)
        expected = [sum(np.square(np.asarray(w)).sum() for w in x.weights) for x in watch.weighed]
        np.testing.assert_allclose(watch.weigh(), expected, rtol=1e-5)


def test_what_was_accepted_covers_what_is_no_larger(monkeypatch):
    net = randomize(FCN32s(3, channels=NARROWEST))
    watch = watch_of(net)
    squares = watch.weigh()
    assert watch.accepts(squares, 0.0)
    monkeypatch.setattr(overflow, "is_bounded", lambda *_: False)
    assert watch.accepts(squares, 0.0)
    assert watch.accepts(squares * 0.5, overflow.USUAL)
    for worse in (squares * 1.001, squares * np.nan, squares * np.inf):
        assert not watch.accepts(worse, 0.0)
        assert watch.is_doubtful
    for observed in (overflow.USUAL * 2, np.nan, np.inf):
        assert not watch.accepts(squares, observed)
    assert watch.accepts(squares, 0.0)
    assert not watch.is_doubtful


def test_the_layers_whose_results_are_no_numbers_are_named():
    net = FCN32s(3, channels=NARROWEST)
    overflow.require_numbers(net, ["conv1_1", "fc6"], np.array([[True], [True]]))
    with pytest.raises(ValueError, match="sums of fc6 that leave float32, of fcn32s: its weights are finite"):
        overflow.require_numbers(net, ["conv1_1", "fc6", "fc7"], np.array([[True], [False], [False]]))
