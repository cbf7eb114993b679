"""What a net says of a photograph is what its own scores say."""

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import remember_photographs
from tests.training.tiny import NAMES, NARROW, picture, randomize
from training.rank import looking
from training.rank.looking import Looking


@pytest.fixture(scope="module")
def model():
    return randomize(fcn.FCN32s(4, channels=NARROW))


@pytest.fixture(scope="module")
def look(model):
    return Looking(model, {"": NAMES}, None, None)


def probabilities_of(model, image):
    scores = fcn.predict(model, image, output="scores").astype(np.float64)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def entropy_of(p):
    return -(p * np.log(np.maximum(p, 1e-12))).sum(-1)


def features_of(model, image):
    means = keras.Model(model.input, model.get_layer("fc7").output)
    return np.asarray(means(image[None])).mean((0, 1, 2))


def test_entropy_margin_and_features(model, look):
    image = picture(130, 70)
    seen, p = look(image), probabilities_of(model, image)
    entropy = entropy_of(p) / np.log(4)
    assert seen.entropy == pytest.approx(entropy.mean(), abs=1e-4)
    ordered = np.sort(p, -1)
    assert seen.margin == pytest.approx((ordered[..., -1] - ordered[..., -2]).mean(), abs=1e-5)
    two = np.sort(p.argsort(-1)[..., -2:], -1)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    weight = [entropy[(two == pair).all(-1)].sum() for pair in pairs]
    assert seen.between == tuple(NAMES[index] for index in pairs[int(np.argmax(weight))])
    assert seen.agreement is None
    np.testing.assert_allclose(seen.features, features_of(model, image), rtol=1e-4, atol=1e-5)


def test_a_photograph_that_is_too_large_for_one_pass(model, look, monkeypatch):
    image = picture(130, 70)
    whole = look(image)
    monkeypatch.setattr(looking, "fits", lambda model, images, memory: images.shape[0] < 100)
    banded = look(image)
    assert banded.entropy == pytest.approx(whole.entropy, abs=1e-5)
    assert banded.features.shape == whole.features.shape


def test_copies_agree_where_all_have_one_label(model):
    image = picture(64, 96)
    seen = Looking(model, {"": NAMES}, (0.75, 1.0), None)(image)
    copies = [(x, scale) for x in (image, image[:, ::-1]) for scale in (0.75, 1)]
    labels = [fcn.predict_augmented(model, x, mirror=False, scales=(scale,)) for x, scale in copies]
    labels[2:] = [each[:, ::-1] for each in labels[2:]]
    assert seen.agreement == pytest.approx(np.all([each == labels[0] for each in labels], axis=0).mean())
    p = fcn.predict_augmented(model, image, scales=(0.75, 1), output="probabilities").astype(np.float64)
    assert seen.entropy == pytest.approx(entropy_of(p).mean() / np.log(4), abs=1e-4)


def test_at_the_scale_of_the_training(model):
    known = keras.models.clone_model(model)
    known.set_weights(model.get_weights())
    remember_photographs(known, Photographs.of([(48, 64)] * 3))
    image = picture(6, 8).repeat(80, axis=0).repeat(80, axis=1)
    reduced = picture(6, 8).repeat(8, axis=0).repeat(8, axis=1)
    seen = Looking(known, {"": NAMES}, None, None)
    assert seen(image).entropy == pytest.approx(seen(reduced).entropy, abs=1e-6)
    whole = Looking(known, {"": NAMES}, None, 1)(image[:96, :128])
    assert whole.entropy == pytest.approx(
        entropy_of(probabilities_of(model, image[:96, :128])).mean() / np.log(4), abs=1e-4
    )


def test_several_heads_and_one_class():
    model = randomize(fcn.FCN32s({"sem": 4, "geo": 1}, channels=NARROW))
    seen = Looking(model, {"sem": NAMES, "geo": ("all",)}, None, None)(picture(40, 40))
    single = {"sem": probabilities_of(_head(model, "sem"), picture(40, 40))}["sem"]
    assert seen.entropy == pytest.approx(entropy_of(single).mean() / np.log(4) / 2, abs=1e-4)
    assert set(seen.between) <= set(NAMES)


def _head(model, name):
    return keras.Model(model.input, model.output[name])


def test_a_net_without_fc7_is_refused():
    given = keras.Input((None, None, 3))
    model = keras.Model(given, keras.layers.Conv2D(4, 1)(given), name="flat")
    with pytest.raises(ValueError, match="flat has no layer fc7"):
        Looking(model, {"": NAMES}, None, None)
