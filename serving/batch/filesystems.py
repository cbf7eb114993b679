"""Files of any file system that Apache Beam knows, for `fcn-batch`: local, gs://, s3://, hdfs://."""

import errno
import posixpath
import re
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


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


@contextmanager
def replacing(path):
    """Open a binary file that appears under its name when it is complete; also where an earlier one is."""
    temporary = FileSystems.join(posixpath.dirname(path), f".{uuid.uuid4().hex}.part")
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        yield file
    try:
        FileSystems.rename([temporary], [path])
    except OSError:  # HDFS renames onto no existing file, such as one of a bundle that is tried again
        if not FileSystems.exists(path):
            raise
        delete(path)
        FileSystems.rename([temporary], [path])


def delete(path):
    if FileSystems.get_scheme(path) is None:
        Path(path).unlink()  # Beam would take the path for a pattern
    else:
        FileSystems.delete([path])


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
