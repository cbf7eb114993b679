"""The demo's net, as it lies in the package."""

import json

import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.demo import net


@pytest.fixture(scope="module")
def model():
    return net.load()


def test_it_labels_scenes_that_it_has_not_seen(model):
    """By plain counting: at least nine of ten pixels, and every class of the scenes."""
    right = known = 0
    for example in net.scenes(8):
        labels, truth = fcn.predict(model, example["image"]), example["label"]
        right += int((labels == truth).sum())
        known += int((truth != 255).sum())
    assert right / known > 0.9


def test_the_file_is_small_and_its_arrays_are_halves(model):
    assert len(net.read("net.keras")) <= 3_000_000
    assert {weight.dtype for weight in model.weights} == {"float32"}
    for weight in model.weights:
        values = np.asarray(weight)
        assert np.array_equal(values, values.astype(np.float16).astype(np.float32))


def test_the_card_says_what_it_knows(model):
    card = json.loads(net.read("card.json"))
    assert tuple(card["knows"]) == net.CLASSES
    assert model.output_shape[-1] == len(net.CLASSES)
    assert card["parameters"] == model.count_params()
    assert "synthetic_fcn8s" in card["trained_by"]


def test_its_scenes_are_none_that_it_was_trained_or_scored_on():
    from fcn_keras_training.recipes.readers import SCENES

    assert net.SEED not in {seed for _, seed in SCENES.values()} | {4}  # 4: of the card's scores


def test_another_file_is_refused():
    with pytest.raises(ValueError, match=r"net\.keras, card\.json\. Received: 'x'"):
        net.read("x")
