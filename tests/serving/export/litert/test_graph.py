"""A model's layers in LiteRT's operators give what Keras's own do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.alexnet import FCNAlexNet
from fcn_keras.models import FCN8s
from serving.export.litert.graph import Floats, apply
from tests.serving.image_files import picture
from tests.serving.nets import TINY, randomize


@pytest.mark.parametrize("padding", ["same", "caffe"])
@pytest.mark.parametrize("modality", ["rgb", "hha", "rgbd"])
def test_scores_are_those_of_the_layers(padding, modality):
    net = randomize(FCN8s(3, padding=padding, modality=modality, channels=TINY))
    for size in [(1, 1), (31, 40)]:
        image = picture(*size).astype("float32")
        if modality == "rgbd":
            image = np.concatenate([image, 40 * image[..., :1]], axis=-1)  # 0, unknown, among them
        numbers = Floats()
        scores = apply(net, {"image": tf.constant(image[None])}, numbers)[""]
        expected = np.asarray(net(image[None], training=False))
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        assert not numbers.large


def test_what_finishes_the_scores_is_applied_before_the_last_crop():
    net = randomize(FCNAlexNet(4, channels=((4, 4, 4, 4, 4), 8)))
    image = picture(40, 50).astype("float32")[None]
    labels = apply(net, {"image": tf.constant(image)}, Floats(), lambda scores: tf.argmax(scores, axis=-1))[""]
    np.testing.assert_array_equal(labels, keras.ops.argmax(net(image, training=False), axis=-1))
