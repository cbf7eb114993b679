"""The line with which a command ends: the very command that usually comes next, to be copied."""

import contextlib
import shlex
import sys
from pathlib import Path


def say_next(arguments, *words):
    """Print `next: COMMAND` on stderr, unless the command was asked for JSON or to be quiet.

    Args:
        arguments: of the command that ends, with `json` and `quiet` where it has these options.
        *words: of the command that comes next; paths are quoted where a shell needs it.
    """
    if getattr(arguments, "json", False) or getattr(arguments, "quiet", False):
        return
    with contextlib.suppress(OSError):  # nobody reads it
        print(f"next: {shlex.join(map(str, words))}", file=sys.stderr, flush=True)


def stage_or_file(path):
    """Return how a command names a model: by the folder of its stage where it is the best of one."""
    path = Path(path)
    return path.parent if path.name == "best.keras" else path
