"""Show the doctor's report to people: a text and a picture."""

import textwrap

import numpy as np

from .findings import NAMED

_WIDTH = 110
_SHEET = 8  # faulty masks drawn
_BARS = 60  # classes named in the picture


def text(report):
    """Lay a report out: the findings, the classes with their weights, the sizes with the buckets."""
    images = ", ".join(f"{split} {number}" for split, number in report.images.items())
    title = f"{report.directory or 'The data set'}: {images} images; {_classes(report)} ({report.classes_from})"
    lines = [title, ""]
    for finding in report.findings:
        lines += _finding(finding)
    if not report.findings:
        lines += ["Nothing is wrong.", ""]
    for head, (names, weights, shares) in _by_head(report).items():
        lines += [*_table(head, names, weights, shares), ""]
    lines += _counted(report)
    lines += _sizes(report)
    return "\n".join(lines)


def verdict(report):
    """Return one line that counts errors and notes."""
    errors = len(report.errors)
    notes = len(report.findings) - errors
    return f"{errors or 'no'} error{'' if errors == 1 else 's'}, {notes or 'no'} note{'' if notes == 1 else 's'}"


def _classes(report):
    counts = report.num_classes if isinstance(report.num_classes, dict) else {"": report.num_classes}
    void = "" if report.ignore_label == 255 else f", void {report.ignore_label} and 255"
    return ", ".join(f"{number} classes {head}".strip() for head, number in counts.items()) + void


