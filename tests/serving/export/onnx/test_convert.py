"""The graph that the converter makes, without its weights."""

import numpy as np

from fcn_keras.interface import in_float32
from fcn_keras.models import FCN32s
from serving.export.onnx.convert import convert
from tests.serving.nets import TINY, randomize


def test_weights_are_no_part_of_the_graph_and_come_one_by_one():
    net = in_float32(randomize(FCN32s(2, channels=TINY)), matrices=False)
    proto, weights = convert(net, labels=True)
    weights = dict(weights)
    assert [value.name for value in proto.graph.input] == ["image"]
    assert [value.name for value in proto.graph.output] == ["label"]
    assert sum(len(tensor.raw_data) for tensor in proto.graph.initializer) < 500
    read = {name for node in proto.graph.node for name in node.input}
    assert set(weights) <= read
    kernel = net.get_layer("fc6").kernel.numpy().transpose(3, 2, 0, 1)  # as ONNX has it: (out, in, height, width)
    assert any(array.shape == kernel.shape and np.array_equal(array, kernel) for array in weights.values())
    assert all(array.flags.c_contiguous for array in weights.values())
