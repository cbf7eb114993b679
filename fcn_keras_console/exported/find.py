"""Which exported file a path means, or which version of a served model."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from ..files import sha256_of
from ..given import did_you_mean_path

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints
SAVED_MODEL = "a SavedModel"
ONNX, OPENVINO, LITERT = "ONNX", "OpenVINO", "LiteRT"
FORMATS = {".onnx": ONNX, ".xml": OPENVINO, ".tflite": LITERT}  # by how a file's name ends
GRAPH = "saved_model.pb"
READ_OF_SAVED_MODEL = GRAPH, "variables/*", "assets/*"
PROBE = "assets.extra/probe.json"  # of a SavedModel's version
PROBE_ENDING = ".probe.json"  # of the one beside a file, behind the file's own name


@dataclass(frozen=True)
class Exported:
    """Where an exported network lies.

    Attributes:
        path: of the file (the `.xml` of OpenVINO's two), or of the folder of a SavedModel's version.
        format: `SAVED_MODEL`, or a value of `FORMATS`.
    """

    path: Path
    format: str

    @property
    def files(self):
        """All that is loaded, in the order of names."""
        if self.format == SAVED_MODEL:
            found = {path for kind in READ_OF_SAVED_MODEL for path in self.path.glob(kind)}
            return sorted(path for path in found if path.is_file())
        return [self.path, *([weights_of(self.path)] if self.format == OPENVINO else [])]

    @property
    def probe(self):
        """Path of the probe by which processors are compared; exports of earlier versions have none."""
        return self.path / PROBE if self.format == SAVED_MODEL else probe_of(self.path)

    @property
    def identity(self):
        """What tells the network from another one, wherever it lies: 16 hexadecimal digits, of all that is loaded."""
        found = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                name = path.relative_to(self.path).as_posix() if self.format == SAVED_MODEL else path.suffix
                found.update(f"{name} {sha256_of(file)}\n".encode())
        return found.hexdigest()[:16]


def probe_of(path):
    """Name the file of the probe beside a file."""
    return path.with_name(path.name + PROBE_ENDING)


def weights_of(path):
    """Name the file of the weights beside an `.xml` file of OpenVINO's."""
    return path.with_suffix(".bin")


def find_exported(given):
    """Return the exported network that a path means, or None where it means none.

    A served model's folder means its newest version; which one that is, is said where there are several.

    Raises:
        ValueError: if the file is missing, or the one beside it that it needs.
    """
    path = Path(given)
    if path.suffix in FORMATS and not path.is_dir():
        _require(path, "")
        if FORMATS[path.suffix] == OPENVINO:
            _require(weights_of(path), f" {path} holds no weights: they lie in that file beside it.")
        return Exported(path, FORMATS[path.suffix])
    if path.name == GRAPH and path.is_file():
        path = path.parent
    if (path / GRAPH).is_file():
        return Exported(path, SAVED_MODEL)
    versions = _versions(path) if path.is_dir() else {}
    if not versions:
        return None
    newest = max(versions)
    if len(versions) > 1:
        LOG.warning("%s: taking version %d, the newest of %s", path, newest, ", ".join(map(str, sorted(versions))))
    return Exported(versions[newest], SAVED_MODEL)


def _versions(folder):
    """Return the folders of versions by number; of `1` and `001` the former counts, as in TensorFlow Serving."""
    return {
        int(path.name): path
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.isascii() and path.name.isdecimal() and (path / GRAPH).is_file()
    }


def _require(path, why):
    if not path.is_file():
        raise ValueError(f"{path} is missing.{why}{did_you_mean_path(path)}")
