"""The line with which a command ends: the very command that usually comes next, to be copied."""

import contextlib
import shlex
import sys
from pathlib import Path

from .shown_paths import from_here


def say_next(arguments, *words):
    """Print `next: COMMAND` on stderr, unless the command was asked for JSON or to be quiet.

    Args:
        arguments: of the command that ends, with `json` and `quiet` where it has these options.
        *words: of the command that comes next, paths as `Path`; they are quoted where a shell needs it, and told from
            the working directory where they lie below it.
    """
    with contextlib.suppress(OSError):  # nobody reads it
        for line in next_lines(arguments, *words):
            print(line, file=sys.stderr, flush=True)


def next_lines(arguments, *words):
    """Return the line that `say_next` prints, in a list; an empty one where it prints none."""
    if getattr(arguments, "json", False) or getattr(arguments, "quiet", False):
        return []
    return [f"next: {shlex.join(map(_word, words))}"]


def _word(word):
    """Return a word as a command takes it: a path that begins with a hyphen is no option."""
    shown = str(from_here(str(word)))
    is_path = isinstance(word, Path) or shown != str(word)
    return f"./{shown}" if is_path and shown.startswith("-") else shown


def stage_or_file(path):
    """Return how a command names a model: by the folder of its stage where it is the best of one."""
    path = Path(path)
    return path.parent if path.name == "best.keras" else path


def free_folder(path):
    """Return the path of a folder to write into that holds nothing yet: this one, or with a number behind its name."""
    path, number = Path(path), 1
    tried = path
    while _holds_something(tried):
        number += 1
        tried = path.with_name(f"{path.name}-{number}")
    return tried


def _holds_something(path):
    try:
        return next(path.iterdir(), None) is not None
    except OSError:  # missing, or a file
        return path.exists()


def photographs_of(data, otherwise="new_photos"):
    """Return the folder of images to name to a command that labels: of a data set at hand, else a name to replace.

    Args:
        data: path of a data set's folder, or of one of images; None where there is none.
        otherwise: the name to replace.
    """
    if data is None or not Path(data).is_dir():
        return Path(otherwise)
    images = [Path(data, *parts, "images") for parts in (["val"], [], ["train"])]
    return next((each for each in images if each.is_dir()), Path(data))
