"""FCN-AlexNet, the paper's smallest network.

Reference: Long, Shelhamer, Darrell, CVPR 2015, Table 1; voc-fcn-alexnet of the release. The classifier is Caffe's own
CaffeNet: pooling comes before normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fcn_keras.geometry import Grid
from fcn_keras.initializers import Bilinear
from fcn_keras.layers import CeilMaxPooling2D, CropLike, Preprocess, local_response_normalization

# Filters of conv1 to conv5 (those of conv2, conv4 and conv5 in two groups), and the width of fc6 and fc7.
ALEXNET = (96, 256, 384, 384, 256), 4096
# Kernel, stride and groups of conv1 to conv5.
CONVOLUTIONS = ((11, 4, 1), (5, 1, 2), (3, 1, 1), (3, 1, 2), (3, 1, 2))
POOLED = {1, 2, 5}  # convolutions that 3x3/2 pooling follows
NORMALIZED = {1, 2}  # ... and normalisation
CAFFE_PAD = 100  # of conv1: room for fc6 on any image
FACTOR = 32  # of the upsampling; its kernel is odd, 63
LEARN_UPSAMPLING = ("none", "intermediate", "all")


def FCNAlexNet(
    num_classes: int,
    *,
    mean: Sequence[float] | None = None,
    channels: tuple[tuple[int, ...], int] = ALEXNET,
    dropout: float = 0.5,
    learn_upsampling: str = "intermediate",
    name: str = "fcn_alexnet",
) -> keras.Model:
    """Build FCN-AlexNet: scores at stride 32 of five convolutions and fc6, upsampled 32 times by a 63x63 kernel.

    Raw RGB pixels in, scores out at the same height and width, for every size from 1x1 up, padded and cropped as
    released. The weights are fresh (He-normal; scoring zero; upsampling bilinear): see `load_caffemodel`.

    Args:
        num_classes: an int; void is not counted.
        mean: BGR triple to subtract, on the 0-255 scale; `None` is VOC's.
        channels: a table like `ALEXNET`; narrower ones make small nets. Filters are even: groups halve them.
        dropout: rate after fc6 and fc7.
        learn_upsampling: `"all"`, or `"none"` as released; `"intermediate"`, the paper's, is the same here: the only
            upsampling is the last.
        name: of the model.

    Returns:
        `keras.Model` from `image`, `(B, H, W, 3)` RGB 0-255, to `(B, H, W, num_classes)` float32 scores (logits).

    Raises:
        ValueError: on an argument outside the values above.
    """
    _check(num_classes, channels, learn_upsampling)
    filters, width = channels
    image = keras.Input((None, None, 3), name="image")
    pixels = Preprocess("rgb", mean, name="preprocess")(image)
    x, grid = layers.ZeroPadding2D(CAFFE_PAD, name="pad")(pixels), Grid(start=-CAFFE_PAD)
    for i, (count, (kernel, stride, groups)) in enumerate(zip(filters, CONVOLUTIONS, strict=True), 1):
        mode = "valid" if i == 1 else "same"
        x = _conv(x, count, kernel, mode, f"conv{i}", strides=stride, groups=groups)
        grid = grid.window(kernel, stride, pad=(kernel - 1) / 2 if mode == "same" else 0)
        if i in POOLED:
            x, grid = CeilMaxPooling2D(3, 2, name=f"pool{i}")(x), grid.window(3, 2)
        if i in NORMALIZED:
            x = layers.Activation(local_response_normalization, name=f"norm{i}")(x)
    x, grid = _conv(x, width, 6, "valid", "fc6"), grid.window(6)  # (B, H/32, W/32, width)
    x = layers.Dropout(dropout, name="drop6")(x)
    x = layers.Dropout(dropout, name="drop7")(_conv(x, width, 1, "valid", "fc7"))
    x = layers.Conv2D(num_classes, 1, kernel_initializer="zeros", name="score_fr")(x)
    kernel = 2 * FACTOR - 1
    x = layers.Conv2DTranspose(
        num_classes,
        kernel,
        FACTOR,
        use_bias=False,
        kernel_initializer=Bilinear(),
        trainable=learn_upsampling == "all",
        name="upscore",
    )(x)
    offset = grid.transposed(kernel, FACTOR).offset_to(Grid())
    # float32 under every dtype policy: the loss and argmax read these scores.
    return keras.Model(image, CropLike(offset, name="score", dtype="float32")([x, pixels]), name=name)


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, padding: str, name: str, **options: Any
) -> keras.KerasTensor:
    return layers.Conv2D(
        filters, kernel, padding=padding, activation="relu", kernel_initializer="he_normal", name=name, **options
    )(x)


def _check(num_classes: int, channels: tuple[tuple[int, ...], int], learn_upsampling: str) -> None:
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
        raise ValueError(f"`num_classes` is a positive int. Received: {num_classes!r}.")
    if learn_upsampling not in LEARN_UPSAMPLING:
        raise ValueError(f"`learn_upsampling` is one of {LEARN_UPSAMPLING}. Received: {learn_upsampling!r}.")
    filters = channels[0]
    if len(filters) != len(CONVOLUTIONS) or any(count % 2 for count in filters):
        raise ValueError(f"`channels` gives conv1 to conv5 even numbers of filters. Received: {channels}.")
