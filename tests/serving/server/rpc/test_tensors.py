"""Tensors of gRPC's messages: every type, both ways."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.errors import ServingError
from serving.server.rpc.tensors import decode, encode

NUMBERS = {
    "half bfloat16 float32 float64": [0.5, -2, 100, 3, 0, 1],
    "int8 int16 int32 int64": [1, -2, 100, 3, 0, 127],
    "uint8 uint16 uint32 uint64": [1, 2, 100, 3, 255, 128],
    "complex64 complex128": [1 + 2j, -3j, 0, 1, 2, 3],
    "bool": [True, False, True, True, False, False],
    "string": [b"\0a\0", b"", b"\xff", "ü".encode(), b"e", b"\0"],
}


NUMBERS = {name: values for names, values in NUMBERS.items() for name in names.split()}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_type_goes_both_ways(name):
    dtype = tf.as_dtype(name)
    array = np.array(NUMBERS[name], dtype.as_numpy_dtype).reshape(2, 1, 3)
    proto = tensor_pb2.TensorProto()
    encode(array, proto)
    assert not proto.tensor_content
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)
    assert proto.dtype == dtype.as_datatype_enum
    for sent in (proto, tf.make_tensor_proto(array)):  # typed values, and bytes
        received = decode(sent, "x", 1000)
        assert received.dtype == array.dtype
        np.testing.assert_array_equal(received, array)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)])
def test_every_type_in_odd_shapes(name, shape):
    dtype = tf.as_dtype(name)
    array = np.full(shape, NUMBERS[name][0], dtype.as_numpy_dtype)
    proto = tensor_pb2.TensorProto()
    encode(array, proto)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)
    received = decode(proto, "x", 1000)
    assert (received.shape, received.dtype) == (shape, array.dtype)
    np.testing.assert_array_equal(received, array)


def test_large_numbers_are_written_in_full():
    for array in (np.arange(300), np.array([127, 128, -1]), np.array([2**63 - 1, -(2**63)])):
        proto = tensor_pb2.TensorProto()
        encode(array, proto)
        assert list(proto.int64_val) == list(array)
    proto = tensor_pb2.TensorProto()
    encode(np.zeros(1000, "float32"), proto)  # a length of more than 7 bits
    assert len(proto.float_val) == 1000


def test_strings_may_come_as_content():
    content = b"\x03\x01abcz"  # both lengths, then both strings
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_content=content)
    proto.tensor_shape.dim.add(size=2)
    np.testing.assert_array_equal(decode(proto, "x", 1000), np.array([b"abc", b"z"], object))
    proto.tensor_content = content[:-1]
    with pytest.raises(ServingError, match="tensor parsing error: x"):
        decode(proto, "x", 1000)
