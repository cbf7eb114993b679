"""Kernels as float16."""

import numpy as np
import onnx

from fcn_keras import inference
from fcn_keras.models import FCN32s
from fcn_keras_console.runtimes.onnx_file import runner
from serving.export.onnx.export import export_onnx
from tests.serving.calibrating import scenes
from tests.serving.nets import TINY, randomize


def test_float16_halves_the_kernels_and_keeps_the_scores(tmp_path):
    net = randomize(FCN32s(3, channels=TINY))
    figures = export_onnx(net, tmp_path / "net.onnx", precision="fp16")
    assert 0 < figures.largest_error < 5e-3
    assert figures.images == "drawn"
    large = [t for t in onnx.load(tmp_path / "net.onnx").graph.initializer if np.prod(t.dims) > 500]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}
    image = scenes(1)[0]
    scores, expected = runner(tmp_path / "net.onnx")(image)[""], inference.predict(net, image, output="scores")
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=0, atol=5e-3 * np.abs(expected).max())
