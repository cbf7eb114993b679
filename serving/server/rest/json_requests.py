"""Read requests of TF Serving's REST: JSON values to tensors, by a SignatureDef.

Messages and the order of the checks are TF Serving's. One thing is stricter here: an integer must fit the tensor's
type, where TF Serving keeps the low bits of 300 for a uint8.
"""

import base64
import math
from contextlib import contextmanager
from itertools import chain

import numpy as np
from tensorflow.core.framework import types_pb2

from ...errors import ServingError
from .json_text import INFINITIES, quote

JSON_TYPES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
INTEGERS = {
    types_pb2.DT_INT8: np.int8,
    types_pb2.DT_INT16: np.int16,
    types_pb2.DT_INT32: np.int32,
    types_pb2.DT_INT64: np.int64,
    types_pb2.DT_UINT8: np.uint8,
    types_pb2.DT_UINT32: np.uint32,
    types_pb2.DT_UINT64: np.uint64,
}
FLOATS = {types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64}
# uint16 and half are not among them: TF Serving answers UNIMPLEMENTED.
MAX_RANK = 31  # of a row; numpy ends at 32 dimensions
NUMPY = {**INTEGERS, **FLOATS, types_pb2.DT_BOOL: np.bool_, types_pb2.DT_STRING: object}


def signature_name(document):
    """Return the name of the signature that a request asks for."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _invalid(
            f"JSON Value: {quote(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name or "serving_default"


def tensors(document, signature):
    """Read the tensors of a request in row form, `instances`, or in column form, `inputs`.

    Args:
        document: what `parse` returned.
        signature: SignatureDef; types are checked against it, shapes are not.

    Returns:
        `({name: array}, is_row)`; strings are object arrays of bytes.

    Raises:
        ServingError: INVALID_ARGUMENT, and UNIMPLEMENTED for tensor types that TF Serving does not read from JSON.
    """
    dtypes = {name: info.dtype for name, info in sorted(signature.inputs.items())}
    if not dtypes:
        raise _invalid(f"Failed to get input map for signature: {document.get('signature_name') or 'DEFAULT'}")
    if "instances" not in document and "inputs" not in document:
        raise _invalid("Missing 'inputs' or 'instances' key")
    if "instances" in document and "inputs" in document:
        raise _invalid(
            f"JSON Value: {quote(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "inputs" in document:
        return _from_columns(document["inputs"], dtypes), False
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _invalid(f"JSON Value: {quote(document)} Excepting 'instances' to be an list/array")
    if not instances:
        raise _invalid(f"JSON Value: {quote(document)} No values in 'instances' array")
    if not isinstance(instances[0], dict) and len(dtypes) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    return (_from_objects if _is_object(instances[0]) else _from_values)(instances, dtypes), True


def check_examples(document):
    """Refuse a request to classify or regress that is not well formed.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    problem = None
    if "examples" not in document:
        problem = "When method is classify, key 'examples' is expected and was not found"
    elif not isinstance(document["examples"], list):
        problem = "Expecting 'examples' value to be an list/array"
    elif not document["examples"]:
        problem = "'examples' value is an empty array"
    if problem:
        raise _invalid(f"JSON Value: {quote(document)} {problem}")


def _from_columns(value, dtypes):
    if _is_object(value):
        for name in dtypes:
            if name not in value:
                raise _invalid(f"Missing named input: {name} in 'inputs' object.")
        return {name: _tensor(value[name], dtype) for name, dtype in dtypes.items()}
    if len(dtypes) > 1:
        raise _invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    return {name: _tensor(value, dtype) for name, dtype in dtypes.items()}


def _from_values(instances, dtypes):
    """Read rows that are bare values of the only input."""
    name, dtype = next(iter(dtypes.items()))
    array = _regular(instances, dtype)
    if array is not None:
        return {name: array}
    rows = []
    for index, item in enumerate(instances):
        if _is_object(item):
            raise _invalid(f"Expecting value/list but got object at item {index} of input list")
        with _element(index):
            rows.append(_row(item, dtype, rows))
    return {name: np.stack(rows)}


def _from_objects(instances, dtypes):
    """Read rows that are objects, a member for every input."""
    columns = {name: [] for name in dtypes}
    for index, item in enumerate(instances):
        if not _is_object(item):
            raise _invalid(f"Expecting object but got list at item {index} of input list")
        for name, value in item.items():
            with _element(index, name):
                if name not in dtypes:
                    raise _invalid(f"JSON object: does not have named input: {name}")
                columns[name].append(_row(value, dtypes[name], columns[name]))
        if item.keys() != dtypes.keys():
            raise _invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: {quote(item)} keys must be "
                f"equal to: {','.join(dtypes)}"
            )
    return {name: np.stack(rows) for name, rows in columns.items()}


@contextmanager
def _element(index, key=None):
    """Say in an error which row it is about."""
    try:
        yield
    except ServingError as error:
        where = f"{index}" if key is None else f"{index} key: {key}"
        raise _invalid(
            f"Failed to process element: {where} of 'instances' list. Error: {error.code}: {error.message}"
        ) from None


def _row(value, dtype, rows):
    """Read the tensor of one row, which has the shape of the rows before it."""
    array = _tensor(value, dtype)
    if rows and rows[0].size != array.size:
        raise _invalid(f"Expecting tensor size: {rows[0].size} but got: {array.size}")
    if rows and rows[0].shape != array.shape:
        expected, received = (f"[{','.join(map(str, x.shape))}]" for x in (rows[0], array))
        raise _invalid(f"Expecting shape {expected} but got: {received}")
    return array


