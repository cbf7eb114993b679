"""Kernels that are put into a file past the converter."""

import numpy as np
import pytest
import tensorflow as tf

from fcn_keras.models import LateFusion
from fcn_keras_console.runtimes.litert_file import runner
from serving.export.drawn_images import drawn
from serving.export.litert import graph
from serving.export.litert.convert import convert
from serving.export.litert.int8 import calibrate
from serving.export.litert.weights import fill
from tests.serving.nets import TINY, randomize

IMAGES = {"rgb": drawn(33, 40), "hha": drawn(33, 40)[::-1]}


@pytest.fixture(scope="module")
def fused():
    """A network with two kernels of every size."""
    net = randomize(LateFusion(4, channels=TINY))
    return net, calibrate(net, [IMAGES])


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_they_are_those_that_the_converter_would_have_written(precision, fused, tmp_path, monkeypatch):
    def scores(name):
        content, kernels = convert(fused[0], labels=False, precision=precision, ranges=fused[1])
        (tmp_path / name).write_bytes(fill(content, kernels))
        return kernels, runner(tmp_path / name)(IMAGES)[""]

    kernels, expected = scores("within.tflite")
    assert not kernels
    monkeypatch.setattr(graph, "LARGEST_CONSTANT", 60)  # so even conv1_1 is put in afterwards
    kernels, given = scores("past.tflite")
    assert {"conv1_1color", "fc6color", "fc6hha"} <= set(kernels)
    np.testing.assert_array_equal(given, expected)
    assert np.ptp(given) > 0


def test_a_file_without_a_place_for_a_kernel_is_an_error():
    function = tf.function(tf.nn.relu, input_signature=[tf.TensorSpec([2], tf.float32)]).get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module()).convert()
    with pytest.raises(ValueError, match="The converter left no place for the kernel of fc6"):
        fill(content, {"fc6": np.zeros((1, 1, 2, 2), np.float32)})
