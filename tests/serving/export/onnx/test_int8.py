"""Which parts of a file are in int8, and that they are computed so."""

import collections

import keras
import onnx
import onnxruntime
import pytest

from fcn_keras.models import FCN8s
from serving.export.onnx.export import export_onnx
from tests.serving.calibrating import scenes
from tests.serving.nets import TINY, randomize


class Images(list):
    """Images to calibrate on, and others."""

    held_out = ()


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    """The file of an FCN-8s in int8, and the figures of the comparison."""
    keras.utils.set_random_seed(0)  # of the kernels: some nets' scores lie too close together for 8 bits
    net = randomize(FCN8s(5, padding="caffe", channels=TINY))
    images = Images(scenes(6) + scenes(2, height=41, width=30))
    images.held_out = scenes(3, seed=2, height=50, width=40)
    path = tmp_path_factory.mktemp("int8") / "net.onnx"
    options = {"precision": "int8", "calibration": images, "labels": True, "least_agreement": 0.9}
    return path, export_onnx(net, path, **options)


def test_the_backbone_is_quantised_on_the_images_given(quantised):
    path, figures = quantised
    assert 0.9 < figures.agreement < 1
    assert figures[1:] == (None, "3 held out")
    model = onnx.load(path)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    made_by = {node.output[0]: node for node in model.graph.node}
    kinds = collections.Counter()
    for node in model.graph.node:
        if node.op_type == "Conv":
            weight = made_by.get(node.input[1])
            kinds[weight is not None] += 1
            if weight is not None:
                values, scale, zero = (tensors[name] for name in weight.input)
                assert values.data_type == onnx.TensorProto.INT8
                assert list(scale.dims) == [values.dims[0]]  # one a channel
                assert not onnx.numpy_helper.to_array(zero).any()
                assert made_by[node.input[0]].op_type == "DequantizeLinear"
    assert kinds == {True: 7, False: 4}  # five stages, fc6 and fc7; and three scores and the last upsampling
    assert not [node for node in model.graph.node if node.op_type == "Relu"]  # the ranges begin at 0 instead
    assert sorted(file.name for file in path.parent.iterdir()) == ["net.onnx", "net.onnx.probe.json"]


def test_int8_is_computed_in_int8(quantised, tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(quantised[0]), options, providers=["CPUExecutionProvider"])
    kinds = collections.Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert kinds["QLinearConv"] == 7


def test_the_tool_s_advice_is_left_out(caplog):
    import logging

    from serving.export.onnx.int8 import _without_hints

    with _without_hints():
        logging.warning("Please consider to run pre-processing before quantization.")
        logging.warning("Something else.")
    assert [record.getMessage() for record in caplog.records] == ["Something else."]
