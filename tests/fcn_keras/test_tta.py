"""The mean over mirrored and rescaled copies: against OpenCV's resize, by symmetry, tile by tile."""

import cv2
import keras
import numpy as np
import pytest
import scipy.special

from fcn_keras import tta as augmented
from fcn_keras.inference import one_pass, predict, tiles
from fcn_keras.models import FCN8s, FCN32s, LateFusion
from fcn_keras.probabilities import finish_of_probabilities
from fcn_keras.tta import predict_augmented

NARROWEST = (((4, 1), (4, 1), (6, 3), (6, 3), (8, 3)), 12)
SIZES = [(1, 1), (33, 47), (64, 96)]


def randomize(model, seed=3):
    """Draw all weights anew, the same ones at every run, and so that no class wins everywhere.

    Scores of hundreds, as an unlucky draw gives, would make every probability 0 or 1.
    """
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if "upscore" in variable.path:
            continue  # bilinear
        if variable.path.endswith("bias"):
            spread = 0.3
        elif "score" in variable.path:
            spread = 0.1 if "score_pool" in variable.path else 0.02
        else:
            spread = np.prod(variable.shape[:-1]) ** -0.5
        variable.assign(generator.normal(0, spread, variable.shape))
    return model


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(5, channels=NARROWEST))


def softmax(scores):
    return scipy.special.softmax(scores.astype("float64"), axis=-1)


@pytest.mark.parametrize("size", SIZES)
def test_one_plain_copy_is_predict(net, size):
    image = picture(*size)
    labels = predict_augmented(net, image, mirror=False, scales=(1,))
    np.testing.assert_array_equal(labels, predict(net, image))
    assert labels.dtype == np.uint8
    assert len(np.unique(labels)) == (1 if size == (1, 1) else 5)
    given = predict_augmented(net, image, mirror=False, scales=(1,), output="probabilities")
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, softmax(predict(net, image, output="scores")), atol=1e-6)


def test_a_mirrored_image_gives_mirrored_probabilities(net):
    image = picture(33, 47)
    given = predict_augmented(net, image, output="probabilities")
    mirrored = predict_augmented(net, image[:, ::-1], output="probabilities")
    np.testing.assert_allclose(mirrored[:, ::-1], given, atol=1e-5)
    plain = predict_augmented(net, image, mirror=False, output="probabilities")
    assert np.abs(plain - given).max() > 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_copies_are_resized_back_as_opencv_resizes(net, size):
    image, expected = picture(*size), []
    for scale in (0.5, 1.3):
        sides = tuple(max(1, round(side * scale)) for side in size)
        smooth = keras.ops.image.resize(image.astype("float32"), sides, interpolation="bilinear", antialias=True)
        copy = np.rint(np.asarray(smooth)).astype(np.uint8)
        for step in (1, -1):
            scores = predict(net, copy[:, ::step], output="scores")[:, ::step]
            back = cv2.resize(np.ascontiguousarray(scores), size[::-1], interpolation=cv2.INTER_LINEAR)
            expected.append(softmax(back))
    given = predict_augmented(net, image, scales=(0.5, 1.3), output="probabilities")
    confidence = predict_augmented(net, image, scales=(0.5, 1.3), output="confidence")
    np.testing.assert_array_equal(confidence, given.max(axis=-1))
    np.testing.assert_allclose(given, np.mean(expected, axis=0), atol=1e-4)
    np.testing.assert_allclose(given.sum(-1), 1, atol=1e-6)
    labels = predict_augmented(net, image, scales=(0.5, 1.3))
    np.testing.assert_array_equal(labels, given.argmax(-1))


def test_a_line_of_three_becomes_five_by_hand():
    # Five pixels centred on 0.5, 1.5, ... of 5 lie on -0.2, 0.4, 1, 1.6, 2.2 of three; the ends repeat.
    taps = augmented._taps(3, 5, 0, 5)
    given = augmented._mixed(np.array([[0], [10], [40]], "float32"), taps, 0)[:, 0]
    np.testing.assert_allclose(given, [0, 4, 10, 28, 40], rtol=1e-6)
    lower, upper, weight = augmented._taps(3, 5, 3, 5)  # a strip of them is the same
    np.testing.assert_array_equal([lower, upper], [[1, 2], [2, 2]])
    np.testing.assert_allclose(weight, [0.6, 0], atol=1e-6)


