"""Writers of small weight files: protobuf by hand, independent of the readers under test."""

import struct

import numpy as np


def varint(value):
    """Encode an int of up to 64 bits, negative ones in two's complement."""
    value %= 1 << 64
    out = []
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def field(number, wire, payload=b""):
    """Encode one field: an int for wire type 0, bytes otherwise (with their length for wire type 2)."""
    if wire == 0:
        payload = varint(payload)
    elif wire == 2:
        payload = varint(len(payload)) + payload
    return varint(8 * number + wire) + payload


def blob(array, *, packed=True, double=False, legacy=False, packed_shape=True):
    """Encode a BlobProto."""
    array = np.asarray(array)
    if legacy:
        axes = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(field(number, 0, dim) for number, dim in enumerate(axes, 1))
    elif packed_shape:
        shape = field(7, 2, field(1, 2, b"".join(map(varint, array.shape))))
    else:
        shape = field(7, 2, b"".join(field(1, 0, dim) for dim in array.shape))
    number, letter, wire = (8, "d", 1) if double else (5, "f", 5)
    values = [struct.pack("<" + letter, value) for value in array.ravel()]
    data = field(number, 2, b"".join(values)) if packed else b"".join(field(number, wire, v) for v in values)
    return data + shape


def layer(name, *blobs, v1=False):
    """Encode one layer as a field of the network; `blobs` are encoded ones."""
    if v1:  # bottom, top, name, type (enum), blobs
        body = field(2, 2, b"data") + field(3, 2, b"top") + field(4, 2, name.encode()) + field(5, 0, 4)
        return field(2, 2, body + b"".join(field(6, 2, b) for b in blobs))
    body = field(1, 2, name.encode()) + field(2, 2, b"Convolution") + field(3, 2, b"data") + field(10, 0, 0)
    return field(100, 2, body + b"".join(field(7, 2, b) for b in blobs))


def caffemodel(path, layers, *, v1=False):
    """Write `{name: [array, ...]}` as a .caffemodel, with biases `(1, 1, 1, n)` in V1."""
    body = [field(1, 2, b"a net")]
    body += [layer(name, *(blob(a, legacy=v1) for a in arrays), v1=v1) for name, arrays in layers.items()]
    path.write_bytes(b"".join(body))
    return path
