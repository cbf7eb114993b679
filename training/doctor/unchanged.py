"""See that files stay as they are while they are read: what is said and written is of one state of them."""

import os


class Stamps:
    """What tells whether files change: their sizes, times and places on the disk.

    Args:
        files: paths.
        find: returns the files anew, for what was added.
        what: that holds them, for the error.
    """

    def __init__(self, files, find, what):
        self._find, self._what = find, what
        self._before = _stamps(files)

    def require_same(self):
        """Raise a `ValueError` that names a file which was changed, added or taken away since."""
        after = _stamps(self._find())
        if after == self._before:
            return
        for path in sorted(self._before.keys() | after.keys()):
            before, now = self._before.get(path), after.get(path)
            if before != now:
                how = "was added" if before is None else "was taken away" if now is None else "has changed"
                raise ValueError(
                    f"{path} {how} while {self._what} was read. Nothing was written. Run this again when nothing else "
                    "writes there."
                )


def _stamps(paths):
    """Return what tells each file from what may replace it; nothing of those that are not there."""
    stamps = {}
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        stamps[path] = status.st_ino, status.st_size, status.st_mtime_ns
    return stamps
