"""Write tensors as JSON text the way TF Serving's REST does, character by character."""

import base64
import json

import numpy as np

from ...errors import ServingError

INDENT = "    "
PIECE = 16384  # values formatted at a time: some milliseconds, in which no other thread can run
# Digits that tell any two numbers apart. Fewer are written where six do.
DIGITS = {"float32": 9, "float64": 17}
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")
# TF Serving's names, where they are not numpy's.
TYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def predictions(outputs):
    """Write the reply to a request in row form.

    Args:
        outputs: `{name: array}`, arrays of one length. Strings are object arrays of bytes.

    Returns:
        bytes, UTF-8 unless a string output is not.

    Raises:
        ServingError: INVALID_ARGUMENT where TF Serving has no JSON for the outputs.
    """
    count = _batch(outputs)
    if len(outputs) == 1:
        [(name, array)] = outputs.items()
        return _document(
            "predictions", "[" + _items(array, ", ", _leaf(name), 2, False) + f"\n{INDENT}]" if count else "[]"
        )
    rows = (
        _object({name: _nested(array[i, ...], _leaf(name), 3, False) for name, array in outputs.items()}, 2)
        for i in range(count)
    )
    opening, separator, closing = _brackets(1, True)
    return _document("predictions", opening + separator.join(rows) + closing if count else "[]")


def outputs_object(outputs):
    """Write the reply to a request in column form. As `predictions`, but the arrays may have any shapes."""
    if not outputs:
        raise ServingError("INVALID_ARGUMENT", "Cannot convert empty tensor map to JSON")
    if len(outputs) == 1:
        [(name, array)] = outputs.items()
        return _document("outputs", _nested(array, _leaf(name), 1, True))
    texts = {name: _nested(array, _leaf(name), 2, True) for name, array in outputs.items()}
    return _document("outputs", _object(texts, 1))


def error(message):
    """Write an error's body."""
    return _object({"error": json.dumps(message, ensure_ascii=False)}, 0).encode("utf-8", "replace")


def decimal(number):
    """Write one numpy float."""
    return _fill("%s", np.array([number]))


def _batch(outputs):
    """Find the length that all outputs must share."""
    if not outputs:
        raise ServingError("INVALID_ARGUMENT", "Cannot convert empty tensor map to JSON")
    expected = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise ServingError("INVALID_ARGUMENT", f"Tensor name: {name} has no shape information ")
        if expected not in (None, len(array)):
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {expected}",
            )
        expected = len(array)
    return expected


def _document(key, text):
    return _object({key: text}, 0).encode("utf-8", "surrogateescape")


def _object(members, depth):
    outer, inner = INDENT * depth, INDENT * (depth + 1)
    lines = ",\n".join(f"{inner}{json.dumps(name, ensure_ascii=False)}: {text}" for name, text in members.items())
    return f"{{\n{lines}\n{outer}}}"


def _brackets(depth, pretty):
    """Return what opens, separates and closes a list that lies within `depth` others."""
    if not pretty:
        return "[", ", ", "]"
    outer, inner = INDENT * depth, INDENT * (depth + 1)
    return f"[\n{inner}", f",\n{inner}", f"\n{outer}]"


def _nested(array, leaf, depth, pretty):
    """Write an array of any rank as nested lists."""
    if array.ndim == 0:
        return _fill("%s", array[None], leaf, depth)
    if not len(array):
        return "[]"
    opening, separator, closing = _brackets(depth, pretty)
    return opening + _items(array, separator, leaf, depth + 1, pretty) + closing


def _items(array, separator, leaf, depth, pretty):
    """Write the items of an array, which lie within `depth` lists or objects."""
    size = array[:1].size
    if size > PIECE:
        return separator.join(_nested(item, leaf, depth, pretty) for item in array)
    template = _template(array.shape[1:], depth, pretty)
    step = max(1, PIECE // max(1, size))
    pieces = (array[start : start + step] for start in range(0, len(array), step))
    deepest = depth + array.ndim - 1
    return separator.join(_fill(separator.join([template] * len(piece)), piece, leaf, deepest) for piece in pieces)


def _template(shape, depth, pretty):
    """Nest lists around one `%s` a value."""
    if not shape:
        return "%s"
    if not shape[0]:
        return "[]"
    opening, separator, closing = _brackets(depth, pretty)
    return opening + separator.join([_template(shape[1:], depth + 1, pretty)] * shape[0]) + closing


def _fill(template, array, leaf=None, depth=0):
    """Put values in the place of the `%s`; two passes of `%`, which runs in C, are the fastest way to do so."""
    values = array.ravel()
    kind = values.dtype.name
    if kind == "object":
        return template % tuple(leaf(value, depth) for value in values.tolist())
    if kind == "bool":
        return template % tuple(map(("false", "true").__getitem__, values.tolist()))
    if kind in INTEGERS:
        return template.replace("%s", "%d") % tuple(values.tolist())
    if kind == "float16":
        values, kind = values.astype(np.float32), "float32"
    if kind not in DIGITS:
        raise ServingError(
            "INVALID_ARGUMENT", f"Failed to write JSON value for tensor type: {TYPE_NAMES.get(kind, kind)}"
        )
    formats, which = _float_formats(values, DIGITS[kind])
    if (which == which[:1]).all():
        template = template.replace("%s", formats[which[0]]) if len(which) else template
    else:
        template %= tuple(map(formats.__getitem__, which.tolist()))
    return template % tuple(values.tolist())


def _float_formats(values, digits):
    """Return formats, and for every value the index of its own.

    TF Serving writes six digits where they are enough to read the same number back, and all of them otherwise; and
    `.0` behind whole numbers without an exponent.
    """
    full = f"%.{digits}g"
    formats = [full, f"{full}.0", "%g", "%g.0", "NaN%.0s", "Infinity%.0s", "-Infinity%.0s"]
    with np.errstate(all="ignore"):
        numbers = values.astype(np.float64)
        size = np.abs(numbers)
        exponent = 5 - np.floor(np.log10(size))
        up, down = 10.0 ** np.maximum(exponent, 0), 10.0 ** np.maximum(-exponent, 0)
        six = np.rint(numbers / down * up) / up * down
        short = (six.astype(values.dtype) == values) | (size == 0)
        whole = (numbers == np.rint(numbers)) & (size < np.where(short, 1e6, 10.0**digits))
        which = 2 * short + whole
    which[np.isnan(numbers)] = 4
    which[np.isposinf(numbers)] = 5
    which[np.isneginf(numbers)] = 6
    return formats, which


def _leaf(name):
    """Choose how to write a string: as base64 where the output's name says that it holds bytes."""
    return _base64 if name.endswith("_bytes") else _string


def _base64(value, depth):
    return _object({"b64": f'"{base64.b64encode(value).decode("ascii")}"'}, depth)


def _string(value, depth):
    return json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False)
