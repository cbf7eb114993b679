"""FCN-32s, FCN-16s, FCN-8s and the late fusion of two streams: functions that return a `keras.Model`.

Layer names are those of the released Caffe networks, so that a `.caffemodel` imports by name.

Reference: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from fcn_keras.backbone import VGG16, Channels, Feature, vgg16
from fcn_keras.initializers import Bilinear
from fcn_keras.interface import heads_of
from fcn_keras.layers import CHANNELS, CropLike, Preprocess

Backbones = Mapping[str, dict[str, Feature]]  # by the suffix of their layers: one, or the two of late fusion

PADDINGS = ("caffe", "same")
LEARN_UPSAMPLING = ("none", "intermediate", "all")
SKIPS = ("pool4", "pool3")  # in the order they are fused
# (layer, factor) of every upsampling by number of skips; the released networks' names.
UPSAMPLING = (
    (("upscore", 32),),
    (("upscore2", 2), ("upscore16", 16)),
    (("upscore2", 2), ("upscore_pool4", 2), ("upscore8", 8)),
)
# What the pools are multiplied by when all strides learn at once: voc-fcn8s-atonce of the release.
AT_ONCE_SCALE = {"pool4": 1e-2, "pool3": 1e-4}


def FCN32s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
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
    return _single(
        0, num_classes, modality, padding, mean, at_once, learn_upsampling, channels, dropout, name or "fcn32s"
    )


def FCN16s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build FCN-16s: FCN-32s with pool4 fused in, upsampled 16 times. Arguments and result as for `FCN32s`."""
    return _single(
        1, num_classes, modality, padding, mean, at_once, learn_upsampling, channels, dropout, name or "fcn16s"
    )


def FCN8s(
    num_classes: int | Mapping[str, int],
    *,
    modality: str = "rgb",
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
    dropout: float = 0.5,
    name: str | None = None,
) -> keras.Model:
    """Build FCN-8s: FCN-16s with pool3 fused in, upsampled 8 times. Arguments and result as for `FCN32s`."""
    return _single(
        2, num_classes, modality, padding, mean, at_once, learn_upsampling, channels, dropout, name or "fcn8s"
    )


