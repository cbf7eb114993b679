"""Put the largest kernels into a converted file, past the converter.

As constants of its graph it copies fc6's 411 MB again and again, past 15 GB.
"""

from collections import Counter

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

from .structure import CONV_2D, DEQUANTIZE, DTYPES

BLOCK = 64  # output channels to round at a time


def fill(content, kernels):
    """Replace the constants that stand in for kernels.

    Args:
        content: bytes of a flat buffer, as `convert.convert` makes it.
        kernels: `{layer: variable}` of (height, width, in, out), as `graph.Floats` has collected them.

    Returns:
        bytes of the flat buffer with the kernels.

    Raises:
        ValueError: if it has no place of its own for one.
    """
    if not kernels:
        return content
    model = flatbuffer_utils.convert_bytearray_to_object(content)
    (graph,) = model.subgraphs
    places, uses = _places(model, graph)
    for layer, variable in kernels.items():
        if uses[places.get(layer, ())] != 1:
            raise ValueError(f"The converter left no place for the kernel of {layer}. Please report this.")
        tensors = [graph.tensors[index] for index in places[layer]]
        values = np.moveaxis(np.asarray(variable), -1, 0)  # (out, height, width, in)
        for tensor in tensors:
            tensor.shape = np.array(values.shape, np.int32)
        data = _stored(values, tensors[0]).reshape(-1).view(np.uint8)
        tensors[0].buffer = len(model.buffers)
        model.buffers.append(type(model.buffers[0])(data=data))
    used = {user.buffer for user in (*graph.tensors, *model.metadata)}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None
    return flatbuffer_utils.convert_object_to_bytearray(model)


def _places(model, graph):
    """Find the kernels of convolutions.

    Returns:
        `{layer: tensors}`, where tensors are indices of the stored one and, if that is a float16, of what it becomes;
        and how often each of these is used.
    """
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    operators = list(zip(codes, graph.operators, strict=True))
    widened = {operator.outputs[0]: operator.inputs[0] for code, operator in operators if code == DEQUANTIZE}
    places = {}
    uses = Counter()
    for code, operator in operators:
        if code == CONV_2D:
            kernel = int(operator.inputs[1])
            tensors = (int(widened[kernel]), kernel) if kernel in widened else (kernel,)
            layer = graph.tensors[operator.outputs[0]].name.decode().partition("/")[0]
            places[layer] = tensors
            uses[tensors] += 1
    return places, uses


def _stored(values, tensor):
    """Write a kernel (out, height, width, in) in the type of its tensor, whose scales are those of the real kernel."""
    stored = np.empty(values.shape, DTYPES[tensor.type])
    if stored.dtype != np.int8:
        stored[...] = values
        return stored
    scale = np.asarray(tensor.quantization.scale, np.float32)[:, None, None, None]
    for start in range(0, len(values), BLOCK):
        block = slice(start, start + BLOCK)
        stored[block] = np.rint(values[block] / scale[block]).clip(-127, 127)
    return stored
