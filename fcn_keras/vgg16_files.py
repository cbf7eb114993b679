"""Readers of published VGG16 weights: Keras's HDF5 files and NumPy archives.

The files may come from anyone: nothing is unpickled, no link leaves the file, and no array is read before its
declared shape is the one the network needs.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from fcn_keras.untrusted_hdf5 import MalformedError, leaves, member, require_within

Result = TypeVar("Result")
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]  # kernel and bias

# Name here (and of the released networks) -> legacy Keras group, and group in a `.weights.h5`.
LAYERS = {
    f"conv{block}_{i}": (f"block{block}_conv{i}", f"conv2d_{n}" if n else "conv2d")
    for n, (block, i) in enumerate((b, i) for b, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1))
}
LAYERS |= {"fc6": ("fc1", "dense"), "fc7": ("fc2", "dense_1"), "fc8": ("predictions", "dense_2")}
CLASSIFIER = ("fc6", "fc7")  # taken only where it fits; convolutions must be there

# with the classifier? -> file, MD5; keras.applications.vgg16
PUBLISHED = {
    True: ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    False: ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
}
URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"

TORCH_MEAN, TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB on the 0-1 scale; torchvision

HDF5_MAGIC, ZIP_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK"
MAX_NODES = 32  # links looked at below one layer's group; Keras writes three


def download(with_classifier: bool) -> str:
    """Return the path of Keras's published file in Keras's cache, downloading it if it is not there.

    Raises:
        OSError: if it cannot be had; says which file to put where.
    """
    name, md5 = PUBLISHED[with_classifier]
    try:
        return str(keras.utils.get_file(name, URL + name, cache_subdir="models", file_hash=md5))
    except Exception as error:  # `get_file` raises a bare Exception when the network fails
        raise OSError(
            f"Keras's VGG16 weights could not be downloaded ({error}). Download {URL}{name} elsewhere, and pass its "
            "path (`load_imagenet(model, path)`) or put it into the folder `models` of Keras's home (~/.keras)."
        ) from error


def read(path: str | os.PathLike[str], wanted: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, Pair], list[str]]:
    """Read VGG16 layers from a `.h5`, `.weights.h5` or `.npz` file, told by its first bytes.

    Args:
        path: the file. HDF5: as Keras saves its VGG16. NumPy: arrays `<layer>_W` (HWIO) and `<layer>_b`.
        wanted: `{layer: kernel shape}`, names as in `LAYERS`. Dense kernels `(H * W * I, O)` are accepted and
            reshaped. fc6 and fc7 are left out where absent or of another shape.

    Returns:
        `({layer: (kernel, bias)}, layers of the file)`, float32 arrays and names as in `LAYERS`.

    Raises:
        ValueError: if the file is damaged, or a wanted convolution is absent or of another shape.
        OSError: if the file cannot be read.
    """
    path = os.fspath(path)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise MalformedError("it is no file")
        with open(path, "rb") as file:
            magic = file.read(8)
        for prefix, source in ((HDF5_MAGIC, _Hdf5), (ZIP_MAGIC, _Npz)):
            if magic.startswith(prefix):
                return _read(source, path, wanted)
        raise MalformedError(f"it begins with {magic!r}")
    except MalformedError as error:
        raise ValueError(
            "`path` must hold VGG16 weights: a .h5 as Keras publishes and saves them, or a .npz with <layer>_W and "
            f"<layer>_b. Received: {path}: {error}. The published file is {URL}{PUBLISHED[True][0]}."
        ) from None


def fold_torch(kernel: NDArray[Any], bias: NDArray[Any], mean: Sequence[float] | None = None) -> Pair:
    """Turn conv1_1 for RGB / 255 minus mean over std into conv1_1 for BGR 0-255 minus `mean`.

    Args:
        kernel: `(kh, kw, 3, out)`.
        bias: `(out,)`.
        mean: BGR triple on the 0-255 scale; `None` is the file's own.

    Returns:
        `(kernel, bias)`, float32.
    """
    kernel = kernel.astype(np.float64) / np.reshape(TORCH_STD, (3, 1))
    if mean is not None:
        bias = bias + np.einsum("hwio,i->o", kernel, np.divide(mean[::-1], 255) - TORCH_MEAN)
    return (kernel[:, :, ::-1] / 255).astype(np.float32), bias.astype(np.float32)


def _read(
    source: type[_Hdf5] | type[_Npz], path: str, wanted: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, Pair], list[str]]:
    with _foreign("it cannot be opened"):
        file = source(path)
    with file:
        present = [layer for layer in LAYERS if _named(layer, file.has, layer)]
        weights = {}
        for layer, shape in wanted.items():
            if layer in present and not (layer == "fc7" and "fc6" not in weights):
                pair = _named(layer, _pair, file, layer, shape)
            elif layer in CLASSIFIER:
                continue
            else:
                raise MalformedError(f"layer {layer} is missing (it has {', '.join(present) or 'none of VGG16'})")
            if pair:
                weights[layer] = pair
    return weights, present


def _pair(file: _Hdf5 | _Npz, layer: str, shape: tuple[int, ...]) -> Pair | None:
    """Return kernel and bias, or None where the classifier has another shape than the model."""
    kernel, bias = file.find(layer)
    dense = (math.prod(shape[:-1]), shape[-1])
    shapes = (shape, dense) if layer in CLASSIFIER else (shape,)
    if kernel.shape not in shapes:
        if layer in CLASSIFIER:
            return None
        raise MalformedError(f"its kernel has shape {kernel.shape}, the model's {shape}; is `channels` narrower?")
    if bias.shape != shape[-1:]:
        raise MalformedError(f"its bias has shape {bias.shape}, the model's {shape[-1:]}")
    return file.array(kernel).reshape(shape), file.array(bias)


def _named(layer: str, function: Callable[..., Result], *args: Any) -> Result:
    """Call `function`; name the layer in what it raises."""
    try:
        with _foreign("it cannot be read"):
            return function(*args)
    except MalformedError as error:
        raise MalformedError(f"layer {layer}: {error}") from None


class _foreign:
    """Turn whatever h5py, zipfile and NumPy raise on hostile bytes into `MalformedError`; they name no set of types."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> _foreign:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, MalformedError):
            raise MalformedError(f"{self.what} ({type(error).__name__}: {str(error)[:200]})") from error


def _check_number(dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise MalformedError(f"numbers of type {dtype} instead of float16, float32 or float64")


class _Hdf5:
    """A Keras HDF5 file: `find` gives datasets, `array` reads one."""

    def __init__(self, path: str) -> None:
        self.file = h5py.File(path, "r")

    def __enter__(self) -> _Hdf5:
        return self

    def __exit__(self, *error: object) -> None:
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
        _check_number(dataset.dtype)
        numbers = np.empty(dataset.shape, np.float32)
        dataset.read_direct(numbers)
        return numbers


class _Npz:
    """A NumPy archive: `find` gives headers, `array` reads one."""

    def __init__(self, path: str) -> None:
        self.file = zipfile.ZipFile(path)

    def __enter__(self) -> _Npz:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def has(self, layer: str) -> bool:
        return f"{layer}_W.npy" in self.file.namelist()

    def find(self, layer: str) -> tuple[_Header, _Header]:
        """Return the headers of the layer's kernel and bias."""
        return _Header(self.file, f"{layer}_W.npy"), _Header(self.file, f"{layer}_b.npy")

    def array(self, header: _Header) -> NDArray[np.float32]:
        """Read an array whose shape has been checked."""
        _check_number(header.dtype)
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
