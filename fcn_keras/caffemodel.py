"""Reader of `.caffemodel` files, Caffe's trained networks, in numpy alone: no Caffe, no protobuf.

Wire format: https://protobuf.dev/programming-guides/encoding; messages: `caffe.proto` of BVLC/caffe.
"""

from __future__ import annotations

import gzip
import math
import mmap
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Parsed = TypeVar("Parsed")
Span = tuple[int, int]  # first byte of a message, and the one after its last

MAX_BYTES = 2**31 - 1  # protobuf's own limit for one message, and Caffe's
MAX_COUNT = 2**31 - 1  # numbers in one blob: Caffe counts them in an int
MAX_AXES = 32  # kMaxBlobAxes of Caffe's blob.hpp
MAX_FIELDS = 100_000  # real networks hold some thousands; more is an attempt to keep the reader busy
MAX_NAME = 1000  # bytes of a layer name
SMALL_BYTES = 2**28  # a gzip file may always unfold to this much, and beyond it to ...
MAX_INFLATION = 100  # ... this many times its size (trained weights: 1.1 times, zeros: 1000 times)

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types
WIDTHS = {FIXED64: 8, FIXED32: 4}
LAYERS = {2: (4, 6), 100: (1, 7)}  # NetParameter: V1 `layers` and new `layer` -> fields of name and blobs
LEGACY_AXES = (1, 2, 3, 4)  # BlobProto: num, channels, height, width
PYTHON, MODULE, ARGUMENTS = 130, 1, 3  # LayerParameter: python_param, and what of it tells the training data


def read(path: str | os.PathLike[str]) -> dict[str, list[NDArray[np.float32]]]:
    """Read the weights of a `.caffemodel`, in the V1 or the new format, gzipped or not.

    Arrays of an uncompressed file are read-only views into the file (memory-mapped: reading the
    545 MB of FCN-32s takes no time and no memory of its own), so leave the file alone while they are in use.

    Args:
        path: the file. Gzip is told by its first bytes, not by its name.

    Returns:
        `{layer name: [float32 array of each blob]}` in the file's order, without layers that have no blobs.
        Shapes are the file's own, e.g. `(out, in, kh, kw)`, or `(1, 1, 1, out)` for a bias of the V1 format.

    Raises:
        ValueError: if the file is damaged, or is no `.caffemodel`.
        OSError: if the file cannot be read; FileNotFoundError if there is none.
    """
    return _parsed(path, _network)


def origin(path: str | os.PathLike[str]) -> str:
    """Read what a `.caffemodel` says of where it comes from: lines of no fixed form, or `""`.

    They are the network's name, and module and arguments of the Python layer that it was trained on.

    Args:
        path: the file, gzipped or not.

    Raises:
        ValueError: if the file is damaged.
        OSError: if it cannot be read.
    """
    return "\n".join(filter(None, _parsed(path, _words)))


def _parsed(path: str | os.PathLike[str], parse: Callable[[_Wire], Parsed]) -> Parsed:
    path = os.fspath(path)
    try:
        return parse(_Wire(_contents(path)))
    except _Malformed as error:
        raise ValueError(
            f"`path` must be a whole .caffemodel (protobuf, V1 or new format). Received: {path}: {error}. "
            "Compare its size and checksum with the source, and download it again."
        ) from None


class _Malformed(Exception):
    """What is wrong with the bytes; `read` adds the file's name."""


