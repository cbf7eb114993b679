"""A LiteRT file is run by LiteRT where it is installed, else by TensorFlow's older copy of it."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras import inference
from fcn_keras.models import FCN32s
from serving.export.litert import run
from serving.export.litert.export import export_litert
from tests.serving.image_files import picture
from tests.serving.nets import randomize


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network and its file."""
    net = randomize(FCN32s(3, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 4)))
    path = tmp_path_factory.mktemp("litert") / "net.tflite"
    export_litert(net, path, labels=True)
    return net, path


def without_litert(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)


def without_tf_lite(monkeypatch):
    pytest.importorskip("ai_edge_litert", reason="needs the extra `litert`")
    monkeypatch.setattr(tf.lite, "Interpreter", None)


@pytest.mark.parametrize("without", [without_litert, without_tf_lite])
def test_either_gives_the_labels_of_predict(without, exported, monkeypatch):
    net, path = exported
    without(monkeypatch)
    image = picture(40, 50)
    np.testing.assert_array_equal(run.runner(path, threads=1)(image)[""], inference.predict(net, image))
