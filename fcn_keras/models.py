"""FCN-32s, FCN-16s, FCN-8s and the late fusion of two streams: functions that return a `keras.Model`.

Layer names are those of the released Caffe networks, so that a `.caffemodel` imports by name.

Reference: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from fcn_keras.backbone import VGG16, Channels
from fcn_keras.decoder import Layout, check_classes
from fcn_keras.layers import CHANNELS, Preprocess


def FCN32s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    fc6_kernel: int = 7,
    skip_channels: Sequence[int] | None = None,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build FCN-32s: scores at stride 32, upsampled 32 times in one step.

    Raw pixels in, scores out at the same height and width, for every size from 1x1 up. The weights are fresh
    (He-normal; scoring layers zero; upsampling bilinear): see `load_imagenet` and `load_caffemodel`.

    Args:
        num_classes: an int, or a mapping head -> int, such as `{"sem": 33, "geo": 3}`: heads share one backbone, the
            output is a dict, and their layers end in `_sem`, `_geo`. Void is not counted.
        modality: `"rgb"` takes `(B, H, W, 3)` RGB 0-255; `"hha"` `(B, H, W, 3)` HHA 0-255; `"rgbd"` `(B, H, W, 4)`,
            RGB and depth in millimetres, 0 where unknown (early fusion).
        padding: `"same"`, or `"caffe"` for the released networks' pad of 100 and crops.
        mean: BGR (or HHA) triple to subtract, on the 0-255 scale; `None` is VOC's (NYUDv2's for HHA).
        at_once: multiply the fused pools by fixed 0.01 and 0.0001, to learn all strides in one stage. FCN-32s
            fuses none.
        learn_upsampling: `"intermediate"`, all but the last as in the paper; `"none"`, as in the released
            networks; or `"all"`.
        channels: a table like `fcn_keras.VGG16`; narrower ones make small nets.
        fc6_kernel: odd side of fc6's kernel. 7 is the paper's; 3 has a fifth of the weights and sees 128 pixels less.
        skip_channels: width of a 3x3 convolution with ReLU before pool4's score and before pool3's, such as
            `(128, 64)`; `None`, the paper's, scores the pools as they are. FCN-32s fuses none.
        dropout: rate after fc6 and fc7.
        name: of the model; default `"fcn32s"`.

    Returns:
        `keras.Model` from `image` to `(B, H, W, num_classes)` float32 scores (logits), or a dict of them.

    Raises:
        ValueError: on an argument outside the values above.

    Example:
        >>> narrow = ((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8  # as `fcn_keras.VGG16`, for a small device
        >>> FCN32s(21, channels=narrow).output.shape
        (None, None, None, 21)
        >>> {head: x.shape[-1] for head, x in FCN32s({"sem": 33, "geo": 3}, channels=narrow).output.items()}
        {'sem': 33, 'geo': 3}

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 4.1.
    """
    layout = Layout(0, padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout)
    return _single(layout, num_classes, modality, mean, name or "fcn32s")


def FCN16s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    fc6_kernel: int = 7,
    skip_channels: Sequence[int] | None = None,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build FCN-16s: FCN-32s with pool4 fused in, upsampled 16 times. Arguments and result as for `FCN32s`."""
    layout = Layout(1, padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout)
    return _single(layout, num_classes, modality, mean, name or "fcn16s")


def FCN8s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    fc6_kernel: int = 7,
    skip_channels: Sequence[int] | None = None,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build FCN-8s: FCN-16s with pool3 fused in, upsampled 8 times. Arguments and result as for `FCN32s`."""
    layout = Layout(2, padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout)
    return _single(layout, num_classes, modality, mean, name or "fcn8s")


def LateFusion(
    num_classes: int | Mapping[str, int],
    *,
    skips: int = 0,
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    fc6_kernel: int = 7,
    skip_channels: Sequence[int] | None = None,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build an RGB and an HHA backbone whose scores are averaged before upsampling.

    Its layers end in `color` and `hha` (`conv1_1color`, `score_frhha`); `transplant(net, fused, suffix="color")`
    starts one from a trained net.

    Args:
        num_classes: as for `FCN32s`.
        skips: 0 is FCN-32s RGB-HHA, 1 the paper's FCN-16s RGB-HHA, 2 its FCN-8s.
        mean: BGR triple of the colour backbone; HHA has NYUDv2's.
        padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout, name: as for `FCN32s`.

    Returns:
        `keras.Model` from `{"rgb": (B, H, W, 3), "hha": (B, H, W, 3)}`, both 0-255, to scores as for `FCN32s`.

    Raises:
        ValueError: on an argument outside the values above.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 5 (NYUDv2); nyud-fcn32s-color-hha of the release.
    """
    layout = Layout(skips, padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout)
    check_classes(num_classes)
    inputs, backbones = {}, {}
    for key, suffix, triple in (("rgb", "color", mean), ("hha", "hha", None)):
        inputs[key] = keras.Input((None, None, 3), name=key)
        pixels = Preprocess(key, triple, name="preprocess" + suffix)(inputs[key])
        backbones[suffix] = layout.backbone(pixels, suffix=suffix)
    return keras.Model(inputs, layout.outputs(backbones, num_classes), name=name or f"fcn{32 >> skips}s_rgb_hha")


def _single(
    layout: Layout,
    num_classes: int | Mapping[str, int],
    modality: str,
    mean: Sequence[float] | None,
    name: str,
) -> keras.Model:
    check_classes(num_classes)
    preprocess = Preprocess(modality, mean, name="preprocess")
    image = keras.Input((None, None, CHANNELS[modality]), name="image")
    # Another name where it takes depth: three-channel weights, which are matched by name, must not go in.
    first = "conv1_1_bgrd" if modality == "rgbd" else "conv1_1"
    backbone = layout.backbone(preprocess(image), first=first)
    return keras.Model(image, layout.outputs({"": backbone}, num_classes), name=name)
