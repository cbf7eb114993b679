"""Draw charts as SVG elements that take their colours from the page's style, light or dark."""

import math

from ..pages.html import element
from ..scoring.panels import shortened

WIDTH, HEIGHT = 360, 190
MARKED = 600  # points of a chart that are marked one by one
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 34


def curves(title, lines, stages, *, what):
    """Draw values over the batches of a whole run, stage after stage.

    Args:
        title: of the chart, for those who do not see it as well.
        lines: dict from a line's class in the style (`"training"`, `"raw"`, `"validation"`) to one list of
            `(x, y, hint)` for each stage; the last line is on top.
        stages: `(x, name)`, where each stage ends.
        what: function from a value to the text on its axis.

    Returns:
        An `<svg>` element, or None if there is no point.
    """
    points = [point for stretches in lines.values() for stretch in stretches for point in stretch]
    if not points:
        return None
    to_y, ticks = _scale([y for _, y, _ in points])
    end = max(x for x, _ in stages)

    def place(x, y):
        return LEFT + (WIDTH - LEFT - RIGHT) * x / end, TOP + (HEIGHT - TOP - BOTTOM) * (1 - to_y(y))

    drawn = [_grid(place(0, tick)[1], what(tick)) for tick in ticks]
    for start, (stop, name) in zip([0, *(x for x, _ in stages)], stages, strict=False):
        drawn.append(_stage(place(start, ticks[0])[0], place(stop, ticks[0])[0], stop, name, first=not start))
    radius = 2.4 if len(points) <= 80 else 1
    for kind, stretches in lines.items():
        for stretch in stretches:
            path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y, _ in stretch)
            drawn.append(element("polyline", points=path, class_=kind))
            for x, y, hint in stretch if len(points) <= MARKED else []:
                at = dict(zip(("cx", "cy"), (f"{value:.1f}" for value in place(x, y)), strict=True))
                drawn.append(element("circle", element("title", hint), **at, r=radius, class_=kind))
    return _svg(title, WIDTH, HEIGHT, drawn)


