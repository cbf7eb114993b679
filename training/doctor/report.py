"""Show the doctor's report to people: a text and a picture."""

import textwrap

import numpy as np
from PIL import Image

from fcn_keras.datasets.images import read_image, read_mask
from fcn_keras_console.left_alone import as_line
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import some

from .findings import NAMED
from .photographs import LARGE

_WIDTH, _INDENT = 110, " " * 7
_SHEET = 8  # faulty masks drawn
_BARS = 60  # classes named in the picture


def text(report):
    """Lay a report out: the findings, the classes with their weights, the sizes with the buckets."""
    images = ", ".join(f"{split} {number}" for split, number in report.images.items())
    void = "" if report.ignore_label == 255 else f", void {report.ignore_label} and 255"
    classes = f"{report.num_classes} classes{void} ({report.classes_from})"
    lines = [f"{report.directory}: {images} images; {classes}", ""]
    for finding in report.findings:
        lines += _finding(finding)
    if not report.findings:
        lines += ["Nothing is wrong.", ""]
    lines += [*_class_table(report), ""]
    lines += _counted(report)
    lines += _sizes(report)
    return "\n".join(map(in_one_line, lines)) + as_line(report.left_alone)


def verdict(report):
    """Return one line that counts errors and notes."""
    errors = len(report.errors)
    notes = len(report.findings) - errors
    return f"{errors or 'no'} error{'' if errors == 1 else 's'}, {notes or 'no'} note{'' if notes == 1 else 's'}"


def _finding(finding):
    more = f" and {finding.count - NAMED:,} more" if finding.count > NAMED else ""
    return [
        f"{finding.severity:<5}  {finding.code}",
        *_wrapped(finding.message),
        *_wrapped(", ".join(finding.files) + more, broken=False),
        *_wrapped(finding.advice, "    -> "),
        "",
    ]


def _wrapped(text, first=_INDENT, *, broken=True):
    """Fill lines; names of files are not broken."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=_INDENT,
        break_long_words=broken,
        break_on_hyphens=broken,
    )


def _class_table(report):
    width = max(len("class"), *map(len, report.class_names))
    shares = report.class_frequencies
    lines = [f"{'class':<{width}}" + "".join(f"  {split[:9]:>9}" for split in shares) + f"  {'weight':>8}"]
    for index, (name, weight) in enumerate(zip(report.class_names, report.class_weights, strict=True)):
        cells = "".join(f"  {100 * of_split[index]:>7.2f} %" for of_split in shares.values())
        lines.append(f"{name:<{width}}{cells}  {weight:>8.4f}")
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
    shown = some([f"{height}x{width} ({number})" for height, width, number in report.sizes], 6)
    more = " sizes" if len(report.sizes) > 6 else ""
    return [f"Sizes (height x width): {shown}{more}.", padding(report)]


def padding(report):
    """Say to which sizes the images are padded in training, as an option of `fcn-train`, and what that costs."""
    if max(height * width for height, width, _ in report.sizes) > LARGE:
        return (
            f"fcn-train reduces images of more than {LARGE:,} pixels (--most-pixels), and chooses then what sizes to "
            "pad them to."
        )
    buckets = " ".join(f"{height}x{width}" for height, width in report.buckets)
    return (
        f"Sizes to pad them to in training: fcn-train --buckets {buckets}; {100 * report.padding:.1f} % of the padded "
        "pixels are padding."
    )


def picture(examination):
    """Draw the class shares, the sizes with the buckets, and the first faulty masks.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    report, sheet = examination.report, _faulty(examination)
    rows = -(-len(sheet) // 4)
    top = max(4.0, 1.2 + 0.24 * min(report.num_classes, _BARS))
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
    names, shares = report.class_names, report.class_frequencies
    number, height = min(len(names), _BARS), 0.8 / len(shares)
    for place, (split, of_split) in enumerate(shares.items()):
        axis.barh(np.arange(number) + place * height, 100 * np.array(of_split[:number]), height, label=split)
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
    findings, layout = examination.findings, examination.layout
    codes = {finding.code for finding in examination.report.errors}
    queues = [[(code, index) for index in findings.pairs_with(code)] for code in sorted(codes)]
    turns = [queue[turn] for turn in range(_SHEET) for queue in queues if turn < len(queue)]
    sheet, seen = [], set()
    for code, index in turns:
        if index in seen or len(sheet) == _SHEET:
            continue
        seen.add(index)
        cell = _cell(layout.pairs[index], examination.colors)
        if cell is not None:
            sheet.append((f"{code}\n{layout.pairs[index].key[-40:]}", cell))
    return sheet


def _cell(pair, colors, height=160):
    """Return image and mask of a pair side by side, of one height, white for what cannot be read; None for neither."""
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
            pixels = colors[np.asarray(pixels).astype(np.int64) % 256]
        width = max(1, round(height * pixels.shape[1] / pixels.shape[0]))
        panels.append(np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)))
    shown = [panel for panel in panels if panel is not None]
    white = np.full_like(shown[0], 255) if shown else None
    return np.concatenate([white if panel is None else panel for panel in panels], axis=1) if shown else None
