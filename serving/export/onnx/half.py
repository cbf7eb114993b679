"""Store kernels as float16 in an ONNX file."""

import numpy as np

SUFFIX = "_float16"


def halve(proto, weights):
    """Have a model read its kernels as float16 and compute in float32.

    Runtimes for CPUs have no float16 arithmetic of their own: they cast the weights once, when they load the file, and
    run as fast as before. Biases, a ten-thousandth of the bytes, stay float32.

    Args:
        proto: `onnx.ModelProto` without its weights; changed.
        weights: iterator of `(name, array)`, as `convert.convert` returns it.

    Returns:
        An iterator of the arrays to write instead.
    """
    from onnx import TensorProto, helper

    kernels = _kernels(proto.graph)
    casts = [helper.make_node("Cast", [name + SUFFIX], [name], to=TensorProto.FLOAT) for name in kernels]
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return ((name + SUFFIX, array.astype(np.float16)) if name in kernels else (name, array) for name, array in weights)


def _kernels(graph):
    """Name the kernels that a model reads from its file, and does not compute."""
    present = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
    kernels = [node.input[1] for node in graph.node if node.op_type in ("Conv", "ConvTranspose")]
    return [name for name in dict.fromkeys(kernels) if name not in present]
