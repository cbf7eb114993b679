"""How paths are shown: from where the command runs; and without the folders of this machine in what is published."""

import os
from pathlib import Path


def from_here(path):
    """Return an absolute path below the working directory as it is reached from there, and others as they are.

    Args:
        path: `pathlib.Path`, or text of one.
    """
    if not os.path.isabs(path):
        return path
    try:
        return Path(path).relative_to(Path.cwd())
    except (ValueError, OSError):  # elsewhere; or there is no working directory any more
        return path


def published(value):
    """Return JSON-able facts without the places of this machine, for what is given to others.

    A text that is an absolute path becomes the path from the working directory where it lies below, else its name;
    also where it stands within another text, such as `folder(classes=/home/me/photos/classes.txt)`.

    Args:
        value: dict, list, text, number or None.
    """
    places = sorted(set(_absolute(value)), key=len, reverse=True)
    return _replaced(value, {place: _name(place) for place in places})


def _name(place):
    shown = from_here(place)
    return shown.as_posix() if shown is not place else Path(place).name or place


def _absolute(value):
    """Yield the absolute paths among the texts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _absolute(each)
    elif isinstance(value, str) and os.path.isabs(value) and "\n" not in value:
        yield value


def _replaced(value, names):
    if isinstance(value, dict):
        return {key: _replaced(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, names) for each in value]
    if isinstance(value, str):
        for place, name in names.items():  # the longest first: one may begin another
            value = value.replace(place, name)
    return value
