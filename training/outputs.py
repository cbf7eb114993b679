"""Write results so that nobody ever finds half of one."""

import contextlib
import os
import tempfile


def require_folder(path):
    """Create a folder if need be, and make sure that files can be written in it.

    Raises:
        ValueError: if they cannot; better before the model runs than after.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"--output {path} cannot be written to: {error.strerror}. Choose another folder.") from error


@contextlib.contextmanager
def written(path):
    """Give the body a temporary file's path beside `path`, and rename it to `path` if the body succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
