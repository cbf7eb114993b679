"""Which weights are constants of the graph, and which stay variables."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from fcn_keras.inference import predict
from fcn_keras.interface import in_bfloat16
from fcn_keras.models import FCN32s
from serving.export.saved_model import frozen_network, limits
from tests.fcn_keras.inference.small_nets import WIDE, randomize
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


def test_wide_layers_multiply_less_in_the_graph():
    wide = randomize(FCN32s(3, channels=WIDE))
    image = picture(70, 90)
    frozen, _ = frozen_network.freeze(wide)
    graph = tf.function(frozen.scores).get_concrete_function(tf.TensorSpec([1, None, None, 3], tf.uint8)).graph
    functions = graph.as_graph_def().library.function
    names = [n.name for f in functions for n in f.node_def if n.op == "Conv2D"]
    assert all(sum(f"conv{x}/" in name for name in names) == 6 for x in ("4_1", "4_2", "5_1", "5_2"))
    scores = frozen.scores(tf.constant(image[None]))[""].numpy()
    expected = wide(image[None].astype("float32"), training=False).numpy()
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("part", [False, True])
def test_bfloat16_answers_as_the_network_in_bfloat16(net, part, monkeypatch):
    if part:
        monkeypatch.setattr(limits, "PART", 20_000)
    image = picture(150, 210)
    frozen, _ = frozen_network.freeze(net, precision="bf16")
    scores = frozen.scores(tf.constant(image[None]))[""]
    assert scores.dtype == tf.float32
    expected = predict(in_bfloat16(net), image, output="scores")
    np.testing.assert_allclose(scores[0], expected, rtol=0, atol=2e-2 * np.abs(expected).max())
    exact = predict(net, image, output="scores")
    assert 1e-4 < np.abs(scores[0] - exact).max() / np.abs(exact).max() < 2e-2
    assert np.mean(scores[0].numpy().argmax(axis=-1) == exact.argmax(axis=-1)) > 0.98


def test_bfloat16_is_kept_in_the_files(net, tmp_path, monkeypatch):
    """Constants of the graph and variables beside it: half the bytes, and the same scores when it is loaded."""
    monkeypatch.setattr(frozen_network, "LARGEST_CONSTANT", 7 * 7 * 8 * 8 - 1)
    module = tf.Module()
    frozen, module.variables_read = frozen_network.freeze(net, precision="bf16")
    answer = tf.function(lambda image: frozen.scores(image)[""], autograph=False)
    answer = answer.get_concrete_function(tf.TensorSpec([None, None, None, 3], tf.uint8))
    tf.saved_model.save(module, str(tmp_path), {"scores": answer})
    reader = tf.train.load_checkpoint(str(tmp_path / "variables" / "variables"))
    (fc6,) = (name for name, shape in reader.get_variable_to_shape_map().items() if shape == [8, 7 * 7 * 8])
    assert reader.get_variable_to_dtype_map()[fc6] == tf.bfloat16
    functions = answer.graph.as_graph_def().library.function
    constants = [n.attr["value"].tensor for f in functions for n in f.node_def if n.op == "Const"]
    kernels = [t for t in constants if len(t.tensor_shape.dim) == 4 and t.tensor_shape.dim[0].size == 3]
    assert {t.dtype for t in kernels} == {tf.bfloat16.as_datatype_enum}
    image = tf.constant(picture(40, 70)[None])
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(loaded.signatures["scores"](image)["output_0"], answer(image))
