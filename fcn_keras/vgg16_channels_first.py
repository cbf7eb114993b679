"""VGG16 in files whose kernels are (out, in, height, width): PyTorch's names in .safetensors, and Caffe's own file.

In both, fc6 of the classifier is a matrix over (channel, row, column) of the last pool, where Keras's is one over (row,
column, channel).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_keras import caffemodel
from fcn_keras.untrusted_hdf5 import MalformedError
from fcn_keras.vgg16_formats import LAYERS

POOL5 = 7  # rows and columns of the last pool that the classifier sees
# The names of the layers in PyTorch: torchvision's, then timm's, whose classifier is made of convolutions.
TORCH_NAMES: dict[str, tuple[str, ...]] = {
    "fc6": ("classifier.0", "pre_logits.fc1"),
    "fc7": ("classifier.3", "pre_logits.fc2"),
}
TORCH_NAMES |= {"fc8": ("classifier.6", "head.fc")}
# Its `features` also count what has no weights: a ReLU after each convolution, a pool after each block.
TORCH_NAMES |= {
    layer: (f"features.{2 * n + int(layer[4]) - 1}",)
    for n, layer in enumerate(k for k in LAYERS if k.startswith("conv"))
}
FLOATS = {"F16", "BF16", "F32", "F64"}  # of safetensors


class Stored(NamedTuple):
    """An array of a file that was not read yet.

    Attributes:
        shape: as Keras has it: of a kernel `(H, W, I, O)`.
        transposed: the shape to give to the numbers, `(O, I, H, W)` of a kernel.
        source: the array, or its name.
    """

    shape: tuple[int, ...]
    transposed: tuple[int, ...]
    source: Any


def kernel(layer: str, shape: tuple[int, ...], source: Any) -> Stored:
    """Describe a kernel `(O, I, H, W)`, or a matrix `(O, I * H * W)`, which in Caffe's V1 format is `(1, 1, O, ...)`.

    Args:
        layer: its name as in `LAYERS`.
        shape: in the file.
        source: the array, or its name.

    Raises:
        MalformedError: if it is neither, or no matrix over the last pool.
    """
    matrix = shape[-2:] if shape[:-2] in ((), (1, 1)) else ()
    if not layer.startswith("conv") and len(matrix) == 2:
        size = POOL5 if layer == "fc6" else 1
        channels, rest = divmod(matrix[1], size * size)
        if rest:
            raise MalformedError(f"its matrix has {matrix[1]} columns, which are no {size}x{size} pixels of channels")
        shape = (matrix[0], channels, size, size)
    if len(shape) != 4:
        raise MalformedError(f"its kernel has shape {shape}, which is none of (out, in, height, width)")
    out, channels, height, width = shape
    return Stored((height, width, channels, out), shape, source)


class Safetensors:
    """A .safetensors file with the names of torchvision's VGG16, or of timm's."""

    preprocessing: str | None = "torch"

    def __init__(self, path: str) -> None:
        from safetensors import safe_open

        opened: Any = safe_open  # its stubs leave methods without types
        self.file = opened(path, framework="numpy")
        self.names = set(self.file.keys())
        if any(name.endswith("running_mean") for name in self.names):
            raise MalformedError("it has batch normalization, as vgg16_bn has; a plain VGG16 is needed")

    def close(self) -> None:
        """Close the file."""
        self.file.__exit__(None, None, None)

    def has(self, layer: str) -> bool:
        """Tell whether there is a layer."""
        return any(f"{name}.weight" in self.names for name in TORCH_NAMES[layer])

    def find(self, layer: str) -> tuple[Stored, Stored]:
        """Return what the file says of the layer's kernel and bias."""
        name = next(name for name in TORCH_NAMES[layer] if f"{name}.weight" in self.names)
        shapes = [self._shape(f"{name}.{part}") for part in ("weight", "bias")]
        return kernel(layer, shapes[0], f"{name}.weight"), Stored(shapes[1], shapes[1], f"{name}.bias")

    def _shape(self, name: str) -> tuple[int, ...]:
        array = self.file.get_slice(name)
        if array.get_dtype() not in FLOATS:
            raise MalformedError(
                f"{name} holds numbers of type {array.get_dtype()} instead of {', '.join(sorted(FLOATS))}"
            )
        return tuple(array.get_shape())

    def array(self, stored: Stored) -> NDArray[np.float32]:
        """Read an array whose shape has been checked."""
        # NumPy knows bfloat16 from ml_dtypes, which Keras imports.
        return _to_keras(self.file.get_tensor(stored.source).astype(np.float32), stored)


class Caffe:
    """A .caffemodel with the names of VGG_ILSVRC_16_layers, whose fc6 to fc8 are InnerProduct layers, or of an FCN.

    Raises:
        ValueError: if the file is no .caffemodel or damaged; names it.
    """

    preprocessing: str | None = "caffe"

    def __init__(self, path: str) -> None:
        self.blobs = caffemodel.read(path)

    def close(self) -> None:
        """Close the file."""
        self.blobs.clear()

    def has(self, layer: str) -> bool:
        """Tell whether there is a layer."""
        return layer in self.blobs

    def find(self, layer: str) -> tuple[Stored, Stored]:
        """Return the layer's kernel and bias, which are not read before `array` does."""
        blobs = self.blobs[layer]
        if len(blobs) != 2:
            raise MalformedError(f"{len(blobs)} arrays instead of kernel and bias")
        bias = blobs[1].shape[-1:] if max(blobs[1].shape, default=1) == blobs[1].size else blobs[1].shape
        return kernel(layer, blobs[0].shape, blobs[0]), Stored(bias, bias, blobs[1])

    def array(self, stored: Stored) -> NDArray[np.float32]:
        """Read an array whose shape has been checked."""
        return _to_keras(stored.source, stored)


def _to_keras(numbers: NDArray[np.float32], stored: Stored) -> NDArray[np.float32]:
    numbers = numbers.reshape(stored.transposed)
    return numbers.transpose(2, 3, 1, 0) if numbers.ndim == 4 else numbers
