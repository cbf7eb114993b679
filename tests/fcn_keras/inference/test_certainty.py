"""Probabilities, confidence and entropy against softmax in float64."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict, predict_tiled
from fcn_keras.inference.certainty import KINDS, finish
from fcn_keras.models import FCN16s
from fcn_keras.probabilities import finish_of_probabilities, softmax
from tests.fcn_keras.inference.small_nets import NARROWEST, picture, randomize


def certain(scores):
    """What each kind has to be, in float64."""
    exact = np.asarray(scores, np.float64)
    logs = exact - exact.max(-1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(-1, keepdims=True))
    p = np.exp(logs)
    entropy = -(p * np.where(p > 0, logs, 0)).sum(-1) / max(np.log(p.shape[-1]), 1e-9)
    confidence = np.take_along_axis(p, exact.argmax(-1)[..., None], -1)[..., 0]
    stacked = np.stack([exact.argmax(-1), confidence, entropy], -1)
    return {"probabilities": p, "confidence": confidence, "entropy": entropy, "certainty": stacked}


def drawn(*shape, size=3.0):
    return np.random.default_rng(0).normal(0, size, shape).astype(np.float32)


SCORES = {
    "usual": drawn(5, 7, 21),
    "two classes": drawn(4, 4, 2),
    "one class": drawn(2, 2, 1),
    "ties": np.zeros((3, 3, 8), np.float32),
    "a tie of two": np.array([[[5, 5, -1], [0.0, -0.0, 0]]], np.float32),
    "many classes": drawn(2, 2, 300),
    "huge": np.array([[[3e38, -3e38, 0], [1e30, 1e30, 1e30], [-3e38, -3.1e38, -3.2e38]]], np.float32),
    "sure": np.array([[[0, -20, -110], [0, 90, 500]]], np.float32),
}


@pytest.mark.filterwarnings("ignore:.*softmax over axis")  # of one class all are 1, and that is right
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("kind", KINDS)
def test_of_scores_by_tensors_and_by_numpy(scores, kind):
    expected = certain(scores)
    found = keras.ops.convert_to_numpy(finish(kind)(keras.ops.convert_to_tensor(scores)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[kind], rtol=2e-6, atol=2e-7)
    again = finish_of_probabilities(kind)(softmax(scores))
    columns = slice(1, None) if kind == "certainty" else slice(None)  # classes that differ in float64 may tie
    np.testing.assert_allclose(again[..., columns], expected[kind][..., columns], rtol=2e-6, atol=2e-6)


@pytest.fixture(scope="module")
def net():
    return randomize(FCN16s({"sem": 7, "geo": 3}, channels=NARROWEST))


@pytest.mark.parametrize("kind", KINDS)
def test_one_pass_stages_and_tiles_say_the_same(net, kind):
    image = picture(150, 181)
    scores = predict(net, image, output="scores", memory=float("inf"))
    ways = [predict(net, image, output=kind, memory=memory) for memory in (float("inf"), 1)]
    ways.append(predict_tiled(net, image, tile=64, output=kind))
    for found in ways:
        assert set(found) == {"sem", "geo"}
        for head, map_ in found.items():
            expected = certain(scores[head])[kind]
            assert (map_.shape, map_.dtype) == (expected.shape, np.float32)
            np.testing.assert_allclose(map_, expected, atol=2e-5)
    assert ways[0]["sem"].std() > 0.001


def test_a_network_that_uses_a_layer_twice():
    image = keras.Input((None, None, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same")
    twice = keras.Model(image, keras.layers.BatchNormalization()(shared(shared(image))))
    pixels = picture(9, 8)
    scores = predict(twice, pixels, output="scores")
    np.testing.assert_allclose(predict(twice, pixels, output="entropy"), certain(scores)["entropy"], atol=1e-5)
