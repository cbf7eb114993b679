"""Which weights are constants of the graph, and which stay variables."""

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from serving.export.saved_model import frozen_network
from tests.serving.image_files import picture
from tests.serving.nets import labels_of


def test_the_graph_is_frozen_and_of_plain_tensorflow(net, folder):
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    functions = graph.graph_def.library.function
    operations = {node.op for node in graph.graph_def.node} | {n.op for f in functions for n in f.node_def}
    operations -= {f.signature.name for f in functions}
    assert all(op_def_registry.get(name) for name in operations)
    assert not {name for name in operations if "PyFunc" in name or "Custom" in name}
    constants = [n.attr["value"].tensor for f in functions for n in f.node_def if n.op == "Const"]
    sizes = [tf.make_ndarray(tensor).size for tensor in constants]
    assert sum(sizes) > net.count_params()  # frozen,
    assert sum(sizes) < net.count_params() + 5000  # and once for all signatures
    assert tf.train.list_variables(str(folder / "variables" / "variables")) == [("_CHECKPOINTABLE_OBJECT_GRAPH", [])]


def test_large_kernels_stay_variables(net, monkeypatch):
    monkeypatch.setattr(frozen_network, "LARGEST_CONSTANT", 7 * 7 * 8 * 8 - 1)
    frozen, variables = frozen_network.freeze(net)
    shapes = [tuple(variable.shape) for variable in variables]
    assert shapes == [(4, 4, 21, 21), (4, 4, 21, 21), (16, 16, 21, 21), (8, 7 * 7 * 8)]  # fc6's is transposed
    np.testing.assert_array_equal(variables[-1], net.get_layer("fc6").kernel.numpy().reshape(-1, 8).T)
    image = picture(40, 70)
    labels = frozen.scores(tf.constant(image[None]))[""].numpy().argmax(axis=-1)
    np.testing.assert_array_equal(labels[0], labels_of(net, image))
