"""One run at a time in a workdir."""

import contextlib

from filelock import FileLock, Timeout


@contextlib.contextmanager
def alone(workdir):
    """Keep every other run out of a workdir while the body runs.

    The system lets go of the lock when the process ends, however it ends.

    Raises:
        ValueError: if another run is there, or nothing can be written.
    """
    new = not workdir.exists()
    lock = FileLock(workdir / ".fcn-train.lock", timeout=0)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"Another fcn-train is writing to {workdir}. Wait until it ends, or choose another --workdir."
        ) from None
    except OSError as error:
        raise ValueError(
            f"--workdir {workdir} cannot be written to: {error.strerror or error}. Choose another folder."
        ) from error
    try:
        yield
    finally:
        if new and [path.name for path in workdir.iterdir()] == [".fcn-train.lock"]:  # nothing came of it
            (workdir / ".fcn-train.lock").unlink()
            workdir.rmdir()
        lock.release()
