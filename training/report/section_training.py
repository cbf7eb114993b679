"""The page's part on training: curves over all stages, and a row for each stage."""

import itertools
import math
import re

from fcn_keras_console.words import counted, percent, some

from ..pages.html import element, sentence, table
from ..scoring.summary import TITLES
from ..workdir.data_changes import sentence as change_sentence
from .svg_charts import curves
from .training_run import columns

NAMED = 8  # epochs before they are only counted
KEY = {"training": "training batches", "validation": "validation images"}
RAW_KEY = {"raw": "validation images, raw weights instead of averaged"}
HINTS = {"training": "training", "raw": "validation of raw weights", "validation": "validation"}


def section(run, heads, begun=()):
    """Show the loss and the four metrics of a run's stages; None if none has a log.

    Args:
        run: `Trained` stages.
        heads: of the last one, in the order to show them.
        begun: names of stages that have nothing to show yet.
    """
    if not any(trained.rows for trained in run):
        return None
    drawn = [_chart("loss", run, lambda trained: columns("loss"), what="{:g}".format)]
    for head in heads:
        for metric, title in TITLES.items():
            title = f"{title}, {head}" if head else title
            drawn.append(_chart(title, run, lambda trained, h=head, m=metric: _columns(trained, h, m), what=_axis))
    kinds = KEY | (RAW_KEY if any(trained.scored_raw for trained in run) else {})
    key = element("p", [element("span", text, class_=kind) for kind, text in kinds.items()], class_="key")
    axes = "One point an epoch; stages one after another, over the batches they were trained on."
    return element(
        "section",
        element("h2", "Training"),
        element("p", axes, class_="soft"),
        key,
        element("div", drawn, class_="curves"),
        [element("p", note, class_="soft") for note in _gaps(run)],
        _stages(run, heads),
        [element("p", note, class_="soft") for note in _kept(run)],
        [element("p", note) for note in _data_changes(run)],
        [element("p", f"{name} has begun, and finished no epoch yet.", class_="soft") for name in begun],
        id="training",
    )


def _data_changes(run):
    """Yield a sentence for each time that a stage went on with other data."""
    for trained in run:
        for change in trained.changes:
            what = change.get("what")
            said = change_sentence(what) if isinstance(what, dict) else "what changed was not written down"
            text = f"{trained.name}: the data changed after batch {change.get('after_batch', '-')}: {said}."
            if isinstance(again := change.get("rescored"), dict):
                score = again.get("mean_iu")
                score = percent(score if isinstance(score, float) else None)
                text += (
                    " Validation scores of before are of other images or masks, and are not compared with those of "
                    f"later: the best net of then has a mean IU of {score} % on the new ones."
                )
            yield text


def _columns(trained, head, metric):
    prefix = trained.prefixes.get(head)
    return {} if prefix is None else columns(f"{prefix}_{metric}")


def _chart(title, run, names, *, what):
    """Draw one quantity of all stages; `names` gives a stage's columns, as the function `columns` does."""
    lines, stages, start = {"training": [], "raw": [], "validation": []}, [], 0
    for trained in run:
        length = trained.batches or 1
        for kind, column in names(trained).items():
            for points in _unbroken(trained.points(column)):
                lines[kind].append(
                    [
                        (start + length * epoch, value, f"{trained.name}, epoch {epoch}, {HINTS[kind]}: {what(value)}")
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


def _kept(run):
    for trained in run:
        if trained.kept:
            yield f"{trained.name}: no epoch was better than {trained.kept}, whose model is kept as its best."


def _shortened(stages):
    """Leave out what the names of several stages begin with, such as `voc_`."""
    words = [name.split("_") for _, name in stages]
    if len(stages) == 1:
        return stages
    alike = sum(1 for _ in itertools.takewhile(lambda each: len(set(each)) == 1, zip(*words, strict=False)))
    shared = min(alike, *(len(each) - 1 for each in words))  # of every name something stays
    return [(end, "_".join(each[shared:])) for (end, _), each in zip(stages, words, strict=True)]


def _axis(value):
    return f"{100 * value:.3g} %"


def _stages(run, shown):
    heads = ["stage", "epochs", "batches", "best epoch"]
    heads += [f"{title}, {head}" if head else title for head in shown for title in TITLES.values()]
    rows = [[*_progress(trained), *_metrics(trained, shown)] for trained in run]
    if any(trained.frozen for trained in run):
        heads += [sentence("stands still"), sentence("trained from")]
        rows = [[*row, *map(sentence, _learning(trained))] for row, trained in zip(rows, run, strict=True)]
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
            value = row.get(_columns(trained, head, metric).get("validation"), math.nan)
            yield percent(value if math.isfinite(value) else None)


def _learning(trained):
    """Return which layers of a stage stood still, and what the others were trained from."""
    still = some(_spans(trained.frozen), NAMED) or "nothing"
    if trained.views is None:
        return still, "images"
    maps = f", kept as maps of {some(trained.kept_maps, NAMED)}" if trained.kept_maps else ", kept as maps"
    return still, f"{counted(trained.views, 'view')} and as many mirror images{maps}"


def _spans(beginnings):
    """List what layers' names begin with, those whose numbers follow one another in one: `conv1 to conv4`."""
    spans = []  # of each: stem, first and last beginning, last number
    for beginning in beginnings:
        stem, digits = re.fullmatch("(.*?)([0-9]{0,9})", beginning, re.DOTALL).groups()
        number = int(digits) if digits else None
        if spans and digits and (spans[-1][0], spans[-1][3]) == (stem, number - 1):
            spans[-1] = stem, spans[-1][1], beginning, number
        else:
            spans.append((stem, beginning, beginning, number))
    return [
        f"all {last}" if number is None else last if first == last else f"{first} to {last}"
        for _, first, last, number in spans
    ]
