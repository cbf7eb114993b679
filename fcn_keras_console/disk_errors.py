"""Errors of disks in words: which file could not be written, why, and what to do."""

import contextlib
import errno
import os
import re
from pathlib import Path

_ROOM = "Make room, and give the same command again"
_ELSEWHERE = "Choose another place, or have that one made writable"
ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit on the size of files, or choose another place",
    errno.EIO: "The disk may be failing: look after it, or choose another place",
    errno.EROFS: _ELSEWHERE,
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.ENAMETOOLONG: "Choose a shorter name",
}
ONLY_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # no reader meets these
# What has another name, or none, in the end: scratch folders (`scratch`), and files of Beam's file systems.
_SCRATCH = re.compile(r".*/\.fcn-\w{8}\.tmp/new/(.+)")
_NAMELESS = re.compile(r"/\.(fcn-\w{8}\.(tmp|lock)|[0-9a-f]{32}\.part)\b")
_PLACE = re.compile(r"/\.fcn-\w{8}\.tmp(/new)?(?=[/\s:.,;)'\"]|$)")
_NUMBER = re.compile(r"\b[Ee]rrno(?: = |\s)(\d+)")


class NotWrittenError(OSError):
    """A file could not be written; its text is a sentence, and what to do.

    Args:
        number: of `errno`.
        reason: in words, such as the system's.
        path: of what the user asked for.
    """

    def __init__(self, number, reason, path):
        super().__init__(number, reason, str(path))

    def __str__(self):
        advice = ADVICE.get(self.errno, "Choose another place")
        return f"{self.filename} cannot be written: {self.strerror}. {advice}."


@contextlib.contextmanager
def naming(target, *, within=None):
    """Let errors of writing name what the user asked for: Python and libraries name a scratch file, or none.

    Args:
        target: path of what is written.
        within: folder whose files are written in the scratch folder, by their own names, which are told then.

    Raises:
        NotWrittenError: if the body raised what tells that something could not be written.
    """
    try:
        yield
    except (ValueError, ImportError):  # says itself what is wrong
        raise
    except Exception as error:
        if (number := _number_of(error, target)) is None:
            raise
        inner = within and _inner_name(error)
        raise NotWrittenError(number, os.strerror(number), Path(within, inner) if inner else target) from error


def writable_error(folder, size):
    """Try whether `size` bytes can be written in a folder: for libraries that do not say why they could not.

    Returns:
        number of `errno`; EIO if they can be.
    """
    probe = Path(folder) / "probe"
    try:
        with probe.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return errno.EIO


def in_words(error):
    """Return the text of an `OSError`, with its file's name."""
    if isinstance(error, NotWrittenError) or not error.strerror:
        return str(error)
    if error.errno in ONLY_WRITING:
        return str(NotWrittenError(error.errno, error.strerror, error.filename or "A file"))
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def as_asked(text):
    """Return a text in which files in scratch folders have the names that they were about to get."""
    return _PLACE.sub("", text)


def _number_of(error, target):
    """Return the `errno` of an error that tells of writing `target`, else None."""
    text, number = str(error), getattr(error, "errno", None)
    if isinstance(error, OSError) and number is not None:
        ours = any(map(_NAMELESS.search, _names_of(error)))
        return number if ours or (error.filename is None and number in ADVICE) else None
    found, ours = _NUMBER.search(text), _NAMELESS.search(text) is not None
    if isinstance(error, OSError) and found:  # of h5py, or of many files
        return int(found[1]) if ours or int(found[1]) in {*ONLY_WRITING, errno.EIO} else None
    if ours or (str(target) in text and not isinstance(error, OSError)):  # of TensorFlow, or of Beam
        return int(found[1]) if found else next((known for known in ADVICE if os.strerror(known) in text), None)
    return None


def _inner_name(error):
    """Return the name, below the scratch folder, of the file that an error is about; None where it tells of none."""
    return next((found[1] for found in map(_SCRATCH.search, _names_of(error)) if found), None)


def _names_of(error):
    """Return the names that an error has: a copy's are those of what was read and of what was written."""
    names = (getattr(error, name, None) for name in ("filename", "filename2"))
    return [os.fsdecode(name) for name in names if name is not None]
