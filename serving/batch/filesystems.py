"""Files of any file system that Apache Beam knows, for `fcn-batch`: local, gs://, s3://, hdfs://."""

import errno
import os
import posixpath
import re
import shutil
import tempfile
import uuid
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from fcn_keras_console.disk_errors import naming
from fcn_keras_console.locks import alone

PART = ".part"


def absolute(path, folder):
    """Put a path below `folder` if it is relative, and resolve its dots."""
    scheme, mark, rest = (path if "://" in path else FileSystems.join(folder, path)).rpartition("://")
    return scheme + mark + posixpath.normpath(rest)


def open_file(path):
    if FileSystems.get_scheme(path) is None and Path(path).is_fifo():
        raise OSError(errno.EINVAL, "Is a pipe", path)  # to open it would wait for ever
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)  # whatever its name ends in


def read_file(path, limit=None):
    """Return the bytes of a file of any file system, the first `limit` of them where given."""
    with open_file(path) as file:
        return file.read() if limit is None else file.read(limit)


def stamp(path):
    """Return what tells a file from one that replaces it, without reading it: a list of JSON's numbers.

    The second number is seconds, when it last changed by the file system's clock.

    Returns:
        list, or None where there is no file, or the file system does not say when it changed.
    """
    try:
        if FileSystems.get_scheme(path) is None:
            status = os.stat(path)  # the times to the nanosecond; who sets back `mtime` cannot set back `ctime`
            changed = max(status.st_mtime, status.st_ctime)
            return [status.st_size, changed, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        metadata = FileSystems.get_filesystem(path).metadata(path)
        changed = metadata.last_updated_in_seconds
        return [metadata.size_in_bytes, changed] if changed else None
    except Exception:  # every file system has errors of its own; to read the file will tell
        return None


@contextmanager
def replacing(path, *, durable=False):
    """Open a binary file that appears under its name when it is complete; also where an earlier one is.

    Args:
        durable: whether to wait until it is on the disk, where that is a local one.

    Raises:
        OSError: if it cannot be written, with `path` for its file name.
    """
    temporary = FileSystems.join(posixpath.dirname(path), f".{uuid.uuid4().hex}{PART}")
    try:
        with naming(path):
            with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                yield file
                if durable and FileSystems.get_scheme(path) is None:
                    file.flush()
                    os.fsync(file.fileno())
            _rename(temporary, path)
    except BaseException:
        with suppress(Exception):  # every file system has errors of its own
            delete(temporary)
        raise


def _rename(source, target):
    try:
        FileSystems.rename([source], [target])
    except OSError:  # HDFS renames onto no existing file, such as one of a bundle that is tried again
        if not FileSystems.exists(target):
            raise
        delete(target)
        FileSystems.rename([source], [target])


def is_part(path):
    """Whether a file is one that `replacing` had not completed."""
    return re.fullmatch(rf"\.[0-9a-f]{{32}}{re.escape(PART)}", posixpath.basename(path)) is not None


def delete(path):
    if FileSystems.get_scheme(path) is None:
        Path(path).unlink()  # Beam would take the path for a pattern
    else:
        FileSystems.delete([path])


def alone_in(folder):
    """Keep other calls out of a local folder while the body runs; other file systems have no locks.

    Raises:
        ValueError: if another one is there, or nothing can be written.
    """
    return alone(folder, "fcn-batch") if FileSystems.get_scheme(folder) is None else nullcontext()


def delete_folder(folder):
    if FileSystems.get_scheme(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
    elif not FileSystems.get_filesystem(folder).has_dirs():
        FileSystems.delete(files_below(folder))
    elif FileSystems.exists(folder):
        FileSystems.delete([folder])


def files_below(folder, pattern="**"):
    """List the paths of a folder that may be missing."""
    system = FileSystems.get_filesystem(folder)
    if system.has_dirs() and not system.exists(folder):
        return []
    # A pattern cannot quote: let the special characters of the folder's own name match any, then look.
    pattern = FileSystems.join(re.sub(r"[\[*]", "?", folder), pattern)
    paths = [file.path for file in FileSystems.match([pattern])[0].metadata_list]
    return [path for path in paths if path.startswith(folder)]


@contextmanager
def local_copy(folder, patterns):
    """Copy the files of a bucket's folder to this machine's disk for a while; a local folder is yielded itself."""
    if FileSystems.get_scheme(folder) is None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        for path in (path for pattern in patterns for path in files_below(folder, pattern)):
            target = Path(copy, path[len(folder) :].lstrip("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_file(path) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
        yield copy
