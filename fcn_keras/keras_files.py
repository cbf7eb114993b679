"""Load `.keras` files that may come from anyone.

Keras's own safe mode refuses code; what it would build and allocate is looked at here before it starts.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import shutil
import struct
import tempfile
import traceback
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import h5py
import keras
import numpy as np

from fcn_keras.finite import require_finite
from fcn_keras.untrusted_hdf5 import MalformedError, leaves, require_within

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
# What Keras writes for a model without assets, and the checksums that `fcn-train` adds.
MEMBERS = {CONFIG, WEIGHTS, METADATA, "fcn_checkpoint.json"}
MAX_CONFIG = 2**22  # bytes; FCN-8s takes 33 thousand
MAX_METADATA = 2**12  # bytes; Keras writes 64
MAX_NODES = 5_000  # groups and arrays; FCN-8s with an optimizer has some hundreds
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, which is not the file's fault
LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a member: magic, lengths of its name and of what else stands before it

# Whose classes a config may name. `keras.utils`, which can download, is not among them.
KERAS = {
    "builtins",
    "keras.src.models.functional",
    "keras.src.models.sequential",
    *(f"keras.{name}" for name in ("activations", "constraints", "dtype_policies", "initializers", "layers", "losses")),
    *(f"keras.{name}" for name in ("metrics", "models", "optimizers", "optimizers.schedules", "regularizers")),
}
POLICIES = {"DTypePolicy", "FloatDTypePolicy", "QuantizedDTypePolicy", "Functional", "Model", "Sequential"}
PLAIN = {"__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__"}
# Layers that run code or read files which the config names.
FOREIGN = {"FlaxLayer", "IntegerLookup", "JaxLayer", "Lambda", "StringLookup", "TFSMLayer", "TextVectorization"}
FOREIGN |= {"TorchModuleWrapper"}


def load_model(path: str | os.PathLike[str], *, compile: bool = False) -> Any:
    """Load a `.keras` file without running anything that is in it.

    Args:
        path: the file.
        compile: load its optimizer, loss and metrics too.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if the file is damaged, names code or layers that are neither Keras's nor this package's, declares
            more than it holds, or holds weights that are not finite.
        OSError: if the file cannot be read, or Keras has no room to unpack it.
    """
    path = os.fspath(path)
    if not os.path.isfile(path) or not zipfile.is_zipfile(path):
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path} is missing.")
        raise ValueError(f"{path} is damaged, cut off or no .keras file. Copy or save it again.")
    try:
        _check(path)
        model = _load(path, compile)
        _check_heads(model)
    except OSError as error:
        if error.errno not in FULL:
            raise _refusal(path, error) from error
        raise OSError(f"{path} cannot be unpacked in {tempfile.gettempdir()}: {error.strerror}. Make room.") from error
    except Exception as error:  # a damaged file makes zipfile, h5py and Keras raise nearly anything
        raise _refusal(path, error) from error
    require_finite(model, path)
    return model


def _load(path: str, compile: bool) -> Any:
    """Load a file while a thread looks whether its weights are those that were written.

    Keras looks too, and where the CRC-32 is wrong it reads the weights in a way that passes over it.
    """
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(_require_whole_weights, path)
        try:
            return keras.saving.load_model(path, compile=compile, safe_mode=True)
        except BaseException as error:  # a signal too
            _remove_unpacked(error)
            raise
        finally:
            whole.result()  # which says more than what Keras stumbled over


def _remove_unpacked(error: BaseException) -> None:
    """Remove the folder, of up to a whole net, that Keras leaves in the temporary one where unpacking ends early.

    It unpacks archives of more than three members, as those of `fcn-train`, and notes the folder in an object that it
    drops: nothing but the frames of the error still holds it.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        folder = getattr(frame.f_locals.get("self"), "tmp_dir", None)
        if isinstance(folder, str) and os.path.dirname(folder) == tempfile.gettempdir():
            shutil.rmtree(folder, ignore_errors=True)


def _require_whole_weights(path: str) -> None:
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        member = archive.getinfo(WEIGHTS)
        weights, crc, block = _member(file, member), 0, memoryview(bytearray(2**20))
        while count := weights.readinto(block):
            crc = zlib.crc32(block[:count], crc)
    if crc != member.CRC:
        raise MalformedError(f"{WEIGHTS} is damaged: its CRC-32 is {crc:08x}, and {member.CRC:08x} was written")


def _refusal(path: str, error: Exception) -> ValueError:
    reason = str(error).strip().partition("\n")[0][:300] or type(error).__name__
    version = _keras_of(path)
    if _numbered(version) > _numbered(keras.__version__):
        advice = (
            f"Keras {version} wrote it, and Keras {keras.__version__} reads it: upgrade with pip install "
            f'"keras>={version}", or save it with the older Keras'
        )
    else:
        advice = "Save it again, or copy it again; it has to be a network of fcn_keras"
    return ValueError(f"{path} cannot be loaded ({reason}). {advice}.")


