"""The standard streams of a fork that is to be a process of its own."""

import io
import sys


def open_streams():
    """Put new streams over the files 0, 1 and 2: whoever forked may have put others there."""
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", line_buffering=True)


def flushed(code):
    """Flush what was printed; return the exit code, or 120 where a stream takes nothing, as Python does at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    return code
