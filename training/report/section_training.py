"""The page's part on training: curves over all stages, and a row for each stage."""

import math

from fcn_keras_console.words import percent, some

from ..scoring.summary import TITLES
from .html import element, table
from .svg_charts import curves
from .training_run import columns

NAMED = 8  # epochs before they are only counted
KEY = (("training", "training batches"), ("validation", "validation images"))


def section(run, heads, begun=()):
    """Show the loss and the four metrics of a run's stages; None if none has a log.

    Args:
        run: `Trained` stages.
        heads: of the last one, in the order to show them.
        begun: names of stages that have nothing to show yet.
    """
    if not any(trained.rows for trained in run):
        return None
    drawn = [_chart("loss", run, lambda trained: ("loss", "val_loss"), what="{:g}".format)]
    for head in heads:
        for metric, title in TITLES.items():
            title = f"{title}, {head}" if head else title
            drawn.append(_chart(title, run, lambda trained, h=head, m=metric: _columns(trained, h, m), what=_axis))
    key = element("p", [element("span", text, class_=kind) for kind, text in KEY], class_="key")
    axes = "One point an epoch; stages one after another, over the batches they were trained on."
    return element(
        "section",
        element("h2", "Training"),
        element("p", axes, class_="soft"),
        key,
        element("div", drawn, class_="curves"),
        [element("p", note, class_="soft") for note in _gaps(run)],
        _stages(run, heads),
        [element("p", f"{name} has begun, and finished no epoch yet.", class_="soft") for name in begun],
        id="training",
    )


def _columns(trained, head, metric):
    prefix = trained.prefixes.get(head)
    return None if prefix is None else columns(prefix)[metric]


def _chart(title, run, names, *, what):
    """Draw one quantity of all stages; `names` gives a stage's columns of training and validation."""
    lines, stages, start = {"training": [], "validation": []}, [], 0
    for trained in run:
        length = trained.batches or 1
        for kind, column in zip(lines, names(trained) or (None, None), strict=True):
            for points in _unbroken(trained.points(column) if column else []):
                lines[kind].append(
                    [
                        (start + length * epoch, value, f"{trained.name}, epoch {epoch}, {kind}: {what(value)}")
                        for epoch, value in points
                    ]
                )
        start += length * len(trained.rows)
        if trained.rows:
            stages.append((start, trained.name))
    chart = curves(f"{title} by batches", lines, _shortened(stages), what=what)
    return chart and element("figure", element("figcaption", title), chart)


def _unbroken(points):
    """Part points where an epoch has none: a line across would show what was not measured."""
    parts = []
    for epoch, value in points:
        if not parts or parts[-1][-1][0] != epoch - 1:
            parts.append([])
        parts[-1].append((epoch, value))
    return parts


def _gaps(run):
    for trained in run:
        if missing := trained.without_loss:
            epochs = f"epoch{'' if len(missing) == 1 else 's'} {some(missing, NAMED)}"
            yield f"{trained.name}: in {epochs} the loss is no number that can be drawn."


def _shortened(stages):
    """Leave out what the names of several stages begin with, such as `voc_`."""
    names = [name for _, name in stages]
    start = names[0].rpartition("_")[0] + "_"
    if len(names) > 1 and all(name.startswith(start) and name != start for name in names):
        return [(end, name.removeprefix(start)) for end, name in stages]
    return stages


def _axis(value):
    return f"{100 * value:.3g} %"


def _stages(run, shown):
    heads = ["stage", "epochs", "batches", "best epoch"]
    heads += [f"{title}, {head}" if head else title for head in shown for title in TITLES.values()]
    rows = [[*_progress(trained), *_metrics(trained, shown)] for trained in run]
    caption = "The stages: validation metrics of the best epoch, in percent, over the images that training validates on"
    return table(heads, rows, caption=caption)


def _progress(trained):
    done, planned = len(trained.rows), trained.epochs
    epochs = f"{done} of {planned}" if planned and planned != done else str(done)
    batches = f"{done * trained.batches:,}" if trained.batches else "-"
    return trained.name, epochs, batches, "-" if trained.best is None else trained.best + 1


def _metrics(trained, heads):
    row = trained.rows[trained.best] if trained.best is not None else {}
    for head in heads:
        for metric in TITLES:
            value = row.get((_columns(trained, head, metric) or ("", ""))[1], math.nan)
            yield percent(value if math.isfinite(value) else None)
