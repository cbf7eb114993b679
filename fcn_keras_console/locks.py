"""Locks: one command at a time where two would make a mixture.

The system lets go of a lock when the process ends, however it ends. Some file systems have none: there nobody is kept
out, and that is said. `filelock` is not used: it takes most errors of `flock` for a lock that is held, as of 3.20, and
its import would make the client's commands slower by a tenth of a second.
"""

import contextlib
import errno
import logging
import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None

LOG = logging.getLogger("fcn_keras_console")
OUTPUT = ".fcn-output.lock"  # of a folder that labels are written into
AT_ONCE = 0.2  # seconds: another one may be trying whether the lock is free
_PAUSE = 0.01
_HELD = {errno.EAGAIN, errno.EACCES}  # another process has it
# The file system has none, or, on NFS, none of a file that was opened to read.
_MISSING = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF}


def alone(folder, command="command", option="--output", *, name=OUTPUT, wait=0):
    """Keep every other command out of a folder while the body runs; make the folder if need be.

    Args:
        folder: what is written to. It goes away again if nothing is in it in the end and it was made here.
        command: what the other one is called, for the errors.
        option: that names the folder, for the errors.
        name: of the lock's file in the folder; those who give the same one keep each other out.
        wait: seconds to wait for the other one's end.

    Raises:
        ValueError: if another command is there, or nothing can be written.
    """
    return _alone(Path(folder), Path(folder) / name, command, option, wait)


def alone_for(path, command="command", option="--output"):
    """Keep every other command from making a file or folder at `path`; else as `alone`.

    The lock's file lies beside `path`, under a name of one length: those of users may be as long as can be.
    """
    path = Path(path)
    return _alone(path, path.with_name(f".fcn-{zlib.crc32(os.fsencode(path.name)):08x}.lock"), command, option, 0)


@contextlib.contextmanager
def _alone(target, file, command, option, wait):
    folder = file.parent
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = locked(file, max(wait, AT_ONCE))
    except TimeoutError:
        raise ValueError(
            f"Another {command} is writing to {target}. Wait until it ends, or choose another {option}."
        ) from None
    except OSError as error:
        reason = error.strerror or error
        if os.path.lexists(file):
            reason = f"{reason} ({file})"
        elif not folder.exists() and folder.is_symlink():
            reason = f"{folder} is a link to what is not there"
        elif folder.exists() and not folder.is_dir():
            reason = f"{folder} is not a folder"
        raise ValueError(f"{option} {target} cannot be written to: {reason}. Choose another folder.") from error
    if not lock.held:
        LOG.warning("%s: this file system has no locks. Let no other command write there meanwhile.", target)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # whoever waits for it sees that it is gone, and makes it anew
            os.unlink(file)
        lock.release()
        remove_empty(new)


def remove_empty(folders):
    """Remove folders, the innermost first, unless something is in them."""
    for path in folders:
        with contextlib.suppress(OSError):  # something came of it, or another process put something there
            path.rmdir()


class Lock(NamedTuple):
    """A lock's file, open.

    Attributes:
        number: its file descriptor.
        held: whether it keeps others out: the file system has locks.
    """

    number: int
    held: bool

    def release(self):
        os.close(self.number)


def locked(file, wait=0):
    """Take the lock of a file, which is made if need be, within so many seconds.

    Returns:
        `Lock`.

    Raises:
        TimeoutError: if another process, or another place in this one, has it.
        OSError: if the file cannot be opened.
    """
    deadline = time.monotonic() + wait
    while True:
        number = _opened(file)
        try:
            if (held := _flock(number, file)) is not None and _is_at(number, file):
                return Lock(number, held)
        except BaseException:
            os.close(number)
            raise
        os.close(number)
        if held is None and time.monotonic() > deadline:
            raise TimeoutError(f"{file} is locked")
        time.sleep(0 if held else _PAUSE)


def remove_free(file):
    """Remove the file of a lock that nobody has, as a killed process leaves it."""
    lock = locked(file)
    try:
        if lock.held:
            os.unlink(file)
    finally:
        lock.release()


def _opened(file):
    """Open the file of a lock, which is made if need be: whoever may write to its folder can take it, too.

    What a process of another user left has the permissions of that user's umask in older versions, and where sticky
    folders are protected, it is not opened as one to be made. To take a lock, reading is enough.
    """
    link = getattr(os, "O_NOFOLLOW", 0)
    try:
        number = os.open(file, os.O_RDWR | os.O_CREAT | link, 0o666)
    except PermissionError:
        if not os.path.lexists(file):
            raise
        with contextlib.suppress(PermissionError):
            return os.open(file, os.O_RDWR | link)
        return os.open(file, os.O_RDONLY | link)
    with contextlib.suppress(OSError):  # another user's, or a file system without permissions
        os.chmod(number, os.stat(os.path.dirname(file) or ".").st_mode & 0o666)
    return number


def _flock(number, file):
    """Take the lock of an open file: whether there are locks, or None if another one has it."""
    try:
        if fcntl is not None:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return fcntl is not None
    except OSError as error:
        if error.errno in _HELD:
            return None
        if error.errno in _MISSING:
            return False
        raise OSError(error.errno, error.strerror, str(file)) from None  # the system's names no file


def _is_at(number, file):
    """Tell whether an open file is still the one under its name: whoever had the lock may have removed it."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(file))
    except FileNotFoundError:
        return False
