"""Published VGG16 weights: which kind of file holds them, reading them, and downloading Keras's.

The files may come from anyone: nothing is unpickled, and no array is read before its declared shape is the one that the
network needs.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_keras.untrusted_hdf5 import MalformedError
from fcn_keras.vgg16_channels_first import Caffe, Safetensors
from fcn_keras.vgg16_formats import LAYERS, Format, Hdf5, Npz, foreign

Result = TypeVar("Result")
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]  # kernel and bias
Shapes = Mapping[str, tuple[int, ...]]  # layer -> (H, W, I, O)

CLASSIFIER = ("fc6", "fc7")  # taken only where it fits; convolutions must be there

# with the classifier? -> file, MD5, megabytes; keras.applications.vgg16
PUBLISHED = {
    True: ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b", 553),
    False: ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc", 59),
}
URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"

TORCH_MEAN, TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB on the 0-1 scale; torchvision

HDF5_MAGIC, ZIP_MAGIC, GZIP_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK", b"\x1f\x8b"
CAFFE_MAGIC = (b"\n", b"\x12", b"\xa2\x06")  # fields of NetParameter: its name, a layer of V1, a layer
NETWORK = {"config.json", "model.weights.h5"}  # what a .keras file holds


class DownloadError(OSError):
    """Keras's published weights are not at hand.

    Attributes:
        url: of the file.
        megabytes: its size.
        reason: why it could not be downloaded.
    """

    def __init__(self, with_classifier: bool, reason: object) -> None:
        name, _, self.megabytes = PUBLISHED[with_classifier]
        self.url = URL + name
        self.reason = " ".join(str(reason).split()).removeprefix(f"URL fetch failure on {self.url}: None -- ")
        super().__init__(
            f"Keras's VGG16 weights could not be downloaded ({self.reason}). Download {self.url} ({self.megabytes} MB) "
            "elsewhere, and pass its path (`load_imagenet(model, path)`) or put it into the folder `models` of Keras's "
            "home (~/.keras)."
        )


def download(with_classifier: bool) -> str:
    """Return the path of Keras's published file in Keras's cache, downloading it if it is not there.

    Raises:
        DownloadError: if it cannot be had; says which file to put where.
    """
    name, md5, _ = PUBLISHED[with_classifier]
    try:
        return str(keras.utils.get_file(name, URL + name, cache_subdir="models", file_hash=md5))
    except Exception as error:  # `get_file` raises a bare Exception when the network fails
        raise DownloadError(with_classifier, error) from error


def kind(path: str | os.PathLike[str]) -> type[Format] | None:
    """Tell by its first bytes what a file of weights is.

    Returns:
        how to read VGG16 from it; None for a `.keras` file, which is a whole network.

    Raises:
        ValueError: if it is none of these, or a pickle.
        ImportError: if the package that reads it is missing; says which.
        OSError: if the file cannot be read.
    """
    path = os.fspath(path)
    try:
        return _kind(path)
    except MalformedError as error:
        raise _refused(path, error) from None


def read(path: str | os.PathLike[str], wanted: Shapes) -> tuple[dict[str, Pair], list[str]]:
    """Read VGG16 layers from a `.h5`, `.weights.h5`, `.npz`, `.safetensors` or `.caffemodel` file.

    Args:
        path: the file. HDF5: as Keras saves its VGG16. NumPy: arrays `<layer>_W` (HWIO) and `<layer>_b`. Safetensors:
            the names of torchvision's VGG16, or of timm's. Caffe: the names of VGG_ILSVRC_16_layers.
        wanted: `{layer: kernel shape}`, names as in `LAYERS`. Dense kernels are accepted and reshaped. fc6 and fc7
            are left out where absent or of another shape.

    Returns:
        `({layer: (kernel, bias)}, layers of the file)`, float32 arrays and names as in `LAYERS`.

    Raises:
        ValueError: if the file is damaged, or a wanted convolution is absent or of another shape.
        ImportError: if the package that reads it is missing.
        OSError: if the file cannot be read.
    """
    return _read(os.fspath(path), wanted, _pair)


def check(path: str | os.PathLike[str], wanted: Shapes) -> None:
    """Raise what `read` would, but for damage within the arrays, which are not read."""
    _read(os.fspath(path), wanted, _headers)


def kernel_shapes(channels: tuple[tuple[tuple[int, int], ...], int]) -> dict[str, tuple[int, ...]]:
    """Return `{layer: (H, W, I, O)}` of a network of these `channels`, colour images, as `read` wants them."""
    blocks, top = channels
    shapes: dict[str, tuple[int, ...]] = {}
    width = 3
    for block, (filters, count) in enumerate(blocks, 1):
        for i in range(1, count + 1):
            shapes[f"conv{block}_{i}"], width = (3, 3, width, filters), filters
    return shapes | {"fc6": (7, 7, width, top), "fc7": (1, 1, top, top)}


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


def _refused(path: str, error: Exception) -> ValueError:
    return ValueError(
        "`path` must hold VGG16 weights: a .h5 as Keras publishes and saves them, a .npz with <layer>_W and <layer>_b, "
        "a .safetensors of torchvision's or timm's vgg16, VGG_ILSVRC_16_layers.caffemodel, or a .keras of fcn_keras. "
        f"Received: {path}: {error}. The published file is {URL}{PUBLISHED[True][0]}."
    )


def _kind(path: str) -> type[Format] | None:
    if os.path.exists(path) and not os.path.isfile(path):
        raise MalformedError("it is no file")
    with open(path, "rb") as file:
        magic = file.read(9)
    if magic.startswith(HDF5_MAGIC):
        return Hdf5
    if magic.startswith(ZIP_MAGIC):
        return _kind_of_archive(path)
    if magic.startswith(b"\x80") and magic[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        raise _pickle(path)
    if magic[8:] == b"{" and int.from_bytes(magic[:8], "little") < os.path.getsize(path):
        _require_safetensors(path)
        return Safetensors
    if magic.startswith((GZIP_MAGIC, *CAFFE_MAGIC)):
        return Caffe
    raise MalformedError(f"it begins with {magic[:8]!r}")


def _kind_of_archive(path: str) -> type[Format] | None:
    with foreign("it cannot be opened"), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    if names >= NETWORK:
        return None
    if any(name.endswith("data.pkl") for name in names):
        raise _pickle(path)
    return Npz


def _pickle(path: str) -> ValueError:
    made = f"{os.path.splitext(os.path.basename(path))[0]}.safetensors"
    return ValueError(
        f"{path} is a pickle, as PyTorch saves them: reading it can run any code that is in it. Where you trust it, "
        "write it anew as .safetensors (pip install torch safetensors), and give that: python -c 'import sys, torch, "
        "safetensors.torch as s; s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' "
        f"{path} {made}"
    )


def _require_safetensors(path: str) -> None:
    try:
        import safetensors  # noqa: F401
    except ImportError:
        raise ImportError(
            f'{path} needs safetensors to be read: pip install "fcn_keras[safetensors]"', name="safetensors"
        ) from None


def _read(path: str, wanted: Shapes, function: Callable[..., Result | None]) -> tuple[dict[str, Result], list[str]]:
    source = kind(path)
    try:
        if source is None:
            raise MalformedError("it is a network; `load_imagenet` takes it")
        return _layers(_opened(source, path), wanted, function)
    except MalformedError as error:
        raise _refused(path, error) from None


def _opened(source: type[Format], path: str) -> Format:
    if source is Caffe:
        return Caffe(path)  # its own errors name the file
    with foreign("it cannot be opened"):
        return source(path)  # type: ignore[call-arg]  # a protocol has no arguments


def _layers(
    file: Format, wanted: Shapes, function: Callable[..., Result | None]
) -> tuple[dict[str, Result], list[str]]:
    with closing(file):
        present = [layer for layer in LAYERS if _named(layer, file.has, layer)]
        found: dict[str, Result] = {}
        for layer, shape in wanted.items():
            if layer in present and not (layer == "fc7" and "fc6" not in found):
                result = _named(layer, function, file, layer, shape)
            elif layer in CLASSIFIER:
                continue
            else:
                raise MalformedError(f"layer {layer} is missing (it has {', '.join(present) or 'none of VGG16'})")
            if result is not None:
                found[layer] = result
    return found, present


def _headers(file: Format, layer: str, shape: tuple[int, ...]) -> tuple[Any, Any] | None:
    """Return what is said of kernel and bias, or None where the classifier has another shape than the model."""
    kernel, bias = file.find(layer)
    dense = (math.prod(shape[:-1]), shape[-1])
    shapes = (shape, dense) if layer in CLASSIFIER else (shape,)
    if kernel.shape not in shapes:
        if layer in CLASSIFIER:
            return None
        raise MalformedError(f"its kernel has shape {kernel.shape}, the model's {shape}; is `channels` narrower?")
    if bias.shape != shape[-1:]:
        raise MalformedError(f"its bias has shape {bias.shape}, the model's {shape[-1:]}")
    return kernel, bias


def _pair(file: Format, layer: str, shape: tuple[int, ...]) -> Pair | None:
    """Return kernel and bias, or None where the classifier has another shape than the model."""
    headers = _headers(file, layer, shape)
    if headers is None:
        return None
    kernel, bias = headers
    return file.array(kernel).reshape(shape), file.array(bias)


def _named(layer: str, function: Callable[..., Result], *args: Any) -> Result:
    """Call `function`; name the layer in what it raises."""
    try:
        with foreign("it cannot be read"):
            return function(*args)
    except MalformedError as error:
        raise MalformedError(f"layer {layer}: {error}") from None
