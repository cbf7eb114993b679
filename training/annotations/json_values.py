"""Read JSON that strangers wrote."""

import json
from pathlib import Path

_MOST = 2 << 30  # bytes; the instances of COCO's training images are half a GiB


def load_json(path, *, hook=None):
    """Read a JSON file.

    Args:
        hook: called with every object as soon as it is read, returns what is kept of it.

    Raises:
        ValueError: naming the file, if it is not JSON, or too large to be read at once.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        if path.stat().st_size > _MOST:
            raise ValueError(f"it has more than {_MOST >> 30} GiB. Divide it")
        return json.loads(path.read_bytes(), object_hook=hook)
    except RecursionError:
        raise ValueError(f"{path} cannot be read as JSON: it is nested too deeply.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read as JSON: {reason:.200}.") from None


def as_json(value, most=60):
    """Write a value as it stands in the file, at most so many characters of it."""
    value = value[:most] if isinstance(value, list | str) else value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def whole(value, where, *, least=None):
    """Return an integer.

    Raises:
        ValueError: if it is none, or below `least`.
    """
    right = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not right or (least is not None and value < least):
        expected = "an integer" if least is None else f"an integer from {least}"
        raise ValueError(f"{where} should be {expected}. Received: {as_json(value)}.")
    return int(value)


def is_list_of(kind, value):
    """Tell whether a value is a list of objects of one kind, such as dict."""
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
