"""Write an ONNX file with one weight in memory at a time."""


def write(path, proto, weights):
    """Write a model and append its weights.

    A message that a file holds twice is read as one, merged: https://protobuf.dev/programming-guides/encoding. So every
    weight follows the model as a model of one initializer, and none has to stand in memory beside the others.

    Args:
        path: of the file.
        proto: `onnx.ModelProto` without the weights.
        weights: iterable of `(name, array)`; C-contiguous, little-endian.
    """
    from onnx import ModelProto, helper

    with open(path, "wb") as file:
        file.write(proto.SerializeToString())
        for name, array in weights:
            part = ModelProto()
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            part.graph.initializer.add(name=name, data_type=kind, dims=array.shape, raw_data=array.tobytes())
            file.write(part.SerializeToString())