def LateFusion(
    num_classes: int | Mapping[str, int],
    *,
    skips: int = 0,
    padding: str = "same",
    mean: Sequence[float] | None = None,
    at_once: bool = False,
    learn_upsampling: str = "intermediate",
    channels: Channels = VGG16,
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
        padding, at_once, learn_upsampling, channels, dropout, name: as for `FCN32s`.

    Returns:
        `keras.Model` from `{"rgb": (B, H, W, 3), "hha": (B, H, W, 3)}`, both 0-255, to scores as for `FCN32s`.

    Raises:
        ValueError: on an argument outside the values above.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 5 (NYUDv2); nyud-fcn32s-color-hha of the release.
    """
    if skips not in range(len(UPSAMPLING)):
        raise ValueError(f"`skips` is 0, 1 or 2. Received: {skips!r}.")
    _check(num_classes, padding, learn_upsampling)
    inputs, backbones = {}, {}
    for key, suffix, triple in (("rgb", "color", mean), ("hha", "hha", None)):
        inputs[key] = keras.Input((None, None, 3), name=key)
        pixels = Preprocess(key, triple, name="preprocess" + suffix)(inputs[key])
        backbones[suffix] = vgg16(pixels, padding=padding, channels=channels, dropout=dropout, suffix=suffix)
    outputs = _outputs(backbones, skips, num_classes, padding, at_once, learn_upsampling)
    return keras.Model(inputs, outputs, name=name or f"fcn{32 >> skips}s_rgb_hha")


def _single(
    skips: int,
    num_classes: int | Mapping[str, int],
    modality: str,
    padding: str,
    mean: Sequence[float] | None,
    at_once: bool,
    learn_upsampling: str,
    channels: Channels,
    dropout: float,
    name: str,
) -> keras.Model:
    _check(num_classes, padding, learn_upsampling)
    preprocess = Preprocess(modality, mean, name="preprocess")
    image = keras.Input((None, None, CHANNELS[modality]), name="image")
    # Another name where it takes depth: three-channel weights, which are matched by name, must not go in.
    first = "conv1_1_bgrd" if modality == "rgbd" else "conv1_1"
    backbone = vgg16(preprocess(image), padding=padding, channels=channels, dropout=dropout, first=first)
    outputs = _outputs({"": backbone}, skips, num_classes, padding, at_once, learn_upsampling)
    return keras.Model(image, outputs, name=name)


def _check(num_classes: int | Mapping[str, int], padding: str, learn_upsampling: str) -> None:
    """Refuse wrong arguments before the backbone's 134 million weights are drawn."""
    heads = heads_of(num_classes)
    if not heads:
        raise ValueError("`num_classes` as a mapping names at least one head. Received: {}.")
    for classes in heads.values():
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
            raise ValueError(f"`num_classes` is a positive int, or a mapping head -> int. Received: {classes!r}.")
    if padding not in PADDINGS:
        raise ValueError(f"`padding` is one of {PADDINGS}. Received: {padding!r}.")
    if learn_upsampling not in LEARN_UPSAMPLING:
        raise ValueError(f"`learn_upsampling` is one of {LEARN_UPSAMPLING}. Received: {learn_upsampling!r}.")


def _outputs(
    backbones: Backbones,
    skips: int,
    num_classes: int | Mapping[str, int],
    padding: str,
    at_once: bool,
    learn_upsampling: str,
) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
    if at_once:
        for suffix, features in backbones.items():
            for pool in SKIPS[:skips]:
                x, grid = features[pool]
                scaled = layers.Rescaling(AT_ONCE_SCALE[pool], name=f"scale_{pool}{suffix}")(x)
                features[pool] = Feature(scaled, grid)
    if isinstance(num_classes, Mapping):
        return {
            head: _decode(backbones, skips, classes, padding, learn_upsampling, "_" + head)
            for head, classes in num_classes.items()
        }
    return _decode(backbones, skips, num_classes, padding, learn_upsampling, "")


def _decode(
    backbones: Backbones,
    skips: int,
    classes: int,
    padding: str,
    learn_upsampling: str,
    head: str,
) -> keras.KerasTensor:
    """Score the coarsest map, then upsample and add the skips one by one, and crop to the image."""
    *fused, last = UPSAMPLING[skips]
    x = _score(backbones, "fc7", "score_fr", classes, head)
    for (name, factor), pool in zip(fused, SKIPS[:skips], strict=True):
        x = _upsample(x, name + head, factor, padding, learn=learn_upsampling != "none")
        skip = _score(backbones, pool, "score_" + pool, classes, head)
        skip = _crop(skip, x, f"score_{pool}c{head}")
        x = Feature(layers.Add(name=f"fuse_{pool}{head}")([x.tensor, skip.tensor]), x.grid)
    name, factor = last
    x = _upsample(x, name + head, factor, padding, learn=learn_upsampling == "all")
    # float32 under every dtype policy: the loss and argmax read these scores.
    return _crop(x, next(iter(backbones.values()))["image"], "score" + head, dtype="float32").tensor  # (B, H, W, C)


def _score(backbones: Backbones, tap: str, name: str, classes: int, head: str) -> Feature:
    """Score one map by a 1x1 convolution; of two backbones, average the two."""
    scores = [
        layers.Conv2D(classes, 1, kernel_initializer="zeros", name=f"{name}{suffix}{head}")(features[tap].tensor)
        for suffix, features in backbones.items()
    ]
    grid = next(iter(backbones.values()))[tap].grid
    if len(scores) == 1:
        return Feature(scores[0], grid)
    fused = "score_fused" if tap == "fc7" else name
    return Feature(layers.Average(name=fused + head)(scores), grid)


def _upsample(feature: Feature, name: str, factor: int, padding: str, *, learn: bool) -> Feature:
    kernel = 2 * factor
    classes = feature.tensor.shape[-1]
    layer = layers.Conv2DTranspose(
        classes,
        kernel,
        strides=factor,
        padding="valid" if padding == "caffe" else "same",
        use_bias=False,
        kernel_initializer=Bilinear(),
        trainable=learn,
        name=name,
    )
    pad = 0 if padding == "caffe" else (kernel - factor) / 2
    return Feature(layer(feature.tensor), feature.grid.transposed(kernel, factor, pad))  # (B, factor*H, ...)


def _crop(feature: Feature, reference: Feature, name: str, **options: Any) -> Feature:
    offset = feature.grid.offset_to(reference.grid)
    cropped = CropLike(offset, name=name, **options)([feature.tensor, reference.tensor])
    return Feature(cropped, reference.grid)
