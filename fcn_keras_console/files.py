"""Write results so that nobody ever finds half of one."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path


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
def written(path, *, extension=""):
    """Give the body a temporary file's path beside `path`, and rename it to `path` if the body succeeds.

    Args:
        extension: of the temporary file, for writers that tell by it what to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp{extension}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(out, option, source):
    """Give the body a folder to fill beside `out`, and rename it to `out` if the body succeeds.

    Args:
        out: folder that does not exist, or is empty.
        option: that names it, for the errors.
        source: what is read meanwhile, which must not change.

    Raises:
        ValueError: if `out` holds something, or lies in `source`.
    """
    out, source = Path(out), Path(source)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{option} {out} is not empty. Name a folder that does not exist yet.")
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{option} {out} lies in the data set itself. Name a folder outside {source}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        yield temporary
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