def _tensor(value, dtype):
    """Read nested lists of one shape, or a value alone."""
    array = _regular(value, dtype)
    if array is not None:
        return array
    shape = _shape(value)
    if len(shape) > MAX_RANK:
        raise _invalid(f"Tensors of more than {MAX_RANK} dimensions are not supported. Received: {len(shape)}.")
    values = []
    _collect(value, 0, shape, dtype, values)
    if dtype not in NUMPY:
        raise _unimplemented(value, dtype)
    array = np.empty(len(values), NUMPY[dtype])
    array[:] = values
    return array.reshape(shape)


def _shape(value):
    """Measure nested lists by the first ones."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _regular(value, dtype):
    """Read nested lists of plain numbers fast; None where each value needs a look of its own."""
    if dtype not in INTEGERS and dtype not in FLOATS:
        return None
    shape, values = [], [value]
    kinds = {type(value)}
    while kinds == {list}:
        sizes = set(map(len, values))
        if len(sizes) > 1:
            return None
        shape.extend(sizes)
        values = list(chain.from_iterable(values))
        kinds = set(map(type, values))
    if len(shape) > MAX_RANK or not kinds <= ({int} if dtype in INTEGERS else {int, float}):
        return None
    try:
        array = np.array(values, np.int64 if dtype in INTEGERS else np.float64)
    except OverflowError:
        return None
    if array.size and not _fits(array, dtype, int in kinds):
        return None
    return array.astype(NUMPY[dtype]).reshape(shape)


def _fits(array, dtype, has_integers):
    """Tell whether all numbers are sure to fit; infinities may be numbers too large."""
    if dtype in INTEGERS:
        limits = np.iinfo(NUMPY[dtype])
        return array.min() >= limits.min and array.max() <= limits.max
    largest = 2**24 - 1 if has_integers else float(np.finfo(NUMPY[dtype]).max)
    return not (np.abs(array) > largest).any()  # NaN is not


def _collect(value, level, shape, dtype, values):
    """Append every value to `values`, in order, and stop at the first that does not fit."""
    if not isinstance(value, list):
        if level != len(shape):
            raise _invalid(
                f"JSON Value: {quote(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        values.append(_value(value, dtype))
        return
    if level >= len(shape):
        raise _invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise _invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for item in value:
        _collect(item, level + 1, shape, dtype, values)


def _value(value, dtype):
    """Check and convert one value."""
    if dtype == types_pb2.DT_STRING and isinstance(value, dict):
        return _unescape(value)
    if isinstance(value, dict):
        raise _mistyped(value, dtype)
    if dtype not in NUMPY:
        raise _unimplemented(value, dtype)
    if dtype in FLOATS:
        return _float(value, dtype)
    if type(value) is not {types_pb2.DT_BOOL: bool, types_pb2.DT_STRING: str}.get(dtype, int):
        raise _mistyped(value, dtype)
    if dtype == types_pb2.DT_STRING:
        return _bytes(value)
    if dtype in INTEGERS and not np.iinfo(NUMPY[dtype]).min <= value <= np.iinfo(NUMPY[dtype]).max:
        raise _mistyped(value, dtype)
    return value


def _float(value, dtype):
    if type(value) not in (int, float):
        raise _mistyped(value, dtype)
    if value in INFINITIES.values() and not any(value is infinity for infinity in INFINITIES.values()):
        raise _invalid("JSON Parse error: Number too big to be stored in double.")
    if type(value) is int and -(2**63) <= value < 2**64:
        lossless = abs(value) < 2 ** (24 if dtype == types_pb2.DT_FLOAT else 53)
    else:
        lossless = abs(value) == math.inf or not abs(value) > float(np.finfo(NUMPY[dtype]).max)  # NaN is
    if not lossless:
        raise _invalid(f"Cannot convert JSON value: {quote(value)} to {_name(dtype)} without loss of precision.")
    return value


def _bytes(text):
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _invalid("JSON Parse error: The surrogate pair in string is invalid.") from None


def _is_base64(value):
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _is_object(value):
    return isinstance(value, dict) and not _is_base64(value)


def _unescape(value):
    """Decode `{"b64": "..."}`: the standard alphabet; blanks are skipped, and padding may be left out."""
    if not _is_base64(value):
        raise _invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())
    digits = text.rstrip("=")
    padding = -len(digits) % 4
    if len(text) - len(digits) not in (0, padding):
        raise _invalid("Unable to base64 decode")
    try:
        return base64.b64decode(digits + "=" * padding, validate=True)
    except ValueError:
        raise _invalid("Unable to base64 decode") from None


def _invalid(message):
    return ServingError("INVALID_ARGUMENT", message)


def _mistyped(value, dtype):
    kind = JSON_TYPES.get(type(value)) or {None: "Null", True: "True", False: "False"}[value]
    return _invalid(f"JSON Value: {quote(value)} Type: {kind} is not of expected type: {_name(dtype)}")


def _unimplemented(value, dtype):
    return ServingError("UNIMPLEMENTED", f"Conversion of JSON Value: {quote(value)} to type: {_name(dtype)}")


def _name(dtype):
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()