class _Wire:
    """Protobuf messages of one buffer, each given as `(start, stop)`."""

    def __init__(self, data: bytes | bytearray | mmap.mmap) -> None:
        self.data = memoryview(data)
        self.bytes = np.frombuffer(data, np.uint8)
        self.fields_left = MAX_FIELDS

    def varint(self, position: int, stop: int) -> tuple[int, int]:
        """Return the value of the varint at `position`, and the position after it."""
        value = 0
        for shift in range(0, 70, 7):
            if position >= stop:
                raise _Malformed(f"a number is cut off at byte {position}")
            byte = self.data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (2**64 - 1), position
        raise _Malformed(f"a number at byte {position - 10} runs over ten bytes")

    def fields(self, message: Span) -> Iterator[tuple[int, int, Any]]:
        """Yield `(field number, wire type, value)`.

        A value is an int (VARINT), the `(start, stop)` of the payload (LENGTH), or an array `(n, width)`
        of bytes: all of a run of equal fixed-width fields at once, as an unpacked array has millions.
        """
        position, stop = message
        value: Any
        while position < stop:
            self.fields_left -= 1
            if self.fields_left < 0:
                raise _Malformed(f"over {MAX_FIELDS} fields, more than any network has")
            start = position
            key, position = self.varint(position, stop)
            number, wire = key >> 3, key & 7
            if not 0 < number < 2**29:
                raise _Malformed(f"field number {number} at byte {start}")
            if wire == VARINT:
                value, position = self.varint(position, stop)
            elif wire == LENGTH:
                value = self._payload(position, stop)
                position = value[1]
            elif wire in WIDTHS:
                value = self._run(start, position - start, WIDTHS[wire], stop)
                position = start + len(value) * (position - start + WIDTHS[wire])
            else:
                raise _Malformed(f"wire type {wire} at byte {start}")
            yield number, wire, value

    def _payload(self, position: int, stop: int) -> Span:
        length, position = self.varint(position, stop)
        if length > stop - position:
            raise _Malformed(f"{length} bytes are declared at byte {position}, {stop - position} are left")
        return position, position + length

    def _run(self, start: int, key_length: int, width: int, stop: int) -> NDArray[np.uint8]:
        """Return the payloads, `(n, width)` bytes, of the fields from `start` on that have the same key."""
        stride = key_length + width
        rows = self.bytes[start : start + (stop - start) // stride * stride].reshape(-1, stride)
        if not len(rows):
            raise _Malformed(f"a number is cut off at byte {start}")
        count, block = 1, 16
        while count < len(rows):
            differs = np.any(rows[count : count + block, :key_length] != rows[0, :key_length], axis=1)
            if differs.any():
                count += int(differs.argmax())
                break
            count += len(differs)
            block = min(2 * block, 2**20)
        return rows[:count, key_length:]


def _contents(path: str) -> bytearray | mmap.mmap:
    """Return the file's bytes: a map of the file, or what gzip unfolds to."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise _Malformed("it is no file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise _Malformed("the file is empty")
        if file.read(2) == b"\x1f\x8b":
            return _inflate(path, min(MAX_BYTES, max(SMALL_BYTES, MAX_INFLATION * size)))
        if size > MAX_BYTES:
            raise _Malformed(f"{size} bytes, over protobuf's limit of {MAX_BYTES}")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _inflate(path: str, limit: int) -> bytearray:
    data = bytearray()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(min(2**20, limit + 1 - len(data))):
                data += chunk
    except (OSError, EOFError, zlib.error) as error:
        raise _Malformed(f"damaged gzip data after {len(data)} bytes ({error})") from None
    if len(data) > limit:
        raise _Malformed(f"its gzip data unfolds to over {limit} bytes, more than weights of this size can")
    return data


def _network(wire: _Wire) -> dict[str, list[NDArray[np.float32]]]:
    """Return `{layer: arrays}` of a NetParameter that fills the buffer."""
    layers: dict[str, list[NDArray[np.float32]]] = {}
    for number, kind, value in wire.fields((0, len(wire.data))):
        if number not in LAYERS:
            continue
        _expect(kind, LENGTH, "a layer")
        name, arrays = _layer(wire, value, number)
        if not arrays:
            continue
        if name in layers and not _same(layers[name], arrays):
            raise _Malformed(f"there are two layers {name!r} with different weights")
        layers[name] = arrays
    if not layers:
        raise _Malformed("no layer has weights; it may be another kind of file")
    return layers


def _words(wire: _Wire) -> list[str]:
    texts = []
    for number, kind, value in wire.fields((0, len(wire.data))):
        texts += [value] if (number, kind) == (1, LENGTH) else []
        if (number, kind) == (100, LENGTH):
            for python in (v for field, kind, v in wire.fields(value) if (field, kind) == (PYTHON, LENGTH)):
                texts += [v for f, kind, v in wire.fields(python) if f in (MODULE, ARGUMENTS) and kind == LENGTH]
    return [bytes(wire.data[slice(*text)][:MAX_NAME]).decode("utf-8", "replace") for text in texts]


def _same(some: Sequence[NDArray[Any]], others: Sequence[NDArray[Any]]) -> bool:
    return len(some) == len(others) and all(map(np.array_equal, some, others))


def _layer(wire: _Wire, message: Span, number: int) -> tuple[str, list[NDArray[np.float32]]]:
    """Return the name and the arrays of a LayerParameter (`number` 100) or a V1LayerParameter (2)."""
    name_field, blobs_field = LAYERS[number]
    name, blobs = "", []
    for field, kind, value in wire.fields(message):
        if field == name_field:
            _expect(kind, LENGTH, "a layer's name")
            name = _text(wire.data[slice(*value)])
        elif field == blobs_field:
            _expect(kind, LENGTH, f"a blob of layer {name!r}")
            blobs.append(value)
        elif number == 2 and field == 1:
            raise _Malformed("it has the V0 format of 2013; convert it with Caffe's upgrade_net_proto_binary")
    if blobs and not name:
        raise _Malformed(f"the layer at byte {message[0]} has weights and no name")
    arrays = []
    for index, blob in enumerate(blobs):
        try:
            arrays.append(_blob(wire, blob))
        except _Malformed as error:
            raise _Malformed(f"layer {name!r}, blob {index}: {error}") from None
    return name, arrays


def _text(view: memoryview) -> str:
    if len(view) > MAX_NAME:
        raise _Malformed(f"a layer's name has {len(view)} bytes")
    try:
        return bytes(view).decode("utf-8")
    except UnicodeDecodeError:
        raise _Malformed(f"a layer's name is not UTF-8: {bytes(view[:40])!r}") from None


def _blob(wire: _Wire, message: Span) -> NDArray[np.float32]:
    """Return the float32 array of a BlobProto; what Caffe's Blob::FromProto takes first comes first here."""
    shape: tuple[int, ...] = ()
    singles, doubles, legacy = [], [], {}
    for field, kind, value in wire.fields(message):
        if field in LEGACY_AXES:
            _expect(kind, VARINT, "a blob's size")
            legacy[field] = value
        elif field == 5:
            singles.append(_numbers(wire, kind, value, "<f4", FIXED32))
        elif field == 8:
            doubles.append(_numbers(wire, kind, value, "<f8", FIXED64))
        elif field == 7:
            _expect(kind, LENGTH, "a blob's shape")
            shape = _dims(wire, value)
    if legacy:
        shape = tuple(legacy.get(axis, 0) for axis in LEGACY_AXES)
    return _shaped(doubles or singles, shape)


def _numbers(wire: _Wire, kind: int, value: Any, dtype: str, unpacked: int) -> NDArray[Any]:
    """Return the numbers of a packed field, or of a run of unpacked ones."""
    if kind == unpacked:
        return np.ascontiguousarray(value).view(dtype)[:, 0]
    _expect(kind, LENGTH, "a blob's data")
    start, stop = value
    if (stop - start) % np.dtype(dtype).itemsize:
        raise _Malformed(f"{stop - start} bytes of data do not divide into numbers ({dtype})")
    return wire.bytes[start:stop].view(dtype)


def _dims(wire: _Wire, message: Span) -> tuple[int, ...]:
    dims = []
    for field, kind, value in wire.fields(message):
        if field != 1:
            continue
        if kind == VARINT:
            dims.append(value)
        else:
            _expect(kind, LENGTH, "a blob's shape")
            position, stop = value
            while position < stop and len(dims) <= MAX_AXES:
                dim, position = wire.varint(position, stop)
                dims.append(dim)
        if len(dims) > MAX_AXES:
            raise _Malformed(f"over {MAX_AXES} axes")
    return tuple(dims)


def _shaped(pieces: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[np.float32]:
    shape = tuple(dim - 2**64 if dim >= 2**63 else dim for dim in shape)
    if min(shape, default=0) < 0 or math.prod(dim or 1 for dim in shape) > MAX_COUNT:
        raise _Malformed(f"shape {shape}")
    count = sum(map(len, pieces))
    if math.prod(shape) != count:
        raise _Malformed(f"shape {shape} takes {math.prod(shape)} numbers, and {count} are there")
    data = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, np.float32), *pieces])
    with np.errstate(over="ignore"):  # a double beyond float32 becomes inf, which the loader refuses
        return data.astype(np.float32, copy=False).reshape(shape)


def _expect(kind: int, wanted: int, what: str) -> None:
    if kind != wanted:
        raise _Malformed(f"{what} has wire type {kind} instead of {wanted}")
