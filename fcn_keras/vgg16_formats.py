"""VGG16 in Keras's HDF5 files and NumPy archives: what a file holds of it, and reading that.

The files may come from anyone: nothing is unpickled, no link leaves the file, and whoever reads compares the shape that
`find` tells before `array` reads a number.
"""

from __future__ import annotations

import math
import zipfile
from types import TracebackType
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from fcn_keras.untrusted_hdf5 import MalformedError, leaves, member, require_within

# Name here (and of the released networks) -> legacy Keras group, and group in a `.weights.h5`.
LAYERS = {
    f"conv{block}_{i}": (f"block{block}_conv{i}", f"conv2d_{n}" if n else "conv2d")
    for n, (block, i) in enumerate((b, i) for b, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1))
}
LAYERS |= {"fc6": ("fc1", "dense"), "fc7": ("fc2", "dense_1"), "fc8": ("predictions", "dense_2")}

MAX_NODES = 32  # links looked at below one layer's group; Keras writes three


class Header(Protocol):
    """What a file says of an array before it is read: of a kernel, its shape as Keras has it."""

    @property
    def shape(self) -> tuple[int, ...]: ...


class Format(Protocol):
    """An open file of VGG16 weights.

    Attributes:
        preprocessing: what its kind was trained on, as `load_imagenet` calls it; None where the kind does not tell.
    """

    preprocessing: str | None

    def has(self, layer: str) -> bool:
        """Tell whether there is a layer; its name as in `LAYERS`."""

    def find(self, layer: str) -> tuple[Any, Any]:
        """Return the headers of a layer's kernel, `(H, W, I, O)` or dense `(I, O)`, and bias."""

    def array(self, header: Any) -> NDArray[np.float32]:
        """Read an array whose shape has been checked."""

    def close(self) -> None:
        """Close the file."""


class foreign:
    """Turn whatever h5py, zipfile and NumPy raise on hostile bytes into `MalformedError`; they name no set of types."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> foreign:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, MalformedError):
            raise MalformedError(f"{self.what} ({type(error).__name__}: {str(error)[:200]})") from error


def require_number(dtype: np.dtype[Any]) -> None:
    """Refuse numbers of a type that weights do not have."""
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise MalformedError(f"numbers of type {dtype} instead of float16, float32 or float64")


class Hdf5:
    """A Keras HDF5 file: `find` gives datasets, `array` reads one."""

    preprocessing: str | None = None

    def __init__(self, path: str) -> None:
        self.file = h5py.File(path, "r")

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def group(self, layer: str) -> Any:
        """Return the layer's group, or None if the file has no such layer."""
        legacy, saved = LAYERS[layer]
        for parts in (["model_weights", legacy], [legacy], ["layers", saved, "vars"]):
            node = self.file
            for part in parts:
                node = member(node, part) if isinstance(node, h5py.Group) else None
            if isinstance(node, h5py.Group):
                return node
        return None

    def has(self, layer: str) -> bool:
        """Tell whether there is a layer."""
        return self.group(layer) is not None

    def find(self, layer: str) -> tuple[Any, Any]:
        """Return the layer's kernel and bias datasets."""
        datasets = [node for _, node in leaves(self.group(layer), MAX_NODES) if isinstance(node, h5py.Dataset)]
        kernels = [d for d in datasets if len(d.shape or ()) > 1]
        biases = [d for d in datasets if len(d.shape or ()) == 1]
        if len(kernels) != 1 or len(biases) != 1:
            raise MalformedError(f"{len(kernels)} kernels and {len(biases)} biases instead of one each")
        return kernels[0], biases[0]

    def array(self, dataset: Any) -> NDArray[np.float32]:
        """Read a dataset whose shape has been checked."""
        require_within(dataset, dataset.name)
        require_number(dataset.dtype)
        numbers = np.empty(dataset.shape, np.float32)
        dataset.read_direct(numbers)
        return numbers


class Npz:
    """A NumPy archive: `find` gives headers, `array` reads one."""

    preprocessing: str | None = None

    def __init__(self, path: str) -> None:
        self.file = zipfile.ZipFile(path)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def has(self, layer: str) -> bool:
        """Tell whether there is a layer."""
        return f"{layer}_W.npy" in self.file.namelist()

    def find(self, layer: str) -> tuple[_Header, _Header]:
        """Return the headers of the layer's kernel and bias."""
        return _Header(self.file, f"{layer}_W.npy"), _Header(self.file, f"{layer}_b.npy")

    def array(self, header: _Header) -> NDArray[np.float32]:
        """Read an array whose shape has been checked."""
        require_number(header.dtype)
        size = math.prod(header.shape) * header.dtype.itemsize
        with self.file.open(header.member) as stream:
            stream.read(header.length)
            data = stream.read(size)
            if len(data) != size or stream.read(1):
                raise MalformedError(f"{header.member} does not hold the {size} bytes of shape {header.shape}")
        numbers = np.frombuffer(data, header.dtype).astype(np.float32)
        return numbers.reshape(header.shape, order="F" if header.fortran else "C")


class _Header:
    """The header of a .npy member: shape and dtype before any data is read."""

    def __init__(self, archive: zipfile.ZipFile, member: str) -> None:
        self.member = member
        if archive.getinfo(member).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MalformedError(f"{member} is compressed in a way NumPy does not write")
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            if version != (1, 0):  # NumPy writes others for structured arrays, with headers of up to 4 GiB
                raise MalformedError(f"{member} has .npy version {version}")
            self.shape, self.fortran, self.dtype = np.lib.format.read_array_header_1_0(stream)
            self.length = stream.tell()
