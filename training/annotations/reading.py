"""Read many files, of which some may be unusable."""

import contextlib

from ..ahead import read_ahead
from ..reading import attempted


def read_each(read, items, *, unreadable, progress, threads=2):
    """Read every item, in `threads`, and return `(item, read(item))` of those that can be read, in order.

    Args:
        unreadable: called with the `ValueError` of an item that cannot; what it raises ends the reading.
        progress: called as `progress(done, total)` after each item.
    """
    found = []
    # Closed here and now: left to the garbage collector, its threads are joined wherever that happens to run.
    with contextlib.closing(read_ahead(attempted(read), items, threads=threads, ahead=4 * threads)) as results:
        for done, (item, result) in enumerate(zip(items, results, strict=True), 1):
            progress(done, len(items))
            if isinstance(result, ValueError):
                unreadable(result)
            else:
                found.append((item, result))
    return found