def histogram(title, values, *, marks=()):
    """Draw how often shares occur, in bins of whole percents over the range they are in.

    Args:
        values: from 0 to 1.
        marks: `(value, class in the style, hint)` of values to mark below the axis.
    """
    low, high = math.floor(100 * min(values)), max(math.ceil(100 * max(values)), math.floor(100 * min(values)) + 1)
    step = max(1, round(_step((high - low) / 16)))
    low -= low % step
    counts = [0] * -(-(high - low) // step)
    for value in values:
        counts[min(int((100 * value - low) / step), len(counts) - 1)] += 1
    span, top, end = WIDTH - LEFT - RIGHT, max(counts), low + step * len(counts)
    drawn = [_grid(HEIGHT - BOTTOM, "0"), _grid(TOP, str(top))]
    for number, count in enumerate(counts):
        height, width = (HEIGHT - TOP - BOTTOM) * count / top, span / len(counts)
        hint = f"{count} of {len(values)} images: {low + step * number} to {low + step * (number + 1)} %"
        box = {"x": LEFT + width * number + 1, "y": HEIGHT - BOTTOM - height, "width": width - 2, "height": height}
        shape = {name: f"{value:.1f}" for name, value in box.items()}
        drawn.append(element("rect", element("title", hint), **shape, class_="bar"))
    for place, anchor in ((0, "start"), (len(counts) // 2, "middle"), (len(counts), "end")):
        if place or anchor == "start":
            x = f"{LEFT + span * place / len(counts):.1f}"
            text = f"{low + step * place} %"
            drawn.append(element("text", text, x=x, y=HEIGHT - BOTTOM + 26, text_anchor=anchor))
    for value, kind, hint in marks:
        at = f"{LEFT + span * (100 * value - low) / (end - low):.1f}"
        drawn.append(element("circle", element("title", hint), cx=at, cy=HEIGHT - BOTTOM + 8, r=4, class_=kind))
    return _svg(title, WIDTH, HEIGHT, drawn)


def confusion(title, matrix, names):
    """Draw a confusion matrix, each row divided by its sum: where the pixels of a class went.

    Args:
        matrix: `(C, C)` integers, rows truth, columns prediction.
        names: of the classes.
    """
    count = len(names)
    side = next(size for most, size in ((15, 30), (30, 24), (60, 16), (count, 12)) if count <= most)
    short = [shortened(name, 18) for name in names]
    margin = 14 + 6.6 * max(map(len, short))
    drawn = []
    for row, counts in enumerate(matrix):
        total = sum(counts)
        y = margin + side * row
        drawn.append(element("text", short[row], x=margin - 6, y=y + side / 2 + 4, text_anchor="end"))
        at = f"translate({margin + side * row + side / 2 + 4:.1f} {margin - 6:.1f}) rotate(-90)"
        drawn.append(element("text", short[row], transform=at))
        for column, value in enumerate(counts):
            share = value / total if total else 0
            if share < 0.005 and row != column:
                continue
            drawn += _cell(margin + side * column, y, side, share, f"{names[row]} as {names[column]}", count <= 30)
    end = margin + side * count
    frame = element("rect", x=margin, y=margin, width=side * count, height=side * count, class_="frame")
    made = _svg(title, end + 2, end + 2, [frame, *drawn])
    made.set("style", f"width: {end + 2:.0f}px")  # its text stays as large as the page's
    return made


def _cell(x, y, side, share, pair, numbered):
    hint = element("title", f"{pair}: {100 * share:.1f} %")
    yield element(
        "rect", hint, x=f"{x + 0.5:.1f}", y=f"{y + 0.5:.1f}", width=side - 1, height=side - 1,
        class_="cell", fill_opacity=f"{share:.3f}",
    )  # fmt: skip
    if numbered and share >= 0.005:
        kind = "strong" if share > 0.55 else None
        at = {"x": f"{x + side / 2:.1f}", "y": f"{y + side / 2 + 3.5:.1f}"}
        yield element("text", f"{100 * share:.0f}", **at, text_anchor="middle", class_=kind)


def _scale(values):
    """Return a function from a value to its height, 0..1, and the ticks; logarithmic over more than a decade."""
    low, high = min(values), max(values)
    if low > 1e-30 and high / low > 12:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        step = -(-(last - first) // 5)
        return lambda y: (math.log10(y) - first) / (last - first), [10.0**n for n in range(first, last + 1, step)]
    step = _step((high - low) / 3 or abs(high) / 3 or 1)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    ticks = [n * step for n in range(first, last + 1)]
    return lambda y: (y - ticks[0]) / (ticks[-1] - ticks[0]), ticks


def _step(least):
    """Return the smallest of 1, 2, 5, 10, ... (at any power of ten) that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9))


def _grid(y, text):
    line = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
    return element("g", line, element("text", text, x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))


def _stage(left, right, batches, name, *, first):
    """Name a stage below its stretch, and rule it off from the one before."""
    rule = None
    if not first:
        rule = element("line", x1=f"{left:.1f}", x2=f"{left:.1f}", y1=TOP, y2=HEIGHT - BOTTOM, class_="rule")
    label = number = None
    if right - left > 6 * len(name):
        label = element("text", name, x=f"{(left + right) / 2:.1f}", y=HEIGHT - 6, text_anchor="middle")
    if right - left > 36:
        number = element("text", f"{batches:,}", x=f"{right:.1f}", y=HEIGHT - BOTTOM + 13, text_anchor="end")
    return element("g", rule, label, number)


def _svg(title, width, height, children):
    size = {"viewBox": f"0 0 {width:.0f} {height:.0f}"}
    made = element("svg", element("title", title), children, role="img", xmlns="http://www.w3.org/2000/svg", **size)
    made.set("aria-label", title)
    return made
