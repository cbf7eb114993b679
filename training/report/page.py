"""Put the sections of the page together."""

import datetime

import fcn_keras
from fcn_keras_console.environment import command
from fcn_keras_console.words import counted, rough_sentence

from ..pages.html import document, element, links
from ..scoring.split import described
from ..workdir.hardware import machine
from . import section_about, section_images, section_scores, section_training
from .training_run import begun_after


def page(*, title, run, results, scores, colors, pictured, origin, skipped):
    """Write the whole report as HTML.

    Args:
        title: what the run is called.
        run: `Trained` stages, the scored one last.
        results: `summary` by head.
        scores: `SplitScores`.
        colors: of the classes, by head.
        pictured: what `section_images.section` takes besides the colours, or None for no photographs.
        origin: dict of the model, its data and split.
        skipped: lines on files that could not be read.
    """
    shown = [
        section_training.section(run, list(results), begun_after(run)),
        section_about.plan(run),
        section_scores.classes(results, scores.holding, colors),
        section_scores.confusions(results),
        section_scores.boundaries(results),
        section_images.section(*pictured, colors) if pictured else None,
        section_about.sizes(scores.images),
        section_about.timings(run, scores, machine()),
        section_about.made(run, origin, skipped, command()),
    ]
    shown = [section for section in shown if section is not None]
    return document(
        f"{title}: report",
        element("header", _head(title, run, len(scores.images), origin), links(shown)),
        element("main", section_scores.tiles(results), shown),
        element("footer", f"Written by fcn-report, fcn_keras {fcn_keras.__version__}."),
    )


def _head(title, run, images, origin):
    now = datetime.datetime.now().astimezone()
    scored = f"{run[-1].name} on {counted(images, 'image')} of {described(origin)}"
    written = element("time", f"{now:%Y-%m-%d %H:%M %Z}", datetime=now.isoformat(timespec="seconds"))
    said = [rough_sentence(images), *origin.get("data_notes", ())]
    notes = [element("p", note) for note in said if note]
    return [element("h1", title), element("p", scored, "; ", written), notes]
