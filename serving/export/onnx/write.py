"""Write an ONNX file with one weight in memory at a time."""

# Fields of ModelProto, GraphProto and TensorProto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
GRAPH, INITIALIZER, RAW_DATA = 7, 5, 9
LENGTH_DELIMITED = 2


def write(path, proto, weights):
    """Write a model and append its weights.

    A message that a file holds twice is read as one, merged: https://protobuf.dev/programming-guides/encoding. So every
    weight follows the model as a graph of one initializer, and none has to stand in memory beside the others. The bytes
    are laid out here: protobuf would hold every weight three times, which for fc6 is a gigabyte more.

    Args:
        path: of the file.
        proto: `onnx.ModelProto` without the weights.
        weights: iterable of `(name, array)`; C-contiguous, little-endian.
    """
    from onnx import TensorProto, helper

    with open(path, "wb") as file:
        file.write(proto.SerializeToString())
        for name, array in weights:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            described = TensorProto(name=name, data_type=kind, dims=array.shape).SerializeToString()
            tensor = described + _head(RAW_DATA, array.nbytes)
            size = len(tensor) + array.nbytes
            initializer = _head(INITIALIZER, size)
            file.write(_head(GRAPH, len(initializer) + size) + initializer + tensor)
            file.write(array.data)


def _head(field, length):
    return _varint(field << 3 | LENGTH_DELIMITED) + _varint(length)


def _varint(number):
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])
