"""Paint labels and errors: the VOC colour map, overlays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

VOID_COLOR = (224, 224, 192)  # VOC's colour of label 255, the rim around objects
WRONG_COLOR = (214, 28, 40)
_STRIP = 256  # rows mixed at once: a whole image's floats take 24 bytes a pixel, several times over


def palette(num_classes: int = 256) -> NDArray[np.uint8]:
    """Compute the PASCAL VOC colour map.

    Bits 0, 1, 2 of the label go to the highest bit of red, green, blue, bits 3, 4, 5 to the next, and so on.

    Args:
        num_classes: 1..256.

    Returns:
        `(num_classes, 3)` uint8 RGB.

    Raises:
        ValueError: if `num_classes` is out of range.

    Example:
        >>> palette(3).tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0]]

    Reference: `VOCcolormap` of the PASCAL VOC development kit.
    """
    if not 1 <= num_classes <= 256:
        raise ValueError(f"`num_classes` must be 1..256, the colours of VOC's map. Received: {num_classes}.")
    labels = np.arange(num_classes)[:, None]
    colors = np.zeros((num_classes, 3), int)
    for level in range(3):
        colors |= (labels >> (3 * level + np.arange(3)) & 1) << (7 - level)
    return colors.astype(np.uint8)


def colorize(labels: ArrayLike, colors: ArrayLike | None = None, *, ignore_label: int = 255) -> NDArray[np.uint8]:
    """Paint labels.

    Args:
        labels: `(H, W)` integers (any shape works).
        colors: `(K, 3)` uint8 RGB, a colour a class; default VOC's 256.
        ignore_label: the label of void, painted as in VOC, light beige.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if `labels` are no integers, or hold one without a colour.

    Example:
        >>> colorize([[0, 1, 255]]).tolist()
        [[[0, 0, 0], [128, 0, 0], [224, 224, 192]]]
    """
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"`labels` must be integers. Received: {labels.dtype}. Take the argmax of scores first.")
    colors = palette() if colors is None else np.asarray(colors, np.uint8)
    void = labels == ignore_label
    wrong = labels[~void & ((labels < 0) | (labels >= len(colors)))]
    if wrong.size:
        raise ValueError(
            f"`labels` may hold 0..{len(colors) - 1}, the rows of `colors`, or {ignore_label} (void). "
            f"Received: {np.unique(wrong)[:5].tolist()}."
        )
    painted = colors[np.where(void, 0, labels)]
    painted[void] = VOID_COLOR
    return painted


def overlay(
    image: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: float = 0.5,
    colors: ArrayLike | None = None,
    background: int | None = 0,
    ignore_label: int = 255,
) -> NDArray[np.uint8]:
    """Paint labels over a photograph.

    Void keeps the photograph: nothing is claimed there.

    Args:
        image: `(H, W, 3)` RGB, 0-255.
        labels: `(H, W)` integers.
        alpha: weight of the colours, 0..1.
        colors: `(K, 3)` uint8 RGB; default VOC's.
        background: the class that also keeps the photograph; None paints every class, for data sets such as CamVid
            whose class 0 is a thing.
        ignore_label: the label of void.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if the sizes differ, `alpha` is out of range, or a label has no colour.
    """
    image, labels = np.asarray(image), np.asarray(labels)
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[:2] != labels.shape:
        raise ValueError(
            f"`image` must be (H, W, 3) and `labels` (H, W) of the same size. "
            f"Received: shapes {image.shape} and {labels.shape}."
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be 0..1. Received: {alpha}.")
    result = np.empty(image.shape, np.uint8)
    for top in range(0, len(image), _STRIP):
        strip = slice(top, top + _STRIP)
        painted = colorize(labels[strip], colors, ignore_label=ignore_label)
        mixed = np.rint((1 - alpha) * image[strip] + alpha * painted)
        bare = labels[strip] == ignore_label
        if background is not None:
            bare |= labels[strip] == background
        result[strip] = np.where(bare[..., None], image[strip], mixed)
    return result


def background_of(class_names: Sequence[str]) -> int | None:
    """Return the class that is not painted: VOC's 0 is what is left over, a class 0 of another name is a thing.

    Args:
        class_names: in the order of their ids.
    """
    return 0 if class_names[0].strip("_").casefold() == "background" else None


def error_map(image: ArrayLike, truth: ArrayLike, labels: ArrayLike, *, ignore_label: int = 255) -> NDArray[np.uint8]:
    """Show where labels are wrong: a grey photograph, wrong pixels red, void hatched.

    Args:
        image: `(H, W, 3)` RGB, 0-255.
        truth: `(H, W)` integers.
        labels: `(H, W)` integers; what they hold where the truth is void does not matter.
        ignore_label: the label of void in `truth`.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: if their heights and widths differ.
    """
    image, truth, labels = np.asarray(image), np.asarray(truth), np.asarray(labels)
    if image.ndim != 3 or image.shape[2] != 3 or not image.shape[:2] == truth.shape == labels.shape:
        raise ValueError(
            f"`image` must be (H, W, 3), `truth` and `labels` (H, W) of the same size. "
            f"Received: shapes {image.shape}, {truth.shape} and {labels.shape}."
        )
    stripe = max(2, min(truth.shape) // 60)
    result = np.empty(image.shape, np.uint8)
    for top in range(0, len(image), _STRIP):
        strip = slice(top, top + _STRIP)
        void = truth[strip] == ignore_label
        wrong = (truth[strip] != labels[strip]) & ~void
        gray = 64 + 0.7 * (image[strip] @ np.array([0.299, 0.587, 0.114]))[..., None]  # light, so that red stands out
        rows, columns = np.indices(void.shape, sparse=True)
        dark = (top + rows + columns) // stripe % 2 == 0
        hatched = np.where(dark, 0.5, 1.0)[..., None] * VOID_COLOR
        painted = np.where(wrong[..., None], 0.25 * gray + 0.75 * np.array(WRONG_COLOR), gray)
        result[strip] = np.rint(np.where(void[..., None], hatched, painted))
    return result
