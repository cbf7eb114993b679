"""The backbone of the networks: VGG16, whose classifier is made of convolutions."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import layers

from fcn_keras.geometry import Grid
from fcn_keras.layers import MatrixConv2D, PadToMultiple

# (filters, convolutions) of the five blocks, and the width of fc6 and fc7. Simonyan and Zisserman, configuration D.
Channels = tuple[tuple[tuple[int, int], ...], int]  # a table like the next
VGG16: Channels = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 4096
STRIDE = 32  # of the last map
CAFFE_PAD = 100  # the released networks' padding of conv1_1, which makes room for fc6 on any image


class Feature(NamedTuple):
    """A feature map and where its pixels sit in the image."""

    tensor: keras.KerasTensor
    grid: Grid


def vgg16(
    image: keras.KerasTensor,
    *,
    padding: str,
    channels: Channels = VGG16,
    fc6_kernel: int = 7,
    dropout: float = 0.5,
    suffix: str = "",
    first: str = "conv1_1",
) -> dict[str, Feature]:
    """Apply VGG16 with fc6 and fc7 as convolutions, 7x7 (`fc6_kernel`) and 1x1.

    Args:
        image: `(B, H, W, C)` preprocessed pixels.
        padding: `"caffe"` pads conv1_1 by 100 and nothing after the last pool, as released; `"same"` pads the image
            to a multiple of 32 at the bottom and right and every convolution to its input's size.
        channels: table like `VGG16`; narrower ones make small nets.
        fc6_kernel: odd side of fc6's kernel.
        dropout: rate after fc6 and fc7.
        suffix: ends every layer name, so that two backbones fit in one model.
        first: name of the first convolution (early fusion renames it).

    Returns:
        dict of `Feature`: `image` (`(B, H, W, C)`), `pool3` (stride 8), `pool4` (16) and `fc7` (32).
    """
    blocks, width = channels
    features = {"image": Feature(image, Grid())}
    x, grid = _pad(image, padding, suffix)
    for block, (filters, convolutions) in enumerate(blocks, 1):
        for i in range(1, convolutions + 1):
            name = first if (block, i) == (1, 1) else f"conv{block}_{i}"
            mode = "valid" if (block, i) == (1, 1) and padding == "caffe" else "same"
            x = _conv(x, filters, 3, mode, name + suffix)
            grid = grid.window(3, pad=1 if mode == "same" else 0)
        # 2x2/2 "same" pooling is Caffe's ceil mode.
        x = layers.MaxPooling2D(2, 2, padding="same", name=f"pool{block}{suffix}")(x)  # (B, H/2**block, ...)
        grid = grid.window(2, 2)
        features[f"pool{block}"] = Feature(x, grid)
    mode = "valid" if padding == "caffe" else "same"
    x = _conv(x, width, fc6_kernel, mode, "fc6" + suffix, MatrixConv2D)  # (B, H/32, W/32, width)
    grid = grid.window(fc6_kernel, pad=0 if mode == "valid" else fc6_kernel // 2)
    x = layers.Dropout(dropout, name="drop6" + suffix)(x)
    x = _conv(x, width, 1, "valid", "fc7" + suffix, MatrixConv2D)
    x = layers.Dropout(dropout, name="drop7" + suffix)(x)
    features["fc7"] = Feature(x, grid)
    return {name: features[name] for name in ("image", "pool3", "pool4", "fc7")}


def _pad(image: keras.KerasTensor, padding: str, suffix: str) -> tuple[keras.KerasTensor, Grid]:
    if padding == "caffe":
        return layers.ZeroPadding2D(CAFFE_PAD, name="pad" + suffix)(image), Grid(start=-CAFFE_PAD)
    return PadToMultiple(STRIDE, name="pad" + suffix)(image), Grid()


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, padding: str, name: str, kind: type[layers.Conv2D] = layers.Conv2D
) -> keras.KerasTensor:
    return kind(filters, kernel, padding=padding, activation="relu", kernel_initializer="he_normal", name=name)(x)
