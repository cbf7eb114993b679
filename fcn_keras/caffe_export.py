"""Writer of `.caffemodel` and `.prototxt`: networks of this package for Caffe and OpenCV's dnn module.

Wire format: https://protobuf.dev/programming-guides/encoding; messages: `caffe.proto` of BVLC/caffe.
"""

import contextlib
import math
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from fcn_keras.caffemodel import MAX_BYTES
from fcn_keras.finite import require_finite
from fcn_keras.layers import (
    LOG_DEPTH_MEAN,
    LRN_ALPHA,
    LRN_BETA,
    LRN_SIZE,
    CeilMaxPooling2D,
    CropLike,
    PadToMultiple,
    Preprocess,
    local_response_normalization,
)

INPUTS = {"image": "data", "rgb": "color"}  # our inputs -> the released networks' blobs
SIDE = 500  # height and width that the .prototxt starts with; any others can be set
CHUNK_BYTES = 2**24  # of a kernel in memory at once
LENGTH = 2  # the wire type of everything here


class Layer(NamedTuple):
    """A layer of a Caffe network; `arrays` are blobs in Keras's order of axes."""

    name: str
    kind: str
    bottoms: tuple[str, ...]
    top: str
    parameters: str = ""
    arrays: tuple[Any, ...] = ()


class Blob(NamedTuple):
    """What a tensor of the model is in Caffe's network, and how far the next convolution has to pad it."""

    name: str
    pad: int = 0


def save_caffemodel(model: keras.Model, path: str | os.PathLike[str]) -> Path:
    """Write a network as a `.caffemodel` (new format) and, beside it, the `.prototxt` that runs it.

    Both files replace older ones, when both are complete. The inputs of the `.prototxt` are what the
    model's `Preprocess` makes of raw pixels, NCHW; a comment in it says how to make them. `load_caffemodel` reads
    the weights back bit by bit.

    Args:
        model: of `FCN32s`, `FCN16s`, `FCN8s` or `LateFusion` with `padding="caffe"`, or of `FCNAlexNet`. An `"rgbd"`
            model has one input of four channels, where the release concatenates two.
        path: file to write; ends in `.caffemodel`. Takes as many bytes as the weights in float32.

    Returns:
        Path of the `.prototxt`.

    Raises:
        ValueError: if the path ends otherwise, a weight is NaN or infinite, or Caffe has no equal of a layer, as with
            `padding="same"`.
        OSError: if a file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".caffemodel":
        raise ValueError(f"`path` ends in .caffemodel. Received: {path}.")
    require_finite(model, model.name)
    name, network = _name(model), _translate(model)
    size = sum(4 * math.prod(array.shape) for layer in network for array in layer.arrays)
    if size > MAX_BYTES - 2**20:
        raise ValueError(
            f"Caffe reads files of up to {MAX_BYTES} bytes. Received: {model.name} with {size} of weights."
        )
    prototxt = path.with_suffix(".prototxt")
    with _replacing(path) as file, _replacing(prototxt) as text:  # the .prototxt takes its place first
        file.write(_field(1, name.encode()))
        for layer in network:
            _write_layer(file, layer)
        text.write(_text(model, name, network, path.name).encode())
    return prototxt


def _translate(model: keras.Model) -> list[Layer]:
    """Return Caffe's layers in the order of execution."""
    network: list[Layer] = []
    blobs: dict[int, Blob] = {}
    for layer in model.layers:
        bottoms = [] if isinstance(layer, layers.InputLayer) else keras.tree.flatten(layer.input)
        added, blob = _caffe(layer, [blobs[id(x)] for x in bottoms])
        network += added
        blobs[id(layer.output)] = blob
    return network


