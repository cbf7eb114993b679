"""A model as an ONNX graph, by tf2onnx. Importing this imports TensorFlow."""

from contextlib import contextmanager
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from fcn_keras.inference import winograd
from fcn_keras.interface import heads_of, inputs_of

from ..tensors import label_dtype, output_name, pixel_dtype
from .upsampling import find

OPSET = 17
AXES = ("batch", "height", "width")


def convert(model, *, labels, multiplies_less=False):
    """Convert a model without its weights, and make these ready to be attached.

    The weights go through the converter as inputs: as constants it copies 538 MB again and again, past 24 GB.

    Args:
        model: a network of this package, in float32.
        labels: images of whole numbers to labels, as the SavedModel's `predict_tensors`; otherwise float32 images to
            scores, as `predict_scores`.
        multiplies_less: whether wide convolutions of 3x3 become `fcn_keras.inference.winograd`'s.

    Returns:
        `onnx.ModelProto`, and an iterator of `(name, array)` of the initializers that it lacks, one at a time.
    """
    import tf2onnx

    weights = {f"weight_{index}": variable for index, variable in enumerate(model.variables)}
    endings = {head: find(scores) for head, scores in heads_of(model.output).items()}
    if None in endings.values():
        endings = {}
    weights |= {f"upsampling_{head}": ending.kernel for head, ending in endings.items()}
    function, signature = _function(model, endings, weights, labels)
    with _multiplying_less(model if multiplies_less else None):
        proto, _ = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=OPSET, custom_op_handlers={"ReverseV2": (_reverse, [])}
        )
    initializers = _fold(proto.graph, weights)
    _attach_biases(proto.graph, initializers)
    _take_out(proto.graph.input, weights)
    for value in (*proto.graph.input, *proto.graph.output):
        for axis, dimension in zip(AXES, value.type.tensor_type.shape.dim, strict=False):
            dimension.dim_param = axis
    used = {name for node in proto.graph.node for name in node.input}
    _take_out(proto.graph.initializer, {tensor.name for tensor in proto.graph.initializer} - used)
    return proto, (
        (name, _array(weights[source], axes)) for name, (source, axes) in initializers.items() if name in used
    )


@contextmanager
def _multiplying_less(model):
    """Let wide convolutions of a model, if there is one, be traced as Winograd's.

    Kernels stay as they are in the file. Runtimes turn them into their values at the points once, when they load it:
    as constants, these would take twice the bytes.
    """
    layers = [x for x in model.layers if winograd.suits(x)] if model is not None else []
    for layer in layers:
        layer.convolution_op = partial(_by_points, padding=layer.padding)
    try:
        yield
    finally:
        for layer in layers:
            del layer.convolution_op


def _by_points(x, kernel, padding):
    return winograd.convolve(x, kernel, None, padding, winograd.points_of(kernel))


def _function(model, endings, weights, labels):
    """Make the function to convert, whose last inputs are the weights, and its signature."""
    channels = {name: x.shape[-1] for name, x in inputs_of(model).items()}
    dtype = pixel_dtype(channels.values()) if labels else "float32"
    signature = [tf.TensorSpec([None, None, None, count], dtype, name) for name, count in channels.items()]
    signature += [tf.TensorSpec(array.shape, tf.float32, name) for name, array in weights.items()]
    network = model
    if endings:
        network = keras.Model(model.input, {h: e.features for h, e in endings.items()}, name=model.name)

    @tf.function(input_signature=signature, autograph=False)
    def function(*arguments):
        images = [tf.cast(image, tf.float32) for image in arguments[: len(channels)]]
        arrays = dict(zip(weights, arguments[len(channels) :], strict=True))
        batch = dict(zip(channels, images, strict=True)) if isinstance(model.input, dict) else images[0]
        with keras.StatelessScope(state_mapping=list(zip(model.variables, arrays.values(), strict=False))):
            outputs = heads_of(network(batch, training=False))
        size = tf.unstack(tf.shape(images[0])[1:3])
        return {
            output_name(head, "label" if labels else "scores"): _end(
                x, endings.get(head), arrays.get(f"upsampling_{head}"), size, labels
            )
            for head, x in outputs.items()
        }

    return function, signature


def _end(x, ending, kernel, size, labels):
    """Turn a network's outputs, or what its last upsampling takes, into scores or labels of an image's size."""
    if ending is None:
        return tf.cast(tf.argmax(x, axis=-1), label_dtype(x.shape[-1])) if labels else tf.identity(x)
    return ending.labels(x, kernel, size, label_dtype(x.shape[-1])) if labels else ending.scores(x, kernel, size)


def _reverse(graph, node, name, _):
    """Have tf2onnx turn channels around by one slice; by itself it takes seven nodes."""
    from tf2onnx.graph_builder import GraphBuilder

    axes = node.inputs[1].get_tensor_value(as_list=True)
    shape, dtype = graph.get_shape(node.output[0]), graph.get_dtype(node.output[0])
    steps = [-1] * len(axes)
    slices = {"starts": steps, "ends": [-(2**31)] * len(axes), "axes": axes, "steps": steps}
    arguments = {"data": node.input[0], "outputs": node.output, **slices}
    graph.remove_node(node.name)
    GraphBuilder(graph).make_slice(arguments, name=name, shapes=[shape], dtypes=[dtype])


def _fold(graph, weights):
    """Take out the nodes that only rearrange a weight, at every run.

    Those are transposed kernels, and biases that the converter reshapes to (1, K, 1, 1) and squeezes to (K,) again.

    Returns:
        `{name of an initializer: (name of the weight, axes or None)}`.
    """
    initializers = {name: (name, None) for name in weights}
    reshaped = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Reshape" and n.input[0] in weights}
    kept = []
    for node in graph.node:
        source = node.input[0] if node.input else ""
        if node.op_type == "Transpose" and source in weights:
            initializers[node.output[0]] = (source, tuple(node.attribute[0].ints))
        elif node.op_type == "Squeeze" and source in reshaped and len(weights[reshaped[source]].shape) == 1:
            initializers[node.output[0]] = (reshaped[source], None)
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    del graph.node[:]
    graph.node.extend(node for node in kept if not (node.output[0] in reshaped and node.output[0] not in used))
    return initializers


def _attach_biases(graph, weights):
    """Make an addition of a bias behind a convolution the convolution's own, which the converter leaves undone once."""
    producers = {name: node for node in graph.node for name in node.output}
    done = []
    for node in graph.node:
        convolution, reshape = (producers.get(name) for name in [*node.input, "", ""][:2])
        if node.op_type != "Add" or None in (convolution, reshape):
            continue
        bare = convolution.op_type == "Conv" and len(convolution.input) == 2
        if bare and reshape.op_type == "Reshape" and reshape.input[0] in weights:
            convolution.input.append(reshape.input[0])
            convolution.output[0] = node.output[0]
            done += [node, reshape]
    for node in done:
        graph.node.remove(node)


def _take_out(values, names):
    kept = [value for value in values if value.name not in names]
    del values[:]
    values.extend(kept)


def _array(variable, axes):
    array = np.asarray(variable)
    return np.ascontiguousarray(array if axes is None else array.transpose(axes))
