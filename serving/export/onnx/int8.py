"""Quantise an ONNX file to int8 on a user's images, by ONNX Runtime's own tool."""

import contextlib
import logging

from fcn_keras_console.runtimes.tensors import feeds

QUANTIZED = ("Conv", "Relu", "MaxPool")


def quantize(source, target, graph, images):
    """Write a float32 file again with the convolutions of its backbone in int8.

    Weights are int8, symmetric, with a scale a channel; activations uint8 with a scale a map, from the least and the
    largest value that it takes on the images. The graph says so with QuantizeLinear and DequantizeLinear nodes, which
    ONNX Runtime, OpenVINO and TensorRT read. The scores and what upsamples them stay float32: a hundredth of the work,
    in which small differences decide.

    Args:
        source: the float32 file, with its weights in it.
        target: to write.
        graph: of the float32 file, `onnx.GraphProto`; its weights may be missing.
        images: as `fcn_keras.predict` takes them, each of any size; every one runs through the float32 file.
    """
    from onnxruntime import quantization

    reader = _reader(quantization.CalibrationDataReader, _dtypes(graph), images)
    with _without_hints():
        quantization.quantize_static(
            source,
            target,
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            nodes_to_quantize=_nodes(graph),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )


def _dtypes(graph):
    from onnx import helper

    return {value.name: helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type) for value in graph.input}


def _nodes(graph):
    """Name the nodes to quantise; the backbone's convolutions end in a ReLU, which no scoring layer does."""
    rectified = {node.input[0] for node in graph.node if node.op_type == "Relu"}
    backbone = [node.name for node in graph.node if node.op_type == "Conv" and node.output[0] in rectified]
    return backbone + [node.name for node in graph.node if node.op_type in QUANTIZED[1:]]


def _reader(base, dtypes, images):
    class Reader(base):
        """What ONNX Runtime asks for the next image."""

        def __init__(self):
            self.images = iter(images)

        def get_next(self):
            image = next(self.images, None)
            return None if image is None else feeds(dtypes, image)

    return Reader()


@contextlib.contextmanager
def _without_hints():
    """Leave out the tool's advice to optimise the file first, which the runtimes do when they load it."""

    def keep(record):
        return "pre-processing" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)