def _caffe(layer: keras.Layer, bottoms: Sequence[Blob]) -> tuple[list[Layer], Blob]:
    """Return what a layer is in Caffe: new layers, and its output."""
    if isinstance(layer, layers.InputLayer):
        name = INPUTS.get(layer.name, layer.name)
        dims = f"shape {{ dim: 1 dim: {layer.output.shape[-1]} dim: {SIDE} dim: {SIDE} }}"
        return [Layer(name, "Input", (), name, f"input_param {{ {dims} }}")], Blob(name)
    if isinstance(layer, layers.Conv2D):
        return _convolution(layer, *bottoms)
    if any(bottom.pad for bottom in bottoms):
        raise ValueError(f"In Caffe only convolutions pad. Received: {layer.name} on a padded map.")
    if isinstance(layer, (Preprocess, layers.Dropout)):  # done before; nothing to do
        return [], bottoms[0]
    if isinstance(layer, layers.ZeroPadding2D):
        (pad, *others) = {side for sides in layer.padding for side in sides}
        _require(not others, layer, "pads one side more than another")
        return [], Blob(bottoms[0].name, pad)
    kind, parameters, arrays = _parameters(layer, len(bottoms))
    added = Layer(layer.name, kind, tuple(b.name for b in bottoms), layer.name, parameters, arrays)
    return [added], Blob(layer.name)


def _convolution(layer: keras.Layer, bottom: Blob) -> tuple[list[Layer], Blob]:
    (kernel, *others) = set(layer.kernel_size)
    _require(not others and len(set(layer.strides)) == 1, layer, "has no square window")
    _require(layer.padding == "valid" or (kernel % 2 and layer.strides == (1, 1)), layer, "pads by the image's size")
    _require(layer.padding == "valid" or not bottom.pad, layer, "pads a padded map")
    _require(layer.dilation_rate == (1, 1), layer, "is dilated")
    activation = keras.activations.serialize(layer.activation)
    _require(activation in ("linear", "relu"), layer, f"ends in {activation}")
    pad = kernel // 2 if layer.padding == "same" else bottom.pad
    text = f"num_output: {layer.filters} pad: {pad} kernel_size: {kernel} group: {layer.groups} "
    text += f"stride: {layer.strides[0]} bias_term: {str(layer.use_bias).lower()}"
    name = layer.name
    added = [Layer(name, "Convolution", (bottom.name,), name, f"convolution_param {{ {text} }}", tuple(layer.weights))]
    if activation == "relu":
        added.append(Layer(f"relu_{name}", "ReLU", (name,), name))
    return added, Blob(name)


def _parameters(layer: keras.Layer, count: int) -> tuple[str, str, tuple[Any, ...]]:
    """Return type, parameters and arrays of a layer that is one layer in Caffe."""
    if isinstance(layer, layers.Conv2DTranspose):
        kernel, stride = layer.kernel_size[0], layer.strides[0]
        square = layer.kernel_size == (kernel, kernel) and layer.strides == (stride, stride)
        _require(square and layer.padding == "valid" and not layer.use_bias, layer, "is no plain upsampling")
        text = f"num_output: {layer.filters} kernel_size: {kernel} stride: {stride} bias_term: false"
        return "Deconvolution", f"convolution_param {{ {text} }}", tuple(layer.weights)
    if isinstance(layer, layers.MaxPooling2D):
        kernel, stride = layer.pool_size[0], layer.strides[0]
        square = layer.pool_size == (kernel, kernel) and layer.strides == (stride, stride)
        # Caffe counts windows with ceil, which 2x2/2 "same" does as well.
        ceil = isinstance(layer, CeilMaxPooling2D) or (layer.padding == "same" and kernel == stride == 2)
        _require(square and ceil, layer, "does not count windows as Caffe does")
        return "Pooling", f"pooling_param {{ pool: MAX kernel_size: {kernel} stride: {stride} }}", ()
    if isinstance(layer, layers.Activation) and layer.activation is local_response_normalization:
        text = f"local_size: {LRN_SIZE} alpha: {LRN_ALPHA} beta: {LRN_BETA}"
        return "LRN", f"lrn_param {{ {text} }}", ()
    if isinstance(layer, layers.Rescaling) and not layer.offset:
        factors = np.full(layer.output.shape[-1], layer.scale, np.float32)
        return "Scale", "scale_param { axis: 1 bias_term: false }", (factors,)
    if isinstance(layer, CropLike):
        return "Crop", f"crop_param {{ axis: 2 offset: {layer.offset} }}", ()
    if isinstance(layer, layers.Add):
        return "Eltwise", "eltwise_param { operation: SUM }", ()
    if isinstance(layer, layers.Average):
        return "Eltwise", f"eltwise_param {{ operation: SUM {f'coeff: {1 / count} ' * count}}}", ()
    _require(
        not isinstance(layer, PadToMultiple),
        layer,
        'pads to a multiple. Build one with `padding="caffe"`, and `transplant` the weights',
    )
    raise ValueError(f"Caffe has no equal of {type(layer).__name__}. Received: {layer.name}.")


