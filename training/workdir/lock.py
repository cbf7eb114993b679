"""One run at a time in a workdir."""

from fcn_keras_console import locks


def alone(workdir):
    """Keep every other run out of a workdir while the body runs: a context manager.

    Raises:
        ValueError: if another run is there, or nothing can be written.
    """
    return locks.alone(workdir, "fcn-train", "--workdir", name=".fcn-train.lock")
