"""Read many files ahead of their use, of which some may be unusable.

`--on-error fail` ends the command at the first that is, `skip` names and counts them.
"""

import contextlib
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from fcn_keras_console.run import one_line

_END = object()


def add_option(parser):
    parser.add_argument(
        "--on-error",
        choices=("fail", "skip"),
        default="fail",
        help="at a file that cannot be read or used: end with exit code 2, or name it on stderr, go on without it and "
        "count it at the end; exit code 2 all the same where nothing is left (default: %(default)s)",
    )


def attempted(read):
    """Make a function that returns the `ValueError` of `read` instead of raising it."""

    def attempt(item):
        try:
            return read(item)
        except ValueError as error:
            return error

    return attempt


def read_ahead(read, items, *, threads=2, ahead=8):
    """Yield `read(item)` of every item, in order, read in `threads` at most `ahead` items early.

    What `read` raises is raised when its item's turn comes.
    """
    pending = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(read, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def taken_ahead(iterator, *, ahead=4):
    """Yield what an iterator yields, which a thread takes from it at most `ahead` items early.

    What the iterator raises is raised when its turn comes. Close the generator where it may not come to its end.
    """
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, iterator, _END) for _ in range(ahead))
        try:
            while (item := pending.popleft().result()) is not _END:
                pending.append(pool.submit(next, iterator, _END))
                yield item
        finally:
            for future in pending:
                future.cancel()


def read_each(read, items, *, unreadable=None, progress=None, threads=2):
    """Yield `(item, read(item))` of every item that can be read, in order; the next ones are read meanwhile.

    Args:
        unreadable: called with the `ValueError` of an item that cannot be read; what it raises ends the reading. By
            default the error itself is raised.
        progress: called as `progress(done, total)` after each item.
        threads: that read.
    """
    results = read_ahead(read if unreadable is None else attempted(read), items, threads=threads, ahead=4 * threads)
    # Closed here and now: left to the garbage collector, its threads are joined wherever that happens to run.
    with contextlib.closing(results):
        for done, (item, result) in enumerate(zip(items, results, strict=True), 1):
            if unreadable is not None and isinstance(result, ValueError):
                unreadable(result)
            else:
                yield item, result
            if progress is not None:
                progress(done, len(items))


class Unreadable:
    """Raise the error that it is called with (`fail`), or write it on stderr and keep it (`skip`).

    Args:
        command: its name, which the lines on stderr begin with.
        on_error: `"fail"` or `"skip"`.

    Attributes:
        skipped: the messages, one line a file.
    """

    def __init__(self, command, on_error):
        self.command, self.on_error, self.skipped = command, on_error, []

    def __call__(self, error):
        if self.on_error == "fail":
            raise error
        self.skipped.append(one_line(error))
        print(f"{self.command}: skipped: {self.skipped[-1]}", file=sys.stderr, flush=True)

    def require_some(self, left):
        """Raise a `ValueError` if nothing is left to work on."""
        if not left and not self.skipped:
            raise ValueError("There is nothing to read: no image is listed or lies there.")
        if not left:
            raise ValueError(f"None of {len(self.skipped)} files can be read, and nothing is left without them.")

    def counted(self):
        """Return the end of a summary: `"; 2 skipped"`, or nothing."""
        return f"; {len(self.skipped)} skipped" if self.skipped else ""
