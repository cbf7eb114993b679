"""TensorProto <-> arrays, both ways as TF Serving does it, and with a client that may send anything."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from ...errors import ServingError

MAX_RANK = 64  # numpy's
STRING_SIZE = 24  # bytes that TensorFlow takes for an empty string
FIELDS = {
    "half_val": ("DT_HALF", "DT_BFLOAT16"),
    "float_val": ("DT_FLOAT",),
    "double_val": ("DT_DOUBLE",),
    "int_val": ("DT_INT32", "DT_INT16", "DT_INT8", "DT_UINT16", "DT_UINT8"),
    "string_val": ("DT_STRING",),
    "scomplex_val": ("DT_COMPLEX64",),
    "int64_val": ("DT_INT64",),
    "bool_val": ("DT_BOOL",),
    "dcomplex_val": ("DT_COMPLEX128",),
    "uint32_val": ("DT_UINT32",),
    "uint64_val": ("DT_UINT64",),
}
FIELD = {types_pb2.DataType.Value(name): field for field, names in FIELDS.items() for name in names}
NUMBER = {field: tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name[field].number for field in FIELDS}


def decode(proto, name, max_bytes):
    """Read one input of a request.

    A shape may ask for more values than were sent: the last one is repeated, as TensorFlow does. TensorFlow drops
    surplus values, and reads a value of another type than the declared one as zero; both are refused here.

    Args:
        proto: `TensorProto` with typed values or `tensor_content`.
        name: the input's, for the error.
        max_bytes: what the array may take. A shape costs a client nothing to write, so that this is looked at first.

    Returns:
        array; of bytes objects if the tensor is of strings. It may be read-only.

    Raises:
        ServingError: INVALID_ARGUMENT, with TF Serving's message.
    """
    array = None
    field = FIELD.get(proto.dtype)
    if field:
        shape = _shape(proto, max_bytes)
        others = {descriptor.name for descriptor, _ in proto.ListFields()} & FIELDS.keys() - {field}
        if shape is not None and not others and len(getattr(proto, field)) <= _values(proto, shape):
            array = _array(proto, field, shape)
    if array is None:
        raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {name}")
    return array


def _shape(proto, max_bytes):
    """Read the shape, or None if there is none or it asks for too much."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or len(shape) > MAX_RANK or min(shape, default=0) < 0:
        return None
    size = STRING_SIZE if proto.dtype == types_pb2.DT_STRING else tf.dtypes.as_dtype(proto.dtype).size
    return shape if math.prod(max(dim, 1) for dim in shape) * size <= max_bytes else None


def _values(proto, shape):
    """Count the entries that the typed field may hold."""
    return math.prod(shape) * (2 if proto.dtype in (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128) else 1)


def _array(proto, field, shape):
    if field == "string_val" and not proto.tensor_content:
        values = list(proto.string_val)
        array = np.full(math.prod(shape), values[-1] if values else b"", dtype=object)
        array[: len(values)] = values
        return array.reshape(shape)
    dtype = tf.dtypes.as_dtype(proto.dtype)
    if proto.tensor_content and field != "string_val":
        if len(proto.tensor_content) != math.prod(shape) * dtype.size:
            return None
        return np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype).reshape(shape)
    try:
        with tf.device("CPU:0"):  # TensorFlow reads millions of typed values 2.5 times as fast as numpy
            return tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except tf.errors.InvalidArgumentError:
        return None


def encode(array, proto):
    """Write one output into an empty `TensorProto`, its values in the typed field as TF Serving writes them."""
    array = np.asarray(array)
    dtype = tf.dtypes.as_dtype(object if array.dtype.kind in "SU" else array.dtype)
    field = FIELD[dtype.as_datatype_enum]
    proto.dtype = dtype.as_datatype_enum
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = array.reshape(-1)
    if field in ("scomplex_val", "dcomplex_val"):
        flat = flat.view(flat.real.dtype)
    packed = _packed(flat, field)
    if packed is not None:
        proto.MergeFromString(_varint(NUMBER[field] << 3 | 2) + _varint(len(packed)) + packed)
    else:
        getattr(proto, field).extend((flat.view("uint16") if field == "half_val" else flat).tolist())


def _packed(flat, field):
    """Make the field's bytes on the wire where they are an array's own bytes, or None."""
    if not flat.size:
        return None
    if field in ("float_val", "double_val", "scomplex_val", "dcomplex_val"):
        return flat.astype(flat.dtype.newbyteorder("<"), copy=False).tobytes()
    small = flat.dtype.kind in "biu" and flat.min() >= 0 and flat.max() < 128  # each number is its own varint
    return flat.astype("uint8").tobytes() if small else None


def _varint(number):
    """Write a number as protobuf does, seven bits a byte."""
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])
