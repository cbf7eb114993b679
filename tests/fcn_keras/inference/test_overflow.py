"""What is known of weights and sums, and when it is looked at again."""

import numpy as np
import pytest

from fcn_keras.inference import overflow
from fcn_keras.inference.overflow import watch_of
from fcn_keras.models import FCN8s, FCN32s
from tests.fcn_keras.inference.small_nets import NARROWEST, randomize


def test_weights_are_weighed_as_they_are():
    net = randomize(FCN32s(3, channels=NARROWEST))
    watch = watch_of(net)
    assert watch is watch_of(net)
    assert watch.observed == {"fc6", "fc7"}
    for factor in (1, 2):
        net.get_layer("conv5_1").kernel.assign(net.get_layer("conv5_1").kernel * factor)
        expected = [sum(np.square(np.asarray(w)).sum() for w in x.weights) for x in watch.weighed]
        np.testing.assert_allclose(watch.weigh(), expected, rtol=1e-5)


# Roots of the sums of squares of the weights of VGG16, trained on ImageNet, and of a head that was trained on it.
VGG16 = (4.2, 10.9, 13.6, 14.9, 17.3, 18.9, 19.6, 23.6, 25.4, 25.3, 26.8, 26.4, 25.0)
HEAD = {
    "score_fr": 0.7,
    "score_pool4": 0.6,
    "score_pool3": 0.4,
    "upscore2": 4.2,
    "upscore_pool4": 4.3,
    "upscore8": 17.7,
}


def test_a_trained_net_is_shown_not_to_overflow_however_narrow_its_head_is():
    """Else every image would be computed thoroughly, which is slower."""
    net = FCN8s(11, channels=(((4, 2), (4, 2), (6, 3), (6, 3), (8, 3)), 12))
    watch = watch_of(net)
    convolutions = [x.name for x in watch.weighed if x.name.startswith("conv")]
    sizes = {**dict(zip(convolutions, VGG16, strict=True)), **HEAD}
    squares = np.array([sizes[x.name] ** 2 for x in watch.weighed])
    assert watch.accepts(squares, 0.0)
    assert watch.accepts(squares, 1e10)
    assert not watch.accepts(squares * 2.0**24, 1e10)


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
