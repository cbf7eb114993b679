"""Draw labels and results: the VOC colour map, overlays, and the figures of a report.

The first part is numpy only. The figures import matplotlib on first use and return a `matplotlib.figure.Figure` that
belongs to no window and to no `pyplot` state: save it with `figure.savefig(path)`, show it in a notebook with
`display(figure)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

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
        titles: of the columns.
        class_names: names by label; those that occur are listed below the grid.
        colors: `(K, 3)` uint8 RGB; default VOC's.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if a row has more or fewer arrays than there are titles.
        ImportError: if matplotlib is missing.

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
        class_names: of the `K` classes; default their numbers.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if `matrix` is not square, or has another number of classes.
        ImportError: if matplotlib is missing.
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
        class_names: of the `K` classes; default their numbers.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if there is not one score a class.
        ImportError: if matplotlib is missing.
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


def trimap_chart(
    widths: Sequence[float], curves: Mapping[str, ArrayLike], *, whole: Mapping[str, float] | None = None
) -> Figure:
    """Draw metrics over the width of the trimap, the band along the true boundaries that they are taken in.

    Args:
        widths: in pixels, on a logarithmic axis.
        curves: by name, a value in 0..1 for each width; None or NaN where there is none.
        whole: by the same names, the values over all pixels, dotted.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if a curve has not a value for each width.

    Reference: Kraehenbuehl and Koltun, NIPS 2011, figure 4.
    """
    figure = _figure((5.2, 4.2))
    axis = figure.subplots()
    for name, values in curves.items():
        percent = 100 * np.asarray(values, float)
        if percent.shape != (len(widths),):
            raise ValueError(f"{name!r} must have a value for each of {len(widths)} widths. Received: {len(percent)}.")
        (line,) = axis.plot(widths, percent, marker="o", markersize=4, label=name)
        if whole is not None:
            axis.axhline(100 * whole[name], color=line.get_color(), linestyle=":", linewidth=1)
    axis.set_xscale("log", base=2)
    axis.set_xticks(widths, [f"{width:g}" for width in widths])
    axis.set_xlabel("width of the trimap, pixels" + (" (dotted: whole image)" if whole is not None else ""))
    axis.set_ylabel("%")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower right")
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
