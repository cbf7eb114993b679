"""VGG16 trained on ImageNet into networks, or a network of our own into another with other classes.

After an error the model is as it was.
"""

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fcn_keras import keras_files, vgg16_files
from fcn_keras.finite import require_finite_arrays
from fcn_keras.vgg16_files import Pair
from fcn_keras.vgg16_formats import LAYERS, Hdf5
from fcn_keras.weights import Layers, Loaded, assign, summary, transplant, weighted

FilePath = str | os.PathLike[str]
Channels = tuple[tuple[tuple[int, int], ...], int]

PREPROCESSING = ("caffe", "torch")
BACKBONES = ("", "color", "hha")  # ends of layer names: one backbone, or the two of late fusion
_WIDE = (*(f"conv{block}_1" for block in range(1, 6)), "fc6")  # the layers that tell a network's width
_PIXELS = {"caffe": "BGR 0-255 minus the mean", "torch": "RGB / 255 minus mean over std"}


class OtherWidthError(ValueError):
    """A network has other numbers of channels than the one that its weights are for.

    Attributes:
        received: filters of the five blocks, and of fc6: of the network in the file.
        expected: of the network to fill.
    """

    def __init__(self, path: FilePath, received: Sequence[int], expected: Sequence[int]) -> None:
        self.received, self.expected = tuple(received), tuple(expected)
        super().__init__(
            f"`path` must hold a network of the same `channels`: {_widths(expected)}. Received: {path}: "
            f"{_widths(received)}. Build the model with the `channels` of the file."
        )


def load_imagenet(model: keras.Model, path: FilePath | None = None, preprocessing: str | None = None) -> Loaded:
    """Load VGG16 trained on ImageNet, or a network of ours, into the backbone, or into both backbones of late fusion.

    Convolutions always; fc6 and fc7 where the file has the dense classifier and the model its width (see `missing`
    of the result). The depth channel of early fusion gets the mean over the three colours. An HHA backbone takes its
    three channels for B, G, R, as in the original.

    From a `.keras` file of this package, `transplant` takes every layer that fits: with other classes all but those
    that score and upsample. It must have the model's `channels`.

    Args:
        model: of `FCN32s`, `FCN16s`, `FCN8s` or `LateFusion`.
        path: told by its first bytes. `.h5` as published or saved by Keras. `.npz` with `<layer>_W` (HWIO) and
            `<layer>_b`. `.safetensors` of torchvision's or timm's vgg16, in float16, bfloat16, float32 or float64
            (extra `safetensors`). `.caffemodel` with the names of VGG_ILSVRC_16_layers. `.keras` of this package.
            Pickles (`.pth`) are refused. `None` takes Keras's published file (553 MB; 59 MB without the classifier,
            which is used where fc6 is not 4096 wide) from Keras's cache or the network.
        preprocessing: what the file was trained on. `"caffe"`: BGR 0-255 minus the mean, as the published ones.
            `"torch"`: RGB / 255 minus mean over std, folded into conv1_1. Equal up to rounding but at the image's
            border, where our zero padding is our mean colour, not theirs. `None`: `"torch"` for `.safetensors`, else
            `"caffe"`; a `.keras` knows its own.

    Returns:
        `Loaded`: what was and was not copied, and in `pixels` which preprocessing was taken and why.

    Raises:
        ValueError: if `preprocessing` is unknown or cannot be the file's, the file is a pickle, damaged or holds NaN,
            or a convolution differs in shape.
        ImportError: if the package that reads the file is missing.
        OSError: if the file cannot be read or downloaded.
    """
    backbones = _backbones(model)
    backbone = next(iter(backbones.values()))
    preprocessing, pixels = settled(path, preprocessing)
    if path is not None and preprocessing is None:
        return _load_network(model, path)
    if path is None:
        path = vgg16_files.download(with_classifier=backbone["fc6"].filters == 4096)
    weights, present = vgg16_files.read(path, _shapes(backbone))
    require_finite_arrays(weights.items(), path)
    plan: dict[str, Sequence[Any]] = {}
    for suffix, backbone in backbones.items():
        plan |= {backbone[name].name: pair for name, pair in weights.items()}
        plan[backbone["conv1_1"].name] = _first(model, backbone["conv1_1"], suffix, weights["conv1_1"], preprocessing)
    assign(weighted(model), plan)
    unused = [name for name in present if name not in weights]
    return Loaded(*summary(weighted(model), plan, unused), pixels=pixels)


def settled(path: FilePath | None, given: str | None) -> tuple[str | None, str]:
    """Tell what pixels a file's weights were trained on.

    Args:
        path: as `load_imagenet` takes it; only the kind of file is looked at.
        given: what the user says of it, or None.

    Returns:
        `"caffe"` or `"torch"`, None of a `.keras` file, and a sentence that says so and what told it.

    Raises:
        ValueError: if `given` is unknown, or the file cannot be that; or as `vgg16_files.kind`.
        ImportError: as `vgg16_files.kind`.
        OSError: if the file cannot be read.
    """
    if given not in (None, *PREPROCESSING):
        raise ValueError(f"`preprocessing` is one of {PREPROCESSING}. Received: {given!r}.")
    if path is None and given == "torch":
        raise ValueError('Keras\'s published weights expect `preprocessing="caffe"`. Received: "torch", no `path`.')
    kind = vgg16_files.kind(path) if path is not None else Hdf5
    if kind is None:
        if given:
            raise ValueError(
                f"A network of fcn_keras knows its own pixels: leave preprocessing out. Received: {given!r}, {path}."
            )
        return None, ""
    told = kind.preprocessing
    if told == "caffe" and given == "torch":
        raise ValueError(
            f'A .caffemodel was trained on {_PIXELS["caffe"]}: its preprocessing is "caffe". '
            f"Received: {given!r}, {path}."
        )
    value = given or told or "caffe"
    why = "as given" if given else "as a file of its kind was, if nothing else is said"
    if told:
        why = {"torch": "as the names in the file are PyTorch's", "caffe": "as it is Caffe's file"}[told]
    if told == "torch" and given == "caffe":
        why = (
            "as given. But the names in the file are PyTorch's, and weights that PyTorch trained take "
            f"{_PIXELS['torch']} (torch): this is right only for Caffe's weights that were given PyTorch's names"
        )
    return value, f"Its weights were trained on {_PIXELS[value]} ({value}), {why}."


