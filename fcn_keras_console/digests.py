"""Digests of the files of a result, in a JSON file that is sealed by one of its own: what tells damage and mixtures.

A sealed file is an object with `"files"`, `{name: {"bytes": size, "sha256": hexadecimal}}`, and `"sha256"`, the SHA-256
of all the rest as JSON with sorted keys and without spaces. Names are relative to the folder of the file, with `/`.
"""

import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .files import sha256_of, write_json

FILES, SEAL = "files", "sha256"


class DamagedError(ValueError):
    """A file is missing, or holds something else than was written."""


class Digest(NamedTuple):
    """What a file holds: its size in bytes, None where it is not known, and its SHA-256, hexadecimal."""

    bytes: int | None
    sha256: str


def digest_of(file):
    """Return the `Digest` of a binary file that is open and is read to its end."""
    sha256 = sha256_of(file)
    return Digest(file.tell(), sha256)


def digests_below(folder):
    """Return `{name: Digest}` of all files below a folder."""
    names = (path.relative_to(folder).as_posix() for path in sorted(Path(folder).rglob("*")) if path.is_file())
    found = {}
    for name in names:
        with open_below(folder, name) as file:
            found[name] = digest_of(file)
    return found


def open_below(folder, name):
    """Open a file of a folder for `differences`; nothing but a regular file, or a link to one."""
    path = Path(folder, name)
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise OSError("it is not a file")
    return path.open("rb")


def differences(digests, opened):
    """Compare files with their digests.

    Args:
        digests: `{name: Digest}`.
        opened: function from a name to the file, open.

    Yields:
        (name, what is wrong with it), in the order of names.
    """
    for name, expected in sorted(digests.items()):
        try:
            with opened(name) as file:
                found = digest_of(file)
        except FileNotFoundError:
            yield name, "it is missing"
        except OSError as error:
            yield name, f"it cannot be read: {error.strerror or error}"
        else:
            if expected.bytes not in (None, found.bytes):
                yield name, f"it has {found.bytes} bytes, and {expected.bytes} were written"
            elif found.sha256 != expected.sha256:
                yield name, f"its SHA-256 is {found.sha256}, and {expected.sha256} was written"


@contextmanager
def compared(folder, digests):
    """Compare files with their digests in a thread, while the body reads them too.

    Args:
        folder: a local one.
        digests: `{name: Digest}`.

    Raises:
        DamagedError: when the body is through, or has failed: a damaged file is why, then.
    """
    before = _stamps(folder, digests)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: list(differences(digests, partial(open_below, folder))))
        try:
            yield
        finally:
            if wrong := found.result():
                raise damage(folder, wrong)
    after = _stamps(folder, digests)
    if changed := [name for name in digests if before[name] != after[name]]:
        raise damage(folder, [(name, "it changed while it was read") for name in changed])


def damage(folder, wrong):
    """Make the `DamagedError` of what `differences` found."""
    (name, reason), *others = wrong
    more = f" {len(others)} more files are damaged or missing." if others else ""
    where = f"{folder}".rstrip("/")
    return DamagedError(f"{where}/{name} is not what was exported: {reason}.{more} Export or copy it again.")


def _stamps(folder, names):
    """Tell each file from what may replace it."""
    stamps = {}
    for name in names:
        with suppress(OSError):
            status = os.stat(Path(folder, name))
            stamps[name] = status.st_ino, status.st_size, status.st_mtime_ns
    return {name: stamps.get(name) for name in names}


def to_lines(digests):
    """Lay out digests as `sha256sum` does, which reads them: a line each of the SHA-256 and the name."""
    return [f"{digest.sha256}  {name}" for name, digest in sorted(digests.items())]


def from_lines(text):
    """Find the lines of `to_lines` in a text, such as a model card.

    Returns:
        `{name: Digest}`, of no known size.
    """
    found = re.findall(r"^([0-9a-f]{64})  (\S.*)$", text, re.MULTILINE)
    return {name: Digest(None, sha256) for sha256, name in found if PurePosixPath(name).name == name}


def write_sealed(path, facts, digests):
    """Write JSON with the digests of files beside it, and a seal on the whole.

    Args:
        facts: dict of JSON's types.
        digests: `{name: Digest}`.
    """
    # As it will be read: JSON makes lists of tuples.
    facts = json.loads(json.dumps({**facts, FILES: {name: digest._asdict() for name, digest in digests.items()}}))
    write_json(path, {**facts, SEAL: _seal_of(facts)})


def read_sealed(path):
    """Read what `write_sealed` wrote.

    Returns:
        dict of the facts; and `{name: Digest}`, or None where the file has neither digests nor a seal.

    Raises:
        DamagedError: if it was damaged or changed.
        OSError: if it cannot be read.
    """
    return parse_sealed(Path(path).read_bytes(), path)


def parse_sealed(contents, path):
    """Read the bytes of a sealed file, as `read_sealed` does; `path` is for the errors."""
    try:
        facts = json.loads(contents)
        _ = facts.keys()
    except (ValueError, RecursionError, AttributeError) as error:
        raise DamagedError(f"{path} is damaged: it is no JSON object ({error}). Restore it from a copy.") from None
    if FILES not in facts and SEAL not in facts:
        return facts, None
    try:
        seal = facts.pop(SEAL)
        digests = {name: Digest(**digest) for name, digest in facts[FILES].items()}
        whole = seal == _seal_of(facts) and all(_is_digest(name, digest) for name, digest in digests.items())
    except (AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise DamagedError(f"{path} was damaged or changed: its own SHA-256 is another. Restore it from a copy.")
    return facts, digests


def _seal_of(facts):
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _is_digest(name, digest):
    """Whether a digest is one, and of a file that lies in the folder."""
    parts = PurePosixPath(name).parts
    below = parts and not os.path.isabs(name) and ".." not in parts and "\0" not in name
    return below and type(digest.bytes) is int and bool(re.fullmatch("[0-9a-f]{64}", digest.sha256))
