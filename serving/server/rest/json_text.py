"""Read the JSON text of a request, and repeat parts of it in messages."""

import codecs
import json
import math
from itertools import islice

from ...errors import ServingError

QUOTED = 1024  # characters of a value that a message repeats
QUOTED_REST = 40  # of what stands behind the document
MOST_BYTES = 320 * 2**20  # that the values of a body may take
COSTS = {b"[": 64, b"{": 240, b",": 64, b":": 190}  # bytes of a list, an object, a value behind a comma, a member
BLANK = " \t\n\r"
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}  # these very objects; a number like 1e999 is refused
ENCODER = json.JSONEncoder(ensure_ascii=False)


class _DoubledKey(Exception):
    """An object has a key twice: who reads the first value and who reads the last disagree on what was asked."""


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        raise _DoubledKey(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return found


DECODER = json.JSONDecoder(parse_constant=lambda name: INFINITIES.get(name, math.nan), object_pairs_hook=_object)


def parse(body):
    """Read the request's JSON object.

    TF Serving takes the last value of a key that is there twice, and ignores what follows the object. Both are refused
    here: they would be answered as if something else had been asked.

    This lets no other thread run until it has read the text: half a second, for the largest that `_check_cost` admits.

    Raises:
        ServingError: INVALID_ARGUMENT, or RESOURCE_EXHAUSTED where the text would take too much memory.
    """
    _check_cost(body)
    # Bytes that are not UTF-8 are kept, as TF Serving keeps them.
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip(BLANK))
    if start == len(text):
        raise _malformed("The document is empty")
    try:
        document, end = DECODER.raw_decode(text, start)
    except _DoubledKey as error:
        raise _malformed(f"The key {quote(error.args[0])} is there twice in one object.") from None
    except json.JSONDecodeError as error:
        raise _malformed(error) from None
    except RecursionError:
        raise _malformed("Lists or objects are nested too deeply.") from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise _malformed("Number too big to be stored in double.") from None
    if rest := text[end:].strip(BLANK):
        more = quote(rest[:QUOTED_REST])
        raise _malformed(f"Nothing may follow the document. Received: {more} at character {text.index(rest, end)}.")
    if not isinstance(document, dict):
        raise ServingError("INVALID_ARGUMENT", f"JSON Value: {quote(document)} Is not object")
    return document


def quote(value):
    """Write a value, but not more of it than a reader wants."""
    try:
        text = "".join(islice(ENCODER.iterencode(value), QUOTED + 1))  # a piece may be long, and none is empty
    except RecursionError:
        return "...TRUNCATED"
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}...TRUNCATED"


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


def _malformed(reason):
    return ServingError("INVALID_ARGUMENT", f"JSON Parse error: {reason}")
