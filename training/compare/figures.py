"""Draw where A and B differ, and by how much."""

import heapq

import numpy as np

from ..scoring.panels import shortened
from .table import title_of
from .tally import DIFFERENT, OUTCOMES, counted, differing

# Told apart by everybody: Okabe and Ito, Color Universal Design, 2008.
COLORS = {"a_right": (0, 114, 178), "b_right": (230, 159, 0), "both_wrong_otherwise": (204, 121, 167)}
TITLES = {"a_right": "A right", "b_right": "B right", "both_wrong_otherwise": "both wrong"}


class LargestDifferences:
    """Keep the images where A and B differ most, `count` of them at a time."""

    def __init__(self, count):
        self.count = count
        self._heap, self._seen = [], 0  # of (share that differs, minus the place in the split, image)

    def add(self, name, photograph, truth, labels, outcome):
        """Keep an image if it differs enough.

        Args:
            name: what people call it.
            photograph: `(H, W, 3)` uint8, or None where there are only label files.
            truth: `(H, W)` class ids.
            labels: A's and B's.
            outcome: what `Tally.add` returned.
        """
        counts = counted(outcome)
        share = differing(counts) / max(counts.sum(), 1)
        if not self.count or not share:
            return
        self._seen += 1
        item = share, -self._seen, (name, photograph, truth, *labels, outcome)
        if len(self._heap) < self.count:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def figures(self, class_names, colors):
        """Yield the names of the images and their figures, first where they differ most."""
        for _, _, (name, *kept) in sorted(self._heap, reverse=True):
            yield name, figure(name, *kept, class_names=class_names, colors=colors)


def figure(name, image, truth, a, b, outcome, *, class_names, colors):
    """Lay out image (where there is one), truth, A's and B's labels, and who is right where they differ."""
    from matplotlib.patches import Patch

    from fcn_keras.charts import comparison

    where = painted(outcome, image)
    cells, titles = [truth, a, b, where], ["Truth", "A", "B", "Where they differ"]
    if image is None:
        titles[0] = shortened(f"Truth of {name}", 24)
    else:
        cells, titles = [image, *cells], [shortened(name, 24), *titles]
    names = [shortened(each, 16) for each in class_names]
    drawn = comparison([cells], titles=titles, class_names=names, colors=colors)
    counts, handles = counted(outcome), []
    for key in DIFFERENT:
        share = 100 * counts[OUTCOMES.index(key)] / max(counts.sum(), 1)
        color = np.array(COLORS[key]) / 255
        handles.append(Patch(facecolor=color, edgecolor="gray", label=f"{TITLES[key]} {share:.1f} %"))
    drawn.set_figheight(drawn.get_figheight() + 0.3)
    drawn.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False)
    return drawn


def painted(outcome, image=None):
    """Paint the pixels where A and B differ, by who is right, over the image in pale grey: `(H, W, 3)` uint8."""
    if image is None:
        ground = np.full((*outcome.shape, 3), 255, np.uint8)
    else:
        grey = image.astype(float).mean(axis=-1, keepdims=True)
        ground = np.repeat(np.rint(160 + 0.35 * grey), 3, axis=-1).astype(np.uint8)
    for name, color in COLORS.items():
        ground[outcome == OUTCOMES.index(name)] = color
    return ground


def differences(result):
    """Draw the difference of every metric and every class's IU, with its interval, as a `matplotlib` figure."""
    from matplotlib.figure import Figure

    rows = {title_of(name): value for name, value in result["metrics"].items()}
    rows.update({f"IU {name}": value for name, value in result["per_class_iu"].items()})
    rows = {name: value for name, value in rows.items() if value["difference"] is not None}
    names = [shortened(name, 36) for name in rows]
    drawn = Figure(figsize=(6.4, 1.2 + 0.27 * len(rows)), layout="constrained")
    axis = drawn.subplots()
    for place, value in enumerate(reversed(rows.values())):
        low, high = (value[end] for end in ("low", "high"))
        middle = 100 * value["difference"]
        sure = low is not None and (low > 0 or high < 0)
        color = np.array(COLORS["b_right" if middle > 0 else "a_right"]) / 255 if sure else "gray"
        if low is not None:
            axis.plot([100 * low, 100 * high], [place, place], color=color, linewidth=2)
        axis.plot(middle, place, "o", color=color, markersize=5)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(rows)), reversed(names))
    axis.set_ylim(-0.6, len(rows) - 0.4)
    legend = "B - A in points, 95 % interval\norange: B better, blue: A better, grey: may be chance"
    drawn.supxlabel(legend, fontsize="medium")  # below the names as well, wherever these leave too little room
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return drawn


def models_beside(result, paths):
    """Draw the mean IU of every model of a `several`, named by its path, with its interval: a `matplotlib` figure."""
    from matplotlib.figure import Figure

    models = {letter: model["mean_iu"] for letter, model in result["models"].items()}
    drawn = Figure(figsize=(6.4, 1.2 + 0.27 * len(models)), layout="constrained")
    axis = drawn.subplots()
    for place, value in enumerate(reversed(models.values())):
        if value["low"] is not None:
            axis.plot([100 * value["low"], 100 * value["high"]], [place, place], color="gray", linewidth=2)
        axis.plot(100 * value["value"], place, "o", color="black", markersize=5)
    names = [f"{letter}  {shortened(str(path), 40)}" for letter, path in zip(models, paths, strict=True)]
    axis.set_yticks(range(len(models)), reversed(names))
    axis.set_ylim(-0.6, len(models) - 0.4)
    drawn.supxlabel("mean IU in percent, 95 % interval of each", fontsize="medium")
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return drawn


def trimaps(result, widths):
    """Draw mean IU of A and B over the width of the trimap."""
    from fcn_keras.charts import trimap_chart

    metrics = result["metrics"]
    curves = {who.upper(): [metrics[f"trimap_{width}_mean_iu"][who] for width in widths] for who in ("a", "b")}
    drawn = trimap_chart(widths, curves, whole={who.upper(): metrics["mean_iu"][who] for who in ("a", "b")})
    drawn.axes[0].set_ylabel("mean IU, %")
    return drawn
