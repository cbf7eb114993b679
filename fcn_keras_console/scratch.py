"""Hidden folders for files that are not whole yet, and what becomes of those whose process was killed.

A scratch folder is `.fcn-<random>.tmp`, beside what is to be written. Its process holds the lock in it as long as it
lives. Whoever makes another one in the same folder first looks after those that are there (`tidy`).
"""

import contextlib
import json
import logging
import os
import platform
import re
import shutil
import tempfile
from pathlib import Path

from .locks import AT_ONCE, locked, remove_free
from .publication import finish, is_begun

LOG = logging.getLogger("fcn_keras_console")
DAY = 24 * 60 * 60  # seconds without a change, after which nobody writes there any more
_NAME = re.compile(r"\.fcn-\w{8}\.tmp")
_OLD = re.compile(r"\.exporting-\w{8}")  # of exports before there were locks
_LOCKS = re.compile(r"\.fcn-\w+\.lock")
_LOCK, _HOST, _FILES = "lock", "host", "new"
_TRIES = 3


@contextlib.contextmanager
def scratch(folder, name=None):
    """Give the body an empty hidden folder within `folder`, which goes away in the end, however that comes.

    Args:
        folder: that something is written to.
        name: of what is written, of which an older version may have left a part.

    Yields:
        its path. Files in it can be renamed to names in `folder`: both are on one file system.

    Raises:
        OSError: if nothing can be written in `folder`.
    """
    with contextlib.ExitStack() as stack:
        whole = _made(folder, stack)
        tidy(folder, now=whole.stat().st_mtime, ours=whole, name=name)
        (whole / _FILES).mkdir()
        yield whole / _FILES


def _made(folder, stack):
    """Make a scratch folder, locked, which goes away with `stack`."""
    for tries_left in reversed(range(_TRIES)):
        whole = Path(tempfile.mkdtemp(prefix=".fcn-", suffix=".tmp", dir=folder))
        stack.callback(_clear, whole)
        try:
            stack.callback(locked(whole / _LOCK, AT_ONCE).release)
            (whole / _HOST).write_text(json.dumps(_host()), encoding="utf-8")
            stack.callback(_clear, whole)  # before the lock is released, too
            return whole
        except FileNotFoundError:  # taken for one that was left, in this moment
            if not tries_left:
                raise
    raise AssertionError


def _clear(whole):
    """Remove a scratch folder, unless the process was interrupted amid renames: the next one ends them."""
    if not is_begun(whole / _FILES):
        for inner in whole.glob("*/"):  # killed here, it leaves at least nothing large that nobody has locked
            shutil.rmtree(inner, ignore_errors=True)
        shutil.rmtree(whole, ignore_errors=True)


def tidy(folder, *, now, ours=None, name=None):
    """Look after the scratch folders that processes left which were killed, or lost their power; say so.

    Files that were being published together are moved to the end (`publication`). Everything else is removed, if the
    process was one of this machine's and its lock is free, or if nothing has changed for a day: another machine's lock
    cannot always be seen.

    Args:
        folder: that they lie in.
        now: the time by the file system's clock, as `os.stat` gives it: other machines may have another one.
        ours: the one that is not to be looked at.
        name: as for `scratch`.
    """
    older = {f".{name}.tmp", f".{name}.tmp{Path(name).suffix}"} if name else ()
    with os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(".") and not entry.is_symlink()]
    for path in found:
        if path != ours:
            with contextlib.suppress(OSError):  # somebody has its lock, it is another user's, or gone in this moment
                if _LOCKS.fullmatch(path.name):
                    remove_free(path)
                elif (_NAME.fullmatch(path.name) or _OLD.fullmatch(path.name)) and path.is_dir():
                    _tidy_one(path, now)
                elif path.name in older and _unchanged_for(path, now) > DAY:
                    remove_left(path)


def _tidy_one(whole, now):
    """Finish or remove a scratch folder whose process has ended."""
    if not (whole / _LOCK).exists():
        if set(os.listdir(whole)) <= {_HOST} and _NAME.fullmatch(whole.name):
            shutil.rmtree(whole)
        elif _unchanged_for(whole, now) > DAY:
            remove_left(whole)
        return
    lock = locked(whole / _LOCK)
    try:
        if lock.held and set(os.listdir(whole)) <= {_HOST, _LOCK}:  # whoever is about to fill it makes another one
            shutil.rmtree(whole)
        elif (lock.held and _is_of_this_machine(whole)) or _unchanged_for(whole, now) > DAY:
            if done := finish(whole / _FILES, whole.parent):
                LOG.warning("%s: put in place, as a process was about to that was killed", done)
            remove_left(whole, quiet=bool(done))
    finally:
        lock.release()


def remove_left(whole, *, quiet=False):
    """Remove what a process left that has certainly ended, and say so."""
    size = sum(path.stat().st_size for path in (whole, *whole.rglob("*")) if path.is_file())
    if whole.is_dir():
        shutil.rmtree(whole)
    else:
        whole.unlink()
    if not quiet:
        LOG.warning("%s removed (%.1f MB): a process left it that was killed", whole, size / 1e6)


def _unchanged_for(whole, now):
    """Return the seconds since the last change of a folder and of what is in it."""
    paths = {whole, *whole.rglob("*")} - {whole / _LOCK}  # which changes by being tried
    return now - max(path.lstat().st_mtime for path in paths)


def _is_of_this_machine(whole):
    try:
        theirs = json.loads((whole / _HOST).read_text(encoding="utf-8"))
        ours = _host()
        return theirs["boot"] == ours["boot"] != "" or theirs["machine"] == ours["machine"]
    except (OSError, ValueError, KeyError, TypeError):  # killed before it could say
        return False


def _host():
    """Say which machine this is: since its last start, and after that. Containers share the first."""
    boot, machine = (_read(path) for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"))
    return {"boot": boot, "machine": [platform.node(), machine]}


def _read(path):
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
