"""Models on disk with the place that training had reached, and checksums that a cut or a flipped bit cannot pass."""

import hashlib
import json
import os
import zipfile
import zlib
from dataclasses import asdict, dataclass

from fcn_keras_console.files import sha256_of, written
from fcn_keras_console.publication import sync

MEMBER = "fcn_checkpoint.json"  # beside Keras's own members of a .keras file, which is a zip archive


@dataclass(frozen=True)
class Position:
    """How far training had come.

    Attributes:
        batches: how many were trained on.
        metrics: values of the training metrics' variables, as lists, where their epoch is not closed: some of its
            batches are missing, or its validation. None at an epoch's end.
    """

    batches: int = 0
    metrics: list | None = None

    def closed(self, steps):
        """Return how many epochs of `steps` batches ended with their validation."""
        open_end = self.metrics is not None and self.batches % steps == 0
        return self.batches // steps - open_end


def save_model(model, path, position=None, origin=None, *, older=None):
    """Save a `.keras` file with checksums of all that is in it; beside `path`, then renamed into place.

    Args:
        position: `Position`, or None for a model that training is not continued from.
        origin: JSON-able, what the model was made by and from: `RunRecord.origin`.
        older: what the file that is there is renamed to; else it is replaced.

    Raises:
        OSError: if it cannot be written, as on a full disk.
    """
    with written(path, durable=True) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            record = {
                "sha256": {name: _digest(archive, name) for name in archive.namelist()},
                "position": position and asdict(position),
                "origin": origin,
            }
            archive.writestr(MEMBER, json.dumps(record))
        if older and path.exists():
            sync(temporary)  # until it has its name, the older one is all there is
            os.replace(path, older)


def identity_of(path):
    """Return what tells the net in a `.keras` file from another one, wherever the file lies: 16 hexadecimal digits.

    It is made of the check sums (CRC-32) and sizes of all that is in the file, and so at once.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted((member.filename, member.CRC, member.file_size) for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged or cut off ({error}).") from None
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()[:16]


def verify(path):
    """Read a `.keras` file once and compare it with its checksums.

    Returns:
        `Position`; None where the file has none, as a model that something else than `fcn-train` saved.

    Raises:
        ValueError: if it is damaged.
        OSError: if it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if MEMBER not in names:
                return None
            record = json.loads(archive.read(MEMBER))
            wrong = sorted((names - {MEMBER}) ^ set(record["sha256"]))
            wrong += [name for name, digest in record["sha256"].items() if _digest(archive, name) != digest]
            position = record["position"] and Position(**record["position"])
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, NotImplementedError, ValueError) as error:
        raise ValueError(f"{path} is damaged or cut off ({error}).") from None
    if wrong:
        raise ValueError(f"{path} is damaged: the SHA-256 of {wrong[0]} in it is another.")
    return position


def read_record(path):
    """Read how far a model's training had come and what it was made from, without looking at its checksums.

    Returns:
        its `Position`, or None, and its `origin`, or None; None for both where there is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            record = json.loads(archive.read(MEMBER))
        return record["position"] and Position(**record["position"]), record.get("origin")
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, AttributeError, ValueError):
        return None, None


def _digest(archive, name):
    with archive.open(name) as member:
        return sha256_of(member)
