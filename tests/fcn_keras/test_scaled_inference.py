"""Photographs at the scale that a network knows: what is computed, and what survives a file."""

import json
import zipfile

import keras
import numpy as np
import pytest

import fcn_keras as fcn
from fcn_keras import keras_files
from fcn_keras.interface import in_float32
from fcn_keras.photographs import Photographs
from fcn_keras.scaled_inference import photographs_of, predict_scaled, reduce_image, remember_photographs
from fcn_keras.scaling import area_reduced, finished_at, labels_at, nearest_reduced
from tests.fcn_keras.small_nets import net, randomise

KNOWN = Photographs((40, 48), (40, 48), (40, 48), scales=(0.5, 1.0), crop=(32, 32))


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def known():
    model = randomise(net(classes=3))
    remember_photographs(model, KNOWN)
    return model


def test_a_far_larger_photograph_is_reduced_and_its_scores_are_brought_back(known):
    image = picture(200, 240)
    scores = fcn.predict(known, area_reduced(image, (40, 48)), output="scores")
    labels = predict_scaled(known, image)
    np.testing.assert_array_equal(labels, labels_at(scores, (200, 240)))
    assert (labels.shape, labels.dtype) == ((200, 240), np.uint8)
    assert (labels != fcn.predict(known, image)).any()


def test_others_stay_as_they_are(known):
    for size in ((50, 60), (33, 10), (1, 1)):
        image = picture(*size)
        np.testing.assert_array_equal(predict_scaled(known, image), fcn.predict(known, image))
    image = picture(100, 100)
    np.testing.assert_array_equal(predict_scaled(known, image, scale=1), fcn.predict(known, image))
    ignorant = keras.models.clone_model(known)
    remember_photographs(ignorant, None)
    np.testing.assert_array_equal(predict_scaled(ignorant, image), fcn.predict(ignorant, image))


def test_a_scale_that_is_given(known):
    image = picture(100, 150)
    for scale, size in ((0.5, (50, 75)), (60, (40, 60))):
        expected = labels_at(fcn.predict(known, area_reduced(image, size), output="scores"), (100, 150))
        np.testing.assert_array_equal(predict_scaled(known, image, scale=scale), expected)
    for wrong in (0, -1, 1.5, float("nan"), float("inf"), "640", "none"):
        with pytest.raises(ValueError, match="`scale` is a factor above 0 and up to 1, or the longer side"):
            predict_scaled(known, image, scale=wrong)
    with pytest.raises(ValueError, match="`image` must be"):
        predict_scaled(known, image[..., 0])


def test_another_predictor_gets_what_is_to_be_scored(known):
    asked = []

    def predictor(model, image, *, output):
        asked.append((image.shape, output))
        return fcn.predict(model, image, output=output)

    predict_scaled(known, picture(80, 96), predictor=predictor)
    predict_scaled(known, picture(30, 30), predictor=predictor)
    assert asked == [((40, 48, 3), "scores"), ((30, 30, 3), "labels")]


def test_depth_and_hha_take_the_nearest_pixel():
    rgbd = net(modality="rgbd", classes=2)
    image = np.concatenate([picture(9, 7).astype("float32"), picture(9, 7, 1) * np.float32(20)], axis=-1)
    reduced = reduce_image(rgbd, image, (4, 3))
    np.testing.assert_array_equal(reduced[..., :3], area_reduced(image[..., :3].astype(np.uint8), (4, 3)))
    np.testing.assert_array_equal(reduced[..., 3:], nearest_reduced(image[..., 3:], (4, 3)))
    assert reduced.dtype == np.float32
    fused = net(fcn.LateFusion, classes=2)
    images = {"rgb": picture(9, 7, seed=1), "hha": picture(9, 7, seed=2)}
    reduced = reduce_image(fused, images, (4, 3))
    np.testing.assert_array_equal(reduced["rgb"], area_reduced(images["rgb"], (4, 3)))
    np.testing.assert_array_equal(reduced["hha"], nearest_reduced(images["hha"], (4, 3)))


def test_several_heads():
    model = randomise(net(classes={"sem": 4, "geo": 3}))
    labels = predict_scaled(model, picture(64, 80), scale=40)
    assert {head: x.shape for head, x in labels.items()} == {"sem": (64, 80), "geo": (64, 80)}


def test_what_is_known_survives_files_and_copies(known, tmp_path):
    known.save(tmp_path / "net.keras")
    for load in (keras.models.load_model, keras_files.load_model):
        assert photographs_of(load(tmp_path / "net.keras")) == KNOWN
    assert photographs_of(in_float32(known, matrices=False)) == KNOWN
    assert photographs_of(known.__class__.from_config(known.get_config())) == KNOWN
    assert photographs_of(keras.models.clone_model(known)) == KNOWN


def test_a_file_with_impossible_photographs_is_refused(known, tmp_path):
    known.save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as source, zipfile.ZipFile(tmp_path / "bad.keras", "w") as target:
        for name in source.namelist():
            contents = source.read(name)
            if name == "config.json":
                config = json.loads(contents)
                layer = next(x for x in config["config"]["layers"] if x["class_name"] == "Preprocess")
                layer["config"]["photographs"]["median"] = [0, 10**12]
                contents = json.dumps(config).encode()
            target.writestr(name, contents)
    with pytest.raises(ValueError, match=r"bad\.keras cannot be loaded"):
        keras_files.load_model(tmp_path / "bad.keras")


def test_how_sure_the_pixels_of_a_reduced_photograph_are(known):
    image = picture(200, 240)
    scores = predict_scaled(known, image, output="scores").astype(np.float64)
    assert scores.shape == (200, 240, 3)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    found = predict_scaled(known, image, output="certainty")
    np.testing.assert_array_equal(found[..., 0], predict_scaled(known, image))
    np.testing.assert_allclose(found[..., 1], 1 / powers.sum(-1), rtol=1e-5)
    # Of copies, the mean probabilities are brought back.
    mean = fcn.predict_augmented(known, area_reduced(image, (40, 48)), scales=(1,), output="probabilities")
    copies = {"predictor": lambda *given, output: fcn.predict_augmented(*given, scales=(1,), output=output)}
    confidence = predict_scaled(known, image, output="confidence", interpolated="probabilities", **copies)
    np.testing.assert_allclose(confidence, finished_at(mean, (200, 240), lambda x: x.max(-1)))
    with pytest.raises(ValueError, match="Received: 'probabilities' for 'scores'"):
        predict_scaled(known, image, output="scores", interpolated="probabilities")