def check_weights(path: FilePath, channels: Channels) -> None:
    """Tell before a network is built whether `load_imagenet` will take a file for one of these channels.

    Args:
        path: as `load_imagenet` takes it.
        channels: filters and convolutions of the five blocks, and the width of fc6 and fc7.

    Raises:
        OtherWidthError: if it is a network of another width.
        ValueError: if the file is damaged, a pickle, or a convolution has another shape.
        ImportError: if the package that reads it is missing.
        OSError: if it cannot be read.
    """
    if vgg16_files.kind(path) is not None:
        vgg16_files.check(path, vgg16_files.kernel_shapes(channels))
        return
    backbone = next(iter(_backbones(keras_files.load_model(path), path).values()))
    expected = [filters for filters, _ in channels[0]] + [channels[1]]
    if (received := _widths_of(backbone)) != expected:
        raise OtherWidthError(path, received, expected)


def _load_network(model: keras.Model, path: FilePath) -> Loaded:
    source = keras_files.load_model(path)
    theirs, ours = _backbones(source, path), _backbones(model)
    suffixes = [""] if set(theirs) == set(ours) else list(ours) if set(theirs) == {""} else []
    first = {layer["conv1_1"].name.removesuffix(suffix) for each in (theirs, ours) for suffix, layer in each.items()}
    if not suffixes or len(first) > 1:
        raise ValueError(
            "`path` must hold a network for the same kind of images: one backbone, two (RGB and HHA), or one whose "
            f"first convolution takes depth. Received: {path} with {_firsts(theirs)}, the model has {_firsts(ours)}."
        )
    received, expected = (_widths_of(next(iter(each.values()))) for each in (theirs, ours))
    if received != expected:
        raise OtherWidthError(path, received, expected)
    copied: list[str] = []
    for suffix in suffixes:
        copied += transplant(source, model, suffix=suffix)
    bare = {name.removesuffix(suffix) for name in copied for suffix in suffixes}
    return Loaded(*summary(weighted(model), dict.fromkeys(copied, ()), [n for n in weighted(source) if n not in bare]))


def _widths(channels: Sequence[int]) -> str:
    return f"{'-'.join(map(str, channels[:-1]))} filters, fc6 and fc7 {channels[-1]} wide"


def _widths_of(backbone: Layers) -> list[int]:
    """Return the filters of the five blocks and of fc6; 0 where a layer is missing."""
    return [getattr(backbone.get(name), "filters", 0) for name in _WIDE]


def _firsts(backbones: dict[str, Layers]) -> str:
    return " and ".join(backbone["conv1_1"].name for backbone in backbones.values())


def _backbones(model: keras.Model, called: FilePath = "`model`") -> dict[str, Layers]:
    """Return `{suffix: {VGG16 name: layer}}`; conv1_1 may be that of early fusion."""
    layers, backbones = weighted(model), {}
    if "conv1_1_bgrd" in layers:
        layers["conv1_1"] = layers["conv1_1_bgrd"]
    for suffix in BACKBONES:
        if backbone := {name: layers[name + suffix] for name in LAYERS if name + suffix in layers}:
            backbones[suffix] = backbone
    if not backbones or not all({"conv1_1", "fc6"} <= set(backbone) for backbone in backbones.values()):
        raise ValueError(
            f"{called} must have the layers conv1_1 ... fc7 of VGG16, as `FCN32s`, `FCN16s`, `FCN8s` and `LateFusion` "
            f"build them. Received: {model.name} with {', '.join(list(layers)[:5]) or 'no weights'} ..."
        )
    return backbones


def _shapes(backbone: Layers) -> dict[str, tuple[int, ...]]:
    shapes = {name: tuple(layer.kernel.shape) for name, layer in backbone.items()}
    return shapes | {"conv1_1": (3, 3, 3, shapes["conv1_1"][-1])}  # of colour, whatever else the model takes


def _first(model: keras.Model, layer: keras.Layer, suffix: str, weights: Pair, preprocessing: str | None) -> Pair:
    """Return the first convolution's weights for what the model's `Preprocess` makes of raw pixels."""
    kernel, bias = weights
    if preprocessing == "torch":
        preprocess = next((x for x in model.layers if x.name == "preprocess" + suffix), None)
        if preprocess is None:
            raise ValueError(f'`preprocessing="torch"` needs the layer preprocess{suffix}. Received: {model.name}.')
        # HHA is no colour: its zero stands for the file's mean, as it does with `preprocessing="caffe"`.
        mean = None if preprocess.modality == "hha" else preprocess.mean
        kernel, bias = vgg16_files.fold_torch(kernel, bias, mean)
    if layer.kernel.shape[2] == 4:
        kernel = np.concatenate([kernel, kernel.mean(axis=2, keepdims=True)], axis=2)
    return kernel, bias
