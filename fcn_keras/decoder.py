"""What stands behind the backbone: scores of its maps, fused from coarse to fine, upsampled to the image's size.

Reference: Long, Shelhamer, Darrell, CVPR 2015, sections 3.3 and 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from fcn_keras.backbone import Channels, Feature, vgg16
from fcn_keras.initializers import Bilinear
from fcn_keras.interface import heads_of
from fcn_keras.layers import CropLike

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


@dataclass(frozen=True)
class Layout:
    """What a network is built of but its inputs and its classes.

    Args:
        skips: number of fused pools: 0 is FCN-32s, 1 FCN-16s, 2 FCN-8s.
        padding, at_once, learn_upsampling, channels, fc6_kernel, skip_channels, dropout: as for `FCN32s`.

    Raises:
        ValueError: on an argument out of range, before any weight is drawn.
    """

    skips: int
    padding: str
    at_once: bool
    learn_upsampling: str
    channels: Channels
    fc6_kernel: int
    skip_channels: Sequence[int] | None
    dropout: float

    def __post_init__(self) -> None:
        if self.skips not in range(len(UPSAMPLING)):
            raise ValueError(f"`skips` is 0, 1 or 2. Received: {self.skips!r}.")
        if self.padding not in PADDINGS:
            raise ValueError(f"`padding` is one of {PADDINGS}. Received: {self.padding!r}.")
        if self.learn_upsampling not in LEARN_UPSAMPLING:
            raise ValueError(f"`learn_upsampling` is one of {LEARN_UPSAMPLING}. Received: {self.learn_upsampling!r}.")
        if not _natural(self.fc6_kernel) or self.fc6_kernel % 2 == 0:
            raise ValueError(f"`fc6_kernel` is an odd side, such as 7. Received: {self.fc6_kernel!r}.")
        if self.padding == "caffe" and self.fc6_kernel != 7:
            raise ValueError(f'`padding="caffe"` is made for `fc6_kernel=7`. Received: {self.fc6_kernel}.')
        widths = self.skip_channels
        if widths is not None and not (len(widths) == len(SKIPS) and all(map(_natural, widths))):
            raise ValueError(f"`skip_channels` has a width for each of {', '.join(SKIPS)}. Received: {widths!r}.")

    def backbone(self, pixels: keras.KerasTensor, **names: str) -> dict[str, Feature]:
        """Apply the backbone to preprocessed pixels.

        Args:
            pixels: `(B, H, W, C)`.
            names: `suffix` and `first` of `vgg16`.

        Returns:
            dict of `Feature`, as of `vgg16`.
        """
        options = {"channels": self.channels, "fc6_kernel": self.fc6_kernel, "dropout": self.dropout}
        return vgg16(pixels, padding=self.padding, **options, **names)  # type: ignore[arg-type]

    def outputs(
        self, backbones: Backbones, num_classes: int | Mapping[str, int]
    ) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        """Build everything behind the backbones.

        Args:
            backbones: features of `backbone` by the suffix of its layers; their pools are replaced in place.
            num_classes: an int, or a mapping head -> int.

        Returns:
            the scores at the image's size, `(B, H, W, num_classes)`; of several heads, a dict of them.
        """
        for suffix, features in backbones.items():
            for i, pool in enumerate(SKIPS[: self.skips]):
                features[pool] = self._skip(features[pool], i, pool, suffix)
        if isinstance(num_classes, Mapping):
            return {head: self._decode(backbones, classes, "_" + head) for head, classes in num_classes.items()}
        return self._decode(backbones, num_classes, "")

    def _skip(self, feature: Feature, number: int, pool: str, suffix: str) -> Feature:
        """Apply to a pool what stands before its score: nothing, as in the paper, or scale and convolution."""
        x, grid = feature
        if self.at_once:
            x = layers.Rescaling(AT_ONCE_SCALE[pool], name=f"scale_{pool}{suffix}")(x)
        if self.skip_channels is not None:
            options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
            x = layers.Conv2D(self.skip_channels[number], 3, name=f"skip_{pool}{suffix}", **options)(x)
            grid = grid.window(3, pad=1)
        return Feature(x, grid)

    def _decode(self, backbones: Backbones, classes: int, head: str) -> keras.KerasTensor:
        """Score the coarsest map, then upsample and add the skips one by one, and crop to the image."""
        *fused, last = UPSAMPLING[self.skips]
        x = _score(backbones, "fc7", "score_fr", classes, head)
        for (name, factor), pool in zip(fused, SKIPS[: self.skips], strict=True):
            x = self._upsample(x, name + head, factor, learn=self.learn_upsampling != "none")
            skip = _score(backbones, pool, "score_" + pool, classes, head)
            skip = _crop(skip, x, f"score_{pool}c{head}")
            x = Feature(layers.Add(name=f"fuse_{pool}{head}")([x.tensor, skip.tensor]), x.grid)
        name, factor = last
        x = self._upsample(x, name + head, factor, learn=self.learn_upsampling == "all")
        # float32 under every dtype policy: the loss and argmax read these scores.
        return _crop(x, next(iter(backbones.values()))["image"], "score" + head, dtype="float32").tensor

    def _upsample(self, feature: Feature, name: str, factor: int, *, learn: bool) -> Feature:
        kernel = 2 * factor
        classes = feature.tensor.shape[-1]
        layer = layers.Conv2DTranspose(
            classes,
            kernel,
            strides=factor,
            padding="valid" if self.padding == "caffe" else "same",
            use_bias=False,
            kernel_initializer=Bilinear(),
            trainable=learn,
            name=name,
        )
        pad = 0 if self.padding == "caffe" else (kernel - factor) / 2
        return Feature(layer(feature.tensor), feature.grid.transposed(kernel, factor, pad))  # (B, factor*H, ...)


def check_classes(num_classes: int | Mapping[str, int]) -> None:
    """Refuse a wrong number of classes before the backbone's 134 million weights are drawn.

    Args:
        num_classes: an int, or a mapping head -> int.

    Raises:
        ValueError: if it is neither, or a number is below 1.
    """
    heads = heads_of(num_classes)
    if not heads:
        raise ValueError("`num_classes` as a mapping names at least one head. Received: {}.")
    for classes in heads.values():
        if not _natural(classes):
            raise ValueError(f"`num_classes` is a positive int, or a mapping head -> int. Received: {classes!r}.")


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


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


def _crop(feature: Feature, reference: Feature, name: str, **options: Any) -> Feature:
    offset = feature.grid.offset_to(reference.grid)
    cropped = CropLike(offset, name=name, **options)([feature.tensor, reference.tensor])
    return Feature(cropped, reference.grid)
