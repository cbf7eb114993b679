"""Draw labels and results: the VOC colour map, overlays, and the figures of a report.

The first part is numpy only. The figures import matplotlib on first use and return a `matplotlib.figure.Figure` that
belongs to no window and to no `pyplot` state: save it with `figure.savefig(path)`, show it in a notebook with
`display(figure)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

VOID_COLOR = (224, 224, 192)  # VOC's colour of label 255, the rim around objects
_STRIP = 256  # rows mixed at once: a whole image's floats take 24 bytes a pixel, several times over


def palette(num_classes: int = 256) -> NDArray[np.uint8]:
    """Compute the PASCAL VOC colour map.

    Bits 0, 1, 2 of the label go to the highest bit of red, green, blue, bits 3, 4, 5 to the next, and so on.

    Returns:
        `(num_classes, 3)` uint8 RGB.
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

    Returns:
        `(H, W, 3)` uint8 RGB.
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


def comparison(
    rows: Iterable[Iterable[ArrayLike]],
    *,
    titles: Sequence[str] = ("Image", "FCN-32s", "FCN-16s", "FCN-8s", "Ground truth"),
    class_names: Sequence[str] | None = None,
    colors: ArrayLike | None = None,
) -> Figure:
    """Lay out pictures and label maps as the paper's Figure 4 does: one example a row, one network a column.

    Args:
        rows: sequence of rows, each with one array per title: `(H, W, 3)` uint8 is shown, `(H, W)` is painted.
        class_names: names by label; those that occur are listed below the grid.
        colors: `(K, 3)` uint8 RGB; default VOC's.

    Returns:
        `matplotlib.figure.Figure`.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, figure 4.
    """
    grid = [[np.asarray(cell) for cell in row] for row in rows]
    lengths = {len(row) for row in grid}
    if lengths != {len(titles)}:
        raise ValueError(f"Every row must have {len(titles)} arrays, one per title. Received: {sorted(lengths)}.")
    heights = [row[0].shape[0] / row[0].shape[1] for row in grid]
    width, entries = 2.4 * len(titles), _legend(grid, class_names, colors)
    bands = -(-len(entries) // 8)
    figure = _figure((width, 2.4 * sum(heights) + 0.35 + 0.3 * bands))
    axes = figure.subplots(len(grid), len(titles), squeeze=False, height_ratios=heights)
    for line, row in zip(axes, grid, strict=True):
        for axis, cell in zip(line, row, strict=True):
            axis.imshow(cell if cell.ndim == 3 else colorize(cell, colors), interpolation="nearest")
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=12)
    if entries:
        figure.legend(handles=entries, loc="outside lower center", ncols=min(8, len(entries)), frameon=False)
    return figure


def confusion_picture(matrix: ArrayLike, class_names: Sequence[str] | None = None) -> Figure:
    """Draw a confusion matrix, each row divided by its sum: where the pixels of a class went.

    Args:
        matrix: `(K, K)` counts, rows truth, columns prediction. A class without pixels has an empty row.

    Returns:
        `matplotlib.figure.Figure`.
    """
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"`matrix` must be square, (K, K). Received: shape {matrix.shape}.")
    names = _names(class_names, len(matrix))
    total = matrix.sum(axis=1, keepdims=True)
    percent = np.divide(100 * matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)
    side = 2.5 + 0.32 * len(matrix)
    figure = _figure((side + 0.8, side))
    axis = figure.subplots()
    picture = axis.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("truth")
    for (row, column), value in np.ndenumerate(percent):
        if value >= 0.5 and len(matrix) <= 60:  # below, it would print 0
            color = "white" if value > 60 else "black"
            axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(picture, label="% of the true class", shrink=0.8)
    return figure


def iu_chart(per_class_iu: ArrayLike, class_names: Sequence[str] | None = None) -> Figure:
    """Draw the IU of every class as bars, best on top, with their mean (mIoU).

    Args:
        per_class_iu: `(K,)` in 0..1; NaN for a class in neither truth nor prediction, which the mean leaves out.

    Returns:
        `matplotlib.figure.Figure`.
    """
    scores = np.asarray(per_class_iu, float)
    if scores.ndim != 1:
        raise ValueError(f"`per_class_iu` must be (K,), one score a class. Received: shape {scores.shape}.")
    names = _names(class_names, len(scores))
    order = np.argsort(np.nan_to_num(scores, nan=-1), kind="stable")
    figure = _figure((6.4, 1.2 + 0.27 * len(scores)))
    axis = figure.subplots()
    axis.barh(range(len(order)), np.nan_to_num(scores[order]), color="#4878a8")
    axis.set_yticks(range(len(order)), [names[i] for i in order])
    for place, score in enumerate(scores[order]):
        text = "absent" if np.isnan(score) else f"{100 * score:.1f}"
        axis.text(
            np.nan_to_num(score) + 0.01,
            place,
            text,
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    if not np.isnan(scores).all():
        mean = np.nanmean(scores)
        axis.axvline(mean, color="#c44e52", linestyle="--", zorder=0, label=f"mean IU {100 * mean:.1f}")
        axis.legend(loc="lower right")
    axis.set_xlim(0, 1.08)
    axis.set_ylim(-0.6, len(scores) - 0.4)
    axis.set_xlabel("intersection over union")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _legend(
    rows: Sequence[Sequence[NDArray[Any]]], class_names: Sequence[str] | None, colors: ArrayLike | None
) -> list[Patch]:
    """Legend handles of the classes that occur in the label maps."""
    if class_names is None:
        return []
    from matplotlib.patches import Patch

    present = sorted(set().union(*(np.unique(cell).tolist() for row in rows for cell in row if cell.ndim == 2)))
    names = {**dict(enumerate(class_names)), 255: "void"}
    painted = colorize(np.array(present, int), colors) / 255
    return [
        Patch(facecolor=color, edgecolor="gray", label=names.get(label, str(label)))
        for label, color in zip(present, painted, strict=True)
    ]


def _figure(size: tuple[float, float]) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Figures need matplotlib: pip install matplotlib") from error
    return Figure(figsize=size, layout="constrained")


def _names(class_names: Sequence[str] | None, num_classes: int) -> list[str]:
    names = list(map(str, range(num_classes) if class_names is None else class_names))
    if len(names) != num_classes:
        raise ValueError(f"`class_names` must name the {num_classes} classes. Received: {len(names)} names.")
    return names