@pytest.mark.parametrize(("size", "tile"), [((577, 33), 32), ((100, 330), 96), ((1, 1), 1024)])
def test_tiles_give_the_result_of_whole_copies(net, size, tile):
    image = picture(*size)
    whole = predict_augmented(net, image, scales=(0.6, 1, 1.2), output="probabilities")
    tiled = predict_augmented(net, image, scales=(0.6, 1, 1.2), tile=tile, output="probabilities")
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)
    labels = predict_augmented(net, image, scales=(0.6, 1, 1.2), tile=tile)
    np.testing.assert_array_equal(labels, tiled.argmax(-1))


def test_copies_beyond_the_budget_are_computed_band_by_band(net):
    image = picture(150, 90)
    whole = predict_augmented(net, image, scales=(0.6, 1.2), output="probabilities")
    banded = predict_augmented(net, image, scales=(0.6, 1.2), output="probabilities", memory=1)
    np.testing.assert_allclose(banded, whole, rtol=0, atol=1e-5)


def test_no_more_than_a_strip_is_scored_at_once(net, monkeypatch):
    sizes = []
    run = tiles.run
    monkeypatch.setattr(tiles, "run", lambda m, x, output: sizes.append(x.shape[:2]) or run(m, x, output))
    predict_augmented(net, picture(1200, 20), tile=96, scales=(1, 1.25))
    assert max(sizes) == (96 + 2 * 256, 25)  # FCN-8s sees 245 pixels to each side


def test_heads_give_a_dict():
    net = randomize(FCN32s({"sem": 4, "geo": 2}, channels=NARROWEST))
    labels = predict_augmented(net, picture(37, 50))
    assert {head: (x.shape, x.dtype) for head, x in labels.items()} == {
        "sem": ((37, 50), np.uint8),
        "geo": ((37, 50), np.uint8),
    }


def test_depth_and_hha_keep_their_values(monkeypatch):
    seen = []
    monkeypatch.setattr(augmented, "run", lambda m, x, output: seen.append(x) or one_pass.run(m, x, output))
    rgb = picture(20, 30)
    depth = np.random.default_rng(0).choice([0, 1000, 5000], (20, 30, 1))
    early = FCN32s(4, modality="rgbd", channels=NARROWEST)
    assert predict_augmented(early, np.concatenate([rgb, depth], -1, dtype="float32")).shape == (20, 30)
    late = LateFusion(4, channels=NARROWEST)
    hha = np.random.default_rng(1).choice(np.array([3, 200], np.uint8), (20, 30, 3))
    assert predict_augmented(late, {"rgb": rgb, "hha": hha}).shape == (20, 30)
    assert len(seen) == 12
    for copy in seen[:6]:
        assert set(np.unique(copy[..., 3])) == {0, 1000, 5000}
        assert len(np.unique(copy[..., 0])) > 3
    for copy in seen[6:]:
        assert set(np.unique(copy["hha"])) == {3, 200}
        assert len(np.unique(copy["rgb"])) > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scales": ()}, r"`scales` are positive numbers, such as \(0.75, 1.0, 1.25\). Received: \(\)"),
        ({"scales": (1, 0)}, r"Received: \(1, 0\)"),
        ({"scales": (float("nan"),)}, r"Received: \(nan,\)"),
        (
            {"output": "scores"},
            r"`output` is one of \('labels', 'probabilities', 'confidence', .*\). Received: 'scores'",
        ),
        ({"tile": 33}, r"`tile` is a positive multiple of 32.*Received: 33"),
        ({"memory": 0}, r"`memory` is a positive number of MiB. Received: 0"),
        ({"tile": -32}, r"`tile` is a positive multiple of 32.*Received: -32"),
    ],
)
def test_wrong_options_are_named(net, options, message):
    with pytest.raises(ValueError, match=message):
        predict_augmented(net, picture(5, 5), **options)


def test_more_than_256_classes_take_two_bytes():
    probabilities = np.zeros((1, 2, 300), "float32")
    probabilities[0, :, [7, 299]] = np.eye(2)
    labels = finish_of_probabilities("labels")(probabilities)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, [[7, 299]])


def test_wrong_images_are_named(net):
    with pytest.raises(ValueError, match=r"Received shape \(5, 7\)"):
        predict_augmented(net, np.zeros((5, 7), "uint8"))
