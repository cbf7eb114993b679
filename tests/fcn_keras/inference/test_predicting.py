"""Labels of whole images."""

import keras
import numpy as np
import pytest

from fcn_keras.inference import predict
from fcn_keras.models import FCN8s, FCN16s, FCN32s, LateFusion
from tests.fcn_keras.inference.small_nets import NARROW, picture, randomize


@pytest.fixture(scope="module")
def net():
    return randomize(FCN8s(21, channels=NARROW))


@pytest.mark.parametrize("size", [(1, 1), (33, 47), (64, 96), (100, 31)])
def test_labels_are_the_argmax_of_the_scores(net, size):
    image = picture(*size)
    scores = net(image[None].astype("float32"), training=False).numpy()[0]
    labels = predict(net, image)
    assert labels.shape == size
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scores.argmax(-1))
    given = predict(net, image, output="scores")
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, scores, atol=1e-5)


def test_the_first_class_wins_a_tie():
    net = FCN32s(5, channels=NARROW)  # scoring starts at zero: all classes are equal
    np.testing.assert_array_equal(predict(net, picture(40, 50)), np.zeros((40, 50)))


def test_heads_give_a_dict():
    net = randomize(FCN16s({"sem": 7, "geo": 300}, channels=NARROW))
    image = picture(37, 50)
    labels = predict(net, image)
    scores = net(image[None].astype("float32"), training=False)
    assert {head: x.dtype for head, x in labels.items()} == {"sem": np.uint8, "geo": np.uint16}
    for head, given in labels.items():
        np.testing.assert_array_equal(given, scores[head].numpy()[0].argmax(-1))


def test_depth_and_late_fusion():
    rgb, hha = picture(20, 30), picture(20, 30, seed=1)
    late = randomize(LateFusion(4, channels=NARROW))
    inputs = {"rgb": rgb[None].astype("float32"), "hha": hha[None].astype("float32")}
    expected = late(inputs, training=False).numpy()[0].argmax(-1)
    np.testing.assert_array_equal(predict(late, {"hha": hha, "rgb": rgb}), expected)
    early = randomize(FCN32s(4, modality="rgbd", channels=NARROW))
    rgbd = np.concatenate([rgb.astype("uint16"), np.full((20, 30, 1), 4321, "uint16")], -1)
    expected = early(rgbd[None].astype("float32"), training=False).numpy()[0].argmax(-1)
    np.testing.assert_array_equal(predict(early, rgbd), expected)


def test_mixed_precision_is_compared_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = randomize(FCN32s(4, channels=NARROW))
    finally:
        keras.config.set_dtype_policy("float32")
    image = picture(40, 33)
    assert predict(net, image, output="scores").dtype == np.float32
    assert predict(net, image).dtype == np.uint8


def test_an_image_beyond_the_budget_gets_the_labels_of_one_pass(net):
    image = picture(130, 161)
    scores = predict(net, image, output="scores", memory=float("inf"))
    labels = predict(net, image, memory=1)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scores.argmax(-1))
    np.testing.assert_allclose(
        predict(net, image, output="scores", memory=2), scores, rtol=0, atol=1e-5 * np.abs(scores).max()
    )


@pytest.mark.parametrize("memory", [0, -1, float("nan"), True, "512"])
def test_wrong_budgets_are_named(net, memory):
    with pytest.raises(ValueError, match=r"`memory` is a positive number of MiB\. Received: "):
        predict(net, picture(5, 5), memory=memory)
