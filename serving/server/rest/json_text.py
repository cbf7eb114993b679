"""Read JSON text, and repeat it in messages, as TF Serving does."""

import json
import math
import re
from itertools import islice
from json.decoder import JSONArray, JSONObject

import numpy as np

from ...errors import ServingError
from .json_replies import decimal

LARGE = 64 * 2**10
QUOTED = 1024  # characters of a value that a message repeats
MOST_BYTES = 320 * 2**20  # that the values of a body may take
COSTS = {b"[": 64, b"{": 240, b",": 64, b":": 120}  # bytes of a list, an object, a value behind a comma, a member
BLANK = " \t\n\r"
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}  # these very objects; a number like 1e999 is refused
DECODER = json.JSONDecoder(parse_constant=lambda name: INFINITIES.get(name, math.nan))
ENCODER = json.JSONEncoder(indent=4, ensure_ascii=False)
# What the reader of the standard library reports, in the words of TF Serving's.
PARSE_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid escape character in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
}


def parse(body):
    """Read the request's JSON object; what follows it is ignored.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    if not body:
        raise _malformed("JSON Parse error: The document is empty")
    _check_cost(body)
    # Bytes that are not UTF-8 are kept, as TF Serving keeps them.
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip(BLANK))
    if start == len(text):
        raise _malformed(f"JSON Parse error: The document is empty. at offset: {start}")
    try:
        document = _scan(text, start, 3 if len(text) > LARGE else 0)[0]
    except StopIteration as error:
        raise _malformed(f"JSON Parse error: Invalid value. at offset: {_offset(text, error.value)}") from None
    except json.JSONDecodeError as error:
        raise _malformed(_parse_error(error)) from None
    except RecursionError:
        raise _malformed("JSON Parse error: Lists or objects are nested too deeply.") from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise _malformed("JSON Parse error: Number too big to be stored in double.") from None
    if not isinstance(document, dict):
        raise _malformed(f"JSON Value: {quote(document)} Is not object")
    return document


def _check_cost(body):
    """Refuse a body of few bytes that many lists and objects are made of: `[[],[],...` takes 25 times its size."""
    cost = 2 * len(body) * (1 if body.isascii() else 4)  # as text, and as values; a character outside ASCII may take 4
    cost += sum(size * body.count(mark) for mark, size in COSTS.items())
    if cost > MOST_BYTES:
        raise ServingError(
            "RESOURCE_EXHAUSTED",
            f"The request's lists, objects and values would take about {cost} bytes; more than {MOST_BYTES} are "
            "refused. Send fewer images at once, or files instead of pixels.",
        )


def _scan(text, start, levels):
    """Read a value; return it, and where it ends.

    Reading in C lets no other thread run before it ends. So of a large text, only what lies `levels` deep is read at
    one go: a row of pixels instead of an image.
    """

    def deeper(text, start):
        return _scan(text, start, levels - 1)

    if levels and text.startswith("[", start):
        return JSONArray((text, start + 1), deeper)
    if levels and text.startswith("{", start):
        return JSONObject((text, start + 1), True, deeper, None, None)
    return DECODER.scan_once(text, start)


def _malformed(message):
    return ServingError("INVALID_ARGUMENT", message)


def quote(value):
    """Repeat a value as TF Serving does, but not more of it than a reader wants."""
    if type(value) is float and not abs(value) > float(np.finfo(np.float32).max):
        return decimal(np.float32(value))
    if type(value) is float:
        return decimal(np.float64(value))
    try:
        text = "".join(islice(ENCODER.iterencode(value), QUOTED + 1))  # a piece may be long, and none is empty
    except RecursionError:
        return "...TRUNCATED"
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}...TRUNCATED"


def _parse_error(error):
    """Say where and why JSON text is malformed."""
    position = error.pos
    message = PARSE_ERRORS.get(error.msg)
    if error.msg.startswith("Unterminated string"):
        position = len(error.doc)
    if error.msg.startswith("Illegal trailing comma"):  # Python 3.13 points at the comma, RapidJSON behind it
        position = len(error.doc) - len(error.doc[position + 1 :].lstrip(BLANK))
    if message is None:  # "Expecting ',' delimiter"
        message, position = _delimiter_error(error.doc, position)
    return f"JSON Parse error: {message} at offset: {_offset(error.doc, position)}"


def _offset(text, position):
    """Count the bytes before a character."""
    return len(text[:position].encode("utf-8", "surrogateescape"))


def _delimiter_error(text, position):
    """Tell an unfinished number, list and object apart."""
    after_digit = text[position - 1].isdigit()
    if after_digit and text[position : position + 1] == ".":
        return "Miss fraction part in number.", position + 1
    if after_digit and text[position : position + 1] in ("e", "E"):
        return "Miss exponent in number.", position + 1
    closed = 0
    for bracket in reversed(re.sub(r'"(?:[^"\\]|\\.)*"|[^][{}"]+', "", text[:position])):
        closed += 1 if bracket in "]}" else -1
        if closed < 0:
            break
    closing, where = ("}", "an object member") if bracket == "{" else ("]", "an array element")
    return f"Missing a comma or {closing} after {where}.", position
