"""Write files and folders so that nobody ever finds half of one; read and write JSON."""

import contextlib
import hashlib
import json
import os
import re
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


@contextlib.contextmanager
def made(folder):
    """Make a folder and those above it, and take them away again if what is done within fails."""
    folder = Path(folder).absolute()
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):  # another process may have put something there
                path.rmdir()
        raise


def publish(files, folder):
    """Move finished files into a folder of the same file system, over older ones.

    Several files cannot appear in one instant. So the last, the one that readers open, is taken away first and comes
    back last: whoever sees it sees new files beside it.

    Args:
        files: paths; the last one names the whole.
        folder: where they go.

    Raises:
        OSError: if one cannot be moved; then none of them is there.
    """
    targets = [Path(folder) / path.name for path in files]
    if wrong := [target for target in targets if target.is_dir()]:
        raise IsADirectoryError(f"{wrong[0]} is a folder. Choose another name, or remove it.")
    if len(targets) > 1:
        targets[-1].unlink(missing_ok=True)
    moved = []
    try:
        for path, target in zip(files, targets, strict=True):
            path.replace(target)
            moved.append(target)
    except OSError:
        for target in moved:
            target.unlink()
        raise


def write_text(path, text):
    """Write a UTF-8 file, whole or not at all."""
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value):
    """Write indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """Read a JSON object.

    Raises:
        ValueError: if the file holds something else.
        OSError: if it cannot be read.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}). Remove it, or restore it from a copy.") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} should hold a JSON object. Received: {type(value).__name__}.")
    return value


def to_json(report):
    """Return indented JSON with every row of numbers on one line."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d,\s]+\]", lambda row: " ".join(row[0].split()).replace("[ ", "[").replace(" ]", "]"), text)


def sha256_of(file):
    """Return the SHA-256 of a file, hexadecimal.

    Args:
        file: its path, or a binary file that is open and is read to its end.
    """
    if isinstance(file, str | os.PathLike):
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    return digest.hexdigest()