def _require(fits: bool, layer: keras.Layer, what: str) -> None:
    if not fits:
        raise ValueError(f"Only what Caffe computes alike can be written. Received: {layer.name}, which {what}.")


def _name(model: keras.Model) -> str:
    """Name the network after its model, and after its preprocessing, which no layer of Caffe's says."""
    preprocessing = [layer for layer in model.layers if isinstance(layer, Preprocess)]
    if not preprocessing:
        raise ValueError(f"`model` is a network of fcn_keras, which begins with `Preprocess`. Received: {model.name}.")
    modality = "rgb_hha" if len(preprocessing) > 1 else preprocessing[0].modality
    name, mean = re.sub(r"[^A-Za-z0-9_-]", "_", model.name), ",".join(map(str, preprocessing[0].mean))
    return f"{name} modality={modality} mean={mean}"


def _text(model: keras.Model, name: str, network: Sequence[Layer], weights: str) -> str:
    lines = [f"# Weights: {weights}. Written by fcn_keras."]
    for first in (layer for layer in model.layers if isinstance(layer, Preprocess)):
        blob = INPUTS.get(first.input.name, first.input.name)
        mean = " ".join(map(str, first.mean))
        what = {"rgb": f"B, G, R (0-255) minus {mean}", "hha": f"H, H, A (0-255) minus {mean}"}
        what["rgbd"] = f"{what['rgb']}; then ln(depth in mm) minus {LOG_DEPTH_MEAN}, 0 where the depth is unknown"
        lines.append(f"# {blob}: 1 x channels x height x width; {what[first.modality]}.")
    lines += ["# Height and width may be any: reshape the inputs.", f'name: "{name}"']
    for layer in network:
        blobs = "".join(f' bottom: "{bottom}"' for bottom in layer.bottoms)
        lines.append(
            f'layer {{ name: "{layer.name}" type: "{layer.kind}"{blobs} top: "{layer.top}" {layer.parameters} }}'
        )
    return "\n".join(lines) + "\n"


def _write_layer(file: BinaryIO, layer: Layer) -> None:
    head = _field(1, layer.name.encode()) + _field(2, layer.kind.encode())
    head += b"".join(_field(3, bottom.encode()) for bottom in layer.bottoms) + _field(4, layer.top.encode())
    frames = [_frame(array) for array in layer.arrays]
    size = len(head) + sum(map(len, frames)) + sum(4 * math.prod(array.shape) for array in layer.arrays)
    file.write(_key(100, LENGTH) + _varint(size) + head)
    for frame, array in zip(frames, layer.arrays, strict=True):
        file.write(frame)
        for chunk in _chunks(array):
            file.write(chunk)


def _frame(array: Any) -> bytes:
    """Return a layer's field of one blob up to the numbers: the shape, and how many bytes follow."""
    height, width, *rest = array.shape if len(array.shape) == 4 else (None, None, *array.shape)
    shape = (*rest[::-1], height, width) if height else rest
    size = 4 * math.prod(shape)
    inner = _field(7, _field(1, b"".join(map(_varint, shape)))) + _key(5, LENGTH) + _varint(size)
    return _key(7, LENGTH) + _varint(len(inner) + size) + inner


def _chunks(array: Any) -> Iterator[Any]:
    """Yield the numbers in Caffe's order, `(out, in, kh, kw)`, some of the first axis at a time."""
    count = array.shape[-1]
    step = max(1, CHUNK_BYTES * count // (4 * math.prod(array.shape)))
    for start in range(0, count, step):
        part = ops.convert_to_numpy(array[..., start : start + step]).astype("<f4")
        yield np.ascontiguousarray(part.transpose(3, 2, 0, 1) if part.ndim == 4 else part)


def _field(number: int, payload: bytes) -> bytes:
    return _key(number, LENGTH) + _varint(len(payload)) + payload


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file beside `path` for writing, and rename it to `path` if the body succeeds."""
    with tempfile.TemporaryDirectory(prefix=".fcn-", suffix=".tmp", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