def _keras_of(path: str) -> str:
    """Return the version of the Keras that wrote a file, or "" where it does not say."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(METADATA) as file:
            version = json.loads(file.read(MAX_METADATA))["keras_version"]
        return version if re.fullmatch(r"\d+(\.\w+){1,5}", version) else ""
    except Exception:  # whatever is wrong with the file is being reported
        return ""


def _numbered(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _check(path: str) -> None:
    """Look at what a file declares before anything of it is built."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        members = {member.filename: member for member in archive.infolist()}
        if len(members) != len(archive.infolist()) or set(members) - MEMBERS or not {CONFIG, WEIGHTS} <= set(members):
            raise MalformedError(
                f"expected {', '.join(sorted(MEMBERS))} inside, each once. Received: {sorted(members)[:5]}"
            )
        for member in members.values():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise MalformedError(f"{member.filename} is compressed, which Keras does not do")
        if members[CONFIG].file_size > MAX_CONFIG:
            raise MalformedError(f"{CONFIG} has {members[CONFIG].file_size} bytes, over {MAX_CONFIG}")
        config = json.loads(archive.read(CONFIG))
        _check_names(config)
        _check_numbers(config)
        try:
            held = _numbers_in(_member(file, members[WEIGHTS]))
        except MalformedError as error:
            raise MalformedError(f"{WEIGHTS}: {error}") from None
    # In a thread of its own, as Keras keeps a list, by thread, of variables that a later scope would fill.
    with ThreadPoolExecutor(1) as pool:
        wanted = pool.submit(_numbers_of, config).result()
    if wanted > held:
        raise MalformedError(f"its layers take {wanted} numbers, and {held} are there")


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a config."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _check_names(config: Any) -> None:
    """Refuse a config that names anything but layers of Keras and of this package."""
    for value in _walk(config):
        if "class_name" not in value:
            continue
        name, module, registered = (value.get(key) for key in ("class_name", "module", "registered_name"))
        if name in PLAIN and not module:
            continue
        if isinstance(registered, str) and registered.startswith("fcn_keras>"):
            continue
        known = module in KERAS or (module == "keras" and name in POLICIES)
        if not known or registered not in (None, name, value.get("config")) or name in FOREIGN:
            named = value.get("config") if name == "function" else name
            raise MalformedError(
                f"it names {str(named)[:60]!r} of {str(module)[:60]!r}, and neither code nor layers of other packages "
                "are loaded"
            )


def _check_numbers(config: Any) -> None:
    """Refuse a config in which a number, such as the mean colour or a scale, is none."""
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise MalformedError(f"{CONFIG} holds NaN or infinity")
        if isinstance(value, (dict, list)):
            pending += value.values() if isinstance(value, dict) else value


def _numbers_of(config: Any) -> int:
    """Count the numbers in a model's weights without allocating one."""
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(_unfilled(config), safe_mode=True)
    return sum(math.prod(variable.shape) for variable in model.weights)


def _check_heads(model: Any) -> None:
    """Refuse names of outputs that would lead out of a folder: files are called by them."""
    outputs = getattr(model, "output", None)  # a Sequential that was never called has none
    for head in outputs if isinstance(outputs, dict) else ():
        if not re.fullmatch(r"\w[\w-]{0,99}", str(head)):
            raise MalformedError(f"an output is called {str(head)[:60]!r}; expected letters, digits, - and _")


def _unfilled(config: Any) -> Any:
    """Copy a config with initializers that a graph can hold unfilled, and without what it compiles."""
    zeros: dict[str, Any] = {"module": "keras.initializers", "class_name": "Zeros", "config": {}}
    zeros["registered_name"] = None
    if isinstance(config, list):
        return [_unfilled(value) for value in config]
    if not isinstance(config, dict):
        return config
    copy = {key: _unfilled(value) for key, value in config.items() if key != "compile_config"}
    return copy | {key: dict(zeros) for key in copy if str(key).endswith("_initializer") and copy[key] is not None}


def _numbers_in(file: _Part) -> int:
    """Count the numbers in all arrays of an HDF5 file, once every one of them is stored in it."""
    numbers = size = 0
    with h5py.File(io.BufferedReader(file), "r") as root:
        for name, array in leaves(root, MAX_NODES):
            if not isinstance(array, h5py.Dataset) or array.shape is None or not _is_numeric(array.dtype):
                raise MalformedError(f"{name} is no array of numbers")
            require_within(array, name)
            numbers += array.size
            size += array.size * array.dtype.itemsize
    if size > file.size:
        raise MalformedError(f"its arrays declare {size} bytes, and it has {file.size}")
    return numbers


def _is_numeric(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "fiubV" and not dtype.hasobject


def _member(file: BinaryIO, member: zipfile.ZipInfo) -> _Part:
    """Open a stored member where it lies: zipfile would read everything before each place that is looked at."""
    file.seek(member.header_offset)
    magic, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    start = member.header_offset + LOCAL_HEADER.size + name + extra
    if magic != b"PK\x03\x04" or start + member.file_size > os.fstat(file.fileno()).st_size:
        raise MalformedError(f"{member.filename} is cut off")
    return _Part(file, start, member.file_size)


class _Part(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self.file, self.start, self.size, self.position = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence])
        return self.position

    def readinto(self, buffer: Any) -> int:
        self.file.seek(self.start + self.position)
        data = self.file.read(max(0, min(len(buffer), self.size - self.position)))
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)
