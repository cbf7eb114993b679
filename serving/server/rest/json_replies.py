"""Write tensors as JSON, in the shapes of TF Serving's REST."""

import base64
import json

import numpy as np
import orjson

from ...errors import ServingError

PIECE = 16384  # values that `json` writes at a time: some milliseconds, in which no other thread can run
# uint16 is not among them: TF Serving has no JSON for it.
NUMBERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "float16", "float32", "float64")


def predictions(outputs):
    """Write the reply to a request in row form.

    Args:
        outputs: `{name: array}`, arrays of one length. Strings are object arrays of bytes.

    Returns:
        bytes. Floats are written with as many digits as tell them from their neighbours; NaN and infinities as
        `NaN`, `Infinity` and `-Infinity`.

    Raises:
        ServingError: INVALID_ARGUMENT where TF Serving has no JSON for the outputs.
    """
    count = _batch(outputs)
    if len(outputs) == 1:
        [rows] = _values(outputs).values()
    else:
        rows = [_values({name: array[i, ...] for name, array in outputs.items()}) for i in range(count)]
    return _document("predictions", rows)


def outputs_object(outputs):
    """Write the reply to a request in column form. As `predictions`, but the arrays may have any shapes."""
    if not outputs:
        raise _invalid("Cannot convert empty tensor map to JSON")
    columns = _values(outputs)
    return _document("outputs", columns if len(columns) > 1 else next(iter(columns.values())))


def error(message):
    """Write an error's body."""
    return _document("error", message.encode("utf-8", "replace").decode())


def _document(key, value):
    return orjson.dumps({key: value}, option=orjson.OPT_SERIALIZE_NUMPY)


def _batch(outputs):
    """Find the length that all outputs must share."""
    if not outputs:
        raise _invalid("Cannot convert empty tensor map to JSON")
    expected = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise _invalid(f"Tensor name: {name} has no shape information ")
        if expected not in (None, len(array)):
            raise _invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {expected}")
        expected = len(array)
    return expected


def _values(outputs):
    """Turn arrays into what orjson writes."""
    return {name: _value(name, array) for name, array in outputs.items()}


def _value(name, array):
    if array.dtype == object:
        return _strings(array, is_bytes=name.endswith("_bytes"))
    kind = array.dtype.name
    if kind not in NUMBERS:
        raise _invalid(f"Failed to write JSON value for tensor type: {kind}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _with_nan(array)
    return np.asarray(array, order="C")[()]  # a scalar of an array without dimensions, which orjson does not take


def _strings(array, *, is_bytes):
    """Nest lists of strings: as base64 where the output's name says that it holds bytes."""
    values = np.empty(array.size, object)
    values[:] = [
        {"b64": base64.b64encode(value).decode()} if is_bytes else value.decode("utf-8", "replace")
        for value in array.ravel().tolist()
    ]
    return values.reshape(array.shape).tolist()


def _with_nan(array):
    """Write NaN and infinities, for which orjson puts null, by the standard library."""
    if array.ndim and array.size > PIECE:
        return [_with_nan(part) for part in array]
    return orjson.Fragment(json.dumps(array.tolist()))


def _invalid(message):
    return ServingError("INVALID_ARGUMENT", message)