def _finding(finding):
    lines = [f"{finding.severity:<5}  {finding.code}"]
    lines += textwrap.wrap(finding.message, _WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 7)
    if finding.files:
        more = f" and {finding.count - NAMED} more" if finding.count > NAMED else ""
        lines += textwrap.wrap(
            ", ".join(finding.files) + more,
            _WIDTH,
            initial_indent=" " * 7,
            subsequent_indent=" " * 7,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines += textwrap.wrap(finding.advice, _WIDTH, initial_indent="    -> ", subsequent_indent=" " * 7)
    return [*lines, ""]


def _by_head(report):
    """Return names, weights and shares by split, of each head."""
    if not isinstance(report.class_names, dict):
        return {"": (report.class_names, report.class_weights, report.class_frequencies)}
    return {
        head: (names, report.class_weights[head], {s: found[head] for s, found in report.class_frequencies.items()})
        for head, names in report.class_names.items()
    }


def _table(head, names, weights, shares):
    left = max(len("class"), *map(len, names))
    title = f"{'class':<{left}}" + "".join(f"  {split[:9]:>9}" for split in shares) + f"  {'weight':>8}"
    lines = [head, title] if head else [title]
    for index, name in enumerate(names):
        cells = "".join(f"  {100 * found[index]:>7.2f} %" for found in shares.values())
        lines.append(f"{name:<{left}}{cells}  {weights[index]:>8.4f}")
    return lines


def _counted(report):
    trained = "train" if "train" in report.images else next(iter(report.images))
    place = "" if trained == "all" else f" of {trained}"
    lines = [
        "Shares of the labelled pixels. The weights, for class_weights, balance by median frequency: median(f) / f,",
        f"f = the pixels of the class / all pixels of the images{place} in which it occurs.",
    ]
    left_out = sum(report.images.values()) - sum(report.counted.values())
    if left_out:
        lines.append(f"Counted without the {left_out} pairs that have errors.")
    return [*lines, ""]


def _sizes(report):
    if not report.sizes:
        return ["No image could be read."]
    shown = ", ".join(f"{height}x{width} ({number})" for height, width, number in report.sizes[:6])
    more = f" and {len(report.sizes) - 6} more sizes" if len(report.sizes) > 6 else ""
    buckets = ", ".join(f"({height}, {width})" for height, width in report.buckets)
    return [
        f"Sizes (height x width): {shown}{more}.",
        f"Buckets that fit: {buckets}; {100 * report.padding:.1f} % of the padded pixels are padding.",
    ]


def picture(examination):
    """Draw the class shares, the sizes with the buckets, and the first faulty masks.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    report, sheet = examination.report, _faulty(examination)
    names = max((len(names) for names, _, _ in _by_head(report).values()), default=1)
    rows = -(-len(sheet) // 4)
    top = max(4.0, 1.2 + 0.24 * min(names, _BARS))
    figure = Figure(figsize=(13, top + 1.9 * rows), layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=(top, 1.9 * rows)) if rows else [figure]
    bars, scatter = parts[0].subplots(1, 2)
    _bars(bars, report)
    _scatter(scatter, report)
    figure.suptitle(f"{report.directory}: {verdict(report)}", fontsize=11)
    if rows:
        for axis, cell in zip(parts[1].subplots(rows, 4, squeeze=False).ravel(), [*sheet, *[None] * 4], strict=False):
            axis.set_axis_off()
            if cell is not None:
                axis.imshow(cell[1], interpolation="nearest")
                axis.set_title(cell[0], fontsize=8)
    return figure


def _bars(axis, report):
    names, _, shares = next(iter(_by_head(report).values()))
    number, height = min(len(names), _BARS), 0.8 / len(shares)
    for place, (split, found) in enumerate(shares.items()):
        axis.barh(np.arange(number) + place * height, 100 * np.array(found[:number]), height, label=split)
    axis.set_yticks(np.arange(number) + 0.4 - height / 2, names[:number], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("% of the labelled pixels")
    axis.set_title("Classes" if number == len(names) else f"The first {number} of {len(names)} classes", fontsize=10)
    axis.legend(fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _scatter(axis, report):
    from matplotlib.patches import Rectangle

    heights, widths, counts = np.array(report.sizes or [(0, 0, 0)]).T
    for height, width in report.buckets:
        axis.add_patch(Rectangle((0, 0), width, height, fill=False, edgecolor="#c44e52"))
        axis.annotate(f"{height}x{width}", (width, height), fontsize=8, color="#c44e52", ha="right", va="bottom")
    axis.scatter(widths, heights, s=12 + 200 * counts / max(1, counts.sum()), alpha=0.6, color="#4878a8")
    axis.set_xlim(0, 1.08 * max([w for _, w in report.buckets], default=1))
    axis.set_ylim(0, 1.12 * max([h for h, _ in report.buckets], default=1))
    axis.set_aspect("equal")
    axis.set_xlabel("width")
    axis.set_ylabel("height")
    axis.set_title(f"Sizes and buckets, {100 * report.padding:.1f} % padding", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _faulty(examination):
    """Draw the first pairs with errors, one of each code before a second of any: `(title, (H, W, 3) uint8)`."""
    ledger, layout = examination.ledger, examination.layout
    codes = {finding.code for finding in examination.report.errors}
    queues = [[(code, index) for index in ledger.having(code)] for code in sorted(codes)]
    turns = [queue[turn] for turn in range(_SHEET) for queue in queues if turn < len(queue)]
    sheet, seen = [], set()
    for code, index in turns:
        if index in seen or len(sheet) == _SHEET:
            continue
        seen.add(index)
        cell = _cell(layout.pairs[index])
        if cell is not None:
            sheet.append((f"{code}\n{layout.pairs[index].key[-40:]}", cell))
    return sheet


def _cell(pair, height=160):
    """Return image and mask of a pair side by side, of one height, white for what cannot be read; None for neither."""
    from PIL import Image

    from fcn_keras.datasets.images import read_image, read_mask
    from fcn_keras.visualize import palette

    panels = []
    for path, read in ((pair.image, read_image), (pair.label, read_mask)):
        try:
            pixels = read(path) if path is not None else None
        except ValueError:
            pixels = None
        if pixels is None:
            panels.append(None)
            continue
        if pixels.ndim == 2:
            pixels = palette()[np.asarray(pixels).astype(np.int64) % 256]
        width = max(1, round(height * pixels.shape[1] / pixels.shape[0]))
        panels.append(np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)))
    shown = [panel for panel in panels if panel is not None]
    white = np.full_like(shown[0], 255) if shown else None
    return np.concatenate([white if panel is None else panel for panel in panels], axis=1) if shown else None
