"""Locks: one command at a time where two would make a mixture.

The system lets go of a lock when the process ends, however it ends. Where the file system has no such locks, a file
stands for it that says which process made it (`filelock.SoftFileLock`).
"""

import contextlib
import os
import warnings
import zlib
from pathlib import Path

OUTPUT = ".fcn-output.lock"  # of a folder that labels are written into
AT_ONCE = 0.2  # seconds: another one may be trying whether the lock is free


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
    return _alone(path, path.with_name(f".fcn-{zlib.crc32(os.fsencode(path.name)):08x}.lock"), command, option, wait=0)


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
        raise ValueError(
            f"{option} {target} cannot be written to: {error.strerror or error}. Choose another folder."
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # whoever waits for it sees that it is gone, and makes it anew
            os.unlink(file)
        lock.release()
        for path in new:
            with contextlib.suppress(OSError):  # something came of it
                path.rmdir()


def remove_free(file):
    """Remove the file of a lock that nobody has, as a killed process leaves it."""
    lock = locked(file)
    os.unlink(file)
    lock.release()


def locked(file, wait=0):
    """Take the lock of a file, which is made if need be, and return it; it has a `release()`.

    Raises:
        TimeoutError: if another process has it.
        OSError: if there can be none.
    """
    from filelock import FileLock  # asyncio comes with it: not before it is needed

    lock = FileLock(file, timeout=wait, poll_interval=0.02, thread_local=False)
    with warnings.catch_warnings(action="ignore"):  # it warns of file systems that have no locks
        lock.acquire()
    return lock
