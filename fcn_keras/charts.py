"""Draw results as matplotlib figures: the paper's Figure 4, confusion matrices, IU by class, trimaps.

matplotlib is imported on first use. A figure belongs to no window and to no `pyplot` state: save it with
`figure.savefig(path)`, show it in a notebook with `display(figure)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_keras.visualize import colorize

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch


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
    columns = _columns(entries, width)
    bands = -(-len(entries) // columns)
    figure = _figure((width, 2.4 * sum(heights) + 0.45 + 0.22 * bands))
    axes = figure.subplots(len(grid), len(titles), squeeze=False, height_ratios=heights)
    for line, row in zip(axes, grid, strict=True):
        for axis, cell in zip(line, row, strict=True):
            axis.imshow(cell if cell.ndim == 3 else colorize(cell, colors), interpolation="nearest")
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=12)
    if entries:
        figure.legend(handles=entries, loc="outside lower center", ncols=columns, frameon=False)
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


def iu_chart(
    per_class_iu: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    intervals: Sequence[tuple[float, float] | None] | None = None,
) -> Figure:
    """Draw the IU of every class as bars, best on top, with their mean (mIoU).

    Args:
        per_class_iu: `(K,)` in 0..1; NaN for a class in neither truth nor prediction, which the mean leaves out.
        class_names: of the `K` classes; default their numbers.
        intervals: `(low, high)` of every class in 0..1, drawn as lines; None for a class, or for all, without one.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if there is not one score, or one interval, a class.
        ImportError: if matplotlib is missing.
    """
    scores = np.asarray(per_class_iu, float)
    if scores.ndim != 1:
        raise ValueError(f"`per_class_iu` must be (K,), one score a class. Received: shape {scores.shape}.")
    names = _names(class_names, len(scores))
    intervals = [None] * len(scores) if intervals is None else intervals
    if len(intervals) != len(scores):
        raise ValueError(f"`intervals` are one a class, {len(scores)}. Received: {len(intervals)}.")
    order = np.argsort(np.nan_to_num(scores, nan=-1), kind="stable")
    figure = _figure((6.4, 1.2 + 0.27 * len(scores)))
    axis = figure.subplots()
    axis.barh(range(len(order)), np.nan_to_num(scores[order]), color="#4878a8")
    axis.set_yticks(range(len(order)), [names[i] for i in order])
    for place, (score, ends) in enumerate((scores[i], intervals[i]) for i in order):
        text = "absent" if np.isnan(score) else f"{100 * score:.1f}"
        if ends is not None:
            axis.plot(ends, (place, place), color="black", linewidth=1)
        axis.text(
            max(np.nan_to_num(score), ends[1] if ends is not None else 0) + 0.01,
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
    axis.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20", "40", "60", "80", "100"])  # as the figures beside the bars
    axis.set_xlabel("intersection over union, %")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def reliability_diagram(bins: Mapping[str, ArrayLike], *, title: str = "") -> Figure:
    """Draw how often pixels are right over how sure the network is of them, and how many pixels there are.

    Args:
        bins: of equal width: `pixels`, and `confidence` and `accuracy` in 0..1, None or NaN in an empty bin, as
            `fcn_keras.calibration.CalibrationScores` has them.
        title: above it.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the three are not of one length.
    """
    pixels, confidence, accuracy = (np.asarray(bins[x], float) for x in ("pixels", "confidence", "accuracy"))
    if not pixels.shape == confidence.shape == accuracy.shape or pixels.ndim != 1:
        raise ValueError(
            "`bins` hold pixels, confidence and accuracy of one length. "
            f"Received: {pixels.shape}, {confidence.shape}, {accuracy.shape}."
        )
    figure = _figure((4.6, 5.4))
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    there, width = pixels > 0, 100 / len(pixels)
    edges = np.arange(len(pixels)) * width
    upper.bar(edges[there], 100 * accuracy[there], width, align="edge", color="#4878a8", edgecolor="white")
    upper.plot(100 * confidence[there], 100 * accuracy[there], "o", color="black", markersize=3, label="means of a bin")
    upper.plot([0, 100], [0, 100], color="#c44e52", linestyle="--", label="as sure as right")
    upper.set_ylabel("pixels that are right, %")
    upper.legend(loc="upper left", frameon=False)
    lower.bar(edges, 100 * pixels / max(pixels.sum(), 1), width, align="edge", color="gray", edgecolor="white")
    lower.set_ylabel("pixels, %")
    lower.set_xlabel("confidence, %")
    for axis in (upper, lower):
        axis.set_xlim(0, 100)
        axis.spines[["top", "right"]].set_visible(False)
    upper.set_ylim(0, 100)
    if title:
        figure.suptitle(title)
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
    axis.legend()
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


def _columns(entries: Sequence[Patch], width: float) -> int:
    """Choose how many entries of a legend stand side by side in `width` inches, as many in every row as can be."""
    longest = max((len(str(entry.get_label())) for entry in entries), default=0)
    most = max(1, int(width / (0.08 * longest + 0.7)))
    rows = max(1, -(-len(entries) // most))
    return max(1, -(-len(entries) // rows))


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
