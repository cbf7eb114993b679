"""Write files and folders so that nobody ever finds half of one; read and write JSON."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

from .disk_errors import naming
from .locks import alone_for, remove_empty
from .printing import visible_json
from .publication import publish, sync, sync_entry
from .scratch import scratch


def require_folder(path, option="--output"):
    """Make sure that files can be written in a folder, which may be missing. What is made to try that goes away again.

    Args:
        option: that names the folder, for the errors.

    Raises:
        ValueError: if they cannot; better before the model runs than after.
    """
    folder = Path(path).absolute()
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"{option} {path} cannot be written to: {error.strerror}. Choose another folder.") from error
    finally:
        remove_empty(new)


@contextlib.contextmanager
def written(path, *, durable=False):
    """Give the body the path of a file that is not there yet, of the same name, and rename it to `path` afterwards.

    If the body fails, nothing has changed. Of two that write at the same time the last one wins, whole.

    Args:
        durable: whether to wait until it is on the disk: for what took long to make.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path), scratch(path.parent, path.name) as place:
        yield place / path.name
        _replace(place / path.name, path, durable)


class ManyFiles:
    """Write many files into few folders as `written` does, with one scratch folder for each folder."""

    _MOST = 32  # folders at once: each has a file open

    def __init__(self):
        self._places = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        while self._places:
            self._close(next(iter(self._places)))

    @contextlib.contextmanager
    def written(self, path):
        """As `files.written`; in one thread, one file at a time."""
        parent = path.parent
        if parent not in self._places:
            if len(self._places) == self._MOST:
                self._close(next(iter(self._places)))
            parent.mkdir(parents=True, exist_ok=True)
            stack = contextlib.ExitStack()
            with naming(path):
                self._places[parent] = stack, stack.enter_context(scratch(parent))
        stack, place = self._places[parent] = self._places.pop(parent)  # the last one to be closed
        try:
            with naming(path):
                yield place / path.name
                _replace(place / path.name, path, durable=False)
        finally:
            (place / path.name).unlink(missing_ok=True)

    def _close(self, parent):
        stack, _ = self._places.pop(parent)
        stack.close()


@contextlib.contextmanager
def written_together(folder, main):
    """Give the body an empty folder for the files of one result, and move them into `folder` afterwards.

    Whoever opens `main` finds the files of one result beside it, even if a process is killed amid that: see
    `publication`.

    Args:
        folder: where they go, with folders of theirs; older ones of the same names are replaced.
        main: name of the file that readers open.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with naming(folder / main, within=folder), scratch(folder) as place:
        yield place
        files = [path for path in sorted(place.rglob("*")) if not path.is_dir() and path != place / main]
        publish(place, folder, [path.relative_to(place).as_posix() for path in [*files, place / main]])


@contextlib.contextmanager
def new_folder(out, option, source):
    """Give the body a folder to fill beside `out`, and rename it to `out` if the body succeeds.

    Args:
        out: folder that does not exist, or is empty.
        option: that names it, for the errors.
        source: what is read meanwhile, which must not change.

    Raises:
        ValueError: if `out` holds something, lies in `source`, or another command is making it.
    """
    out, source = _behind_links(Path(out), option), Path(source)
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{option} {out} lies in the data set itself. Name a folder outside {source}.")
    with alone_for(out, option=option):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{option} {out} is not empty. Name a folder that does not exist yet.")
        with _filled(out) as folder:
            yield folder


def _behind_links(out, option):
    """Return where a path leads if it is a link: a folder is not renamed to it."""
    if out.name in ("", ".."):
        raise ValueError(f"{option} {out} is not a new folder. Name a folder that does not exist yet.")
    try:
        return out.resolve() if out.is_symlink() else out
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{option} {out} is a link that leads nowhere ({error}). Name another folder.") from None


@contextlib.contextmanager
def _filled(out):
    with naming(out, within=out.parent), scratch(out.parent, out.name) as place:
        yield place / out.name
        if out.exists():
            out.rmdir()
        (place / out.name).rename(out)


def _replace(path, target, durable):
    if durable:
        sync(path)
    os.replace(path, target)
    if durable:
        sync_entry(target.parent)


@contextlib.contextmanager
def made(folder):
    """Make a folder and those above it, and take them away again if what is done within fails."""
    folder = Path(folder).absolute()
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        remove_empty(new)
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
    """Return indented JSON with every row of numbers on one line; what would not be seen is escaped."""
    text = visible_json(json.dumps(report, indent=2, ensure_ascii=False))
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
