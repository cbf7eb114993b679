"""The page's part on what was scored and how it came about: plan, sizes, timings, commands, settings, versions."""

import itertools
from collections import Counter

from fcn_keras_console.environment import versions
from fcn_keras_console.shown_paths import published
from fcn_keras_console.words import counted, duration, rate

from ..pages.html import element, sentence, table

SIZES = 8  # listed before the others are only counted


def plan(run):
    """Show what was planned before the run began, beside the time that it took; None if nothing was planned."""
    plans = _alike((trained.name, trained.plan) for trained in run if trained.plan)
    if not plans:
        return None
    drawn = []
    for names, planned in plans:
        rows = [(what, sentence(_text(text))) for what, text in planned.items()]
        stages = run if len(plans) == 1 else [trained for trained in run if trained.plan == planned]
        if took := _took(stages):
            place = [*planned].index("time") + 1 if "time" in planned else len(rows)
            rows.insert(place, ("it took", sentence(took)))
        caption = "The plan, made before the run began" if len(plans) == 1 else f"The plan of {names}"
        drawn.append(table(("what", sentence("planned")), rows, caption=caption))
    return element("section", element("h2", "Plan"), drawn, id="plan")


def sizes(images):
    """Show the sizes of the images, the most frequent first."""
    counts = Counter(image.size for image in images).most_common()
    rows = [(f"{width} x {height}", f"{count:,}") for (height, width), count in counts[:SIZES]]
    if len(counts) > SIZES:
        rest = counts[SIZES:]
        rows.append((f"{len(rest)} other sizes", f"{sum(count for _, count in rest):,}"))
    heights, widths = zip(*(size for size, _ in counts), strict=True)
    ranges = None
    if len(counts) > 1:
        ranges = f"Widths from {min(widths)} to {max(widths)}, heights from {min(heights)} to {max(heights)} pixels."
    return element(
        "section",
        element("h2", "Sizes"),
        element("p", ranges, class_="soft") if ranges else None,
        table(("width x height", "images"), rows, caption="Sizes of the images, in pixels"),
        id="sizes",
    )


def timings(run, scores, machine):
    """Show how long each stage and the scoring took, and where."""
    rows = []
    for trained in run:
        where = trained.settings.get("machine", "-")
        time, images = duration(trained.seconds("training")), rate(trained.images_per_second())
        rows.append((f"{trained.name}: training", time, images, where))
        rows.append((f"{trained.name}: validation", duration(trained.seconds("validation")), "-", where))
    count = len(scores.images)
    time, images = duration(scores.seconds), rate(count / scores.seconds)
    rows.append((f"this report: {counted(count, 'image')} scored", time, images, machine))
    missing = [trained.name for trained in run if not trained.timings]
    note = f"{', '.join(missing)}: trained by a version that did not write timings." if missing else None
    return element(
        "section",
        element("h2", "Timings"),
        table(("what", "time", "images/s", "machine"), rows, caption="Images/s of training: median over the epochs"),
        element("p", note, class_="soft") if note else None,
        id="timings",
    )


def made(run, origin, skipped, command):
    """Show the exact commands, what was decided, and the versions.

    Args:
        origin: dict of the model, its data and split.
        skipped: lines on files that could not be read.
        command: that made this page.
    """
    facts = [(name, value) for name, value in origin.items() if value is not None]
    drawn = [element("h2", "How it was made"), _facts(facts)]
    for names, line in _alike((trained.name, trained.settings.get("command")) for trained in run):
        drawn += [element("h3", names), _command(str(line or "The command was not written down."))]
    drawn += [_details(f"Settings of {trained.name}", _settings(trained)) for trained in run]
    drawn += [element("h3", "This report"), _command(command)]
    if skipped:
        drawn.append(element("p", f"{counted(len(skipped), 'file')} skipped, which could not be read:"))
        drawn.append(element("ul", [element("li", line) for line in skipped]))
    drawn.append(_versions(run))
    return element("section", drawn, id="made")


def _settings(trained):
    """Return what was decided about a stage's training, without the places of this machine."""
    return published({"settings": trained.recipe, "decisions": trained.decisions})["settings"]


def _took(stages):
    """Write how long each stage took, and all of them; an empty text where nothing tells."""
    known = [trained for trained in stages if trained.took is not None]
    times = [f"{trained.name} {_time(trained.took)}{'' if trained.summary else ' so far'}" for trained in known]
    if len(known) > 1:
        times.append(f"together {_time(sum(trained.took for trained in known))}")
    return ", ".join(times)


def _time(seconds):
    """Write seconds as exactly as a plan does."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _versions(run):
    of_stages = [(trained.name, trained.settings.get("versions")) for trained in run]
    columns = [*_alike(pair for pair in of_stages if isinstance(pair[1], dict)), ("this report", versions())]
    packages = list({package: None for _, column in columns for package in column})
    rows = [(package, *(column.get(package) or "-" for _, column in columns)) for package in packages]
    return table(("version", *(name for name, _ in columns)), rows, caption="Versions that trained and that report")


def _alike(pairs):
    """Join the names of neighbours whose values are the same."""
    grouped = itertools.groupby(pairs, key=lambda pair: pair[1])
    return [(", ".join(name for name, _ in group), value) for value, group in grouped]


def _command(line):
    """Show a command that breaks between its words only, but for long ones such as paths."""
    words = [[element("span", word, class_="word" if len(word) < 30 else None), " "] for word in line.split(" ")]
    return element("pre", element("code", words))


def _details(title, values):
    if not values:
        return None
    return element("details", element("summary", title), _facts(sorted(values.items())))


def _facts(pairs):
    return element("dl", [[element("dt", name), element("dd", _text(value))] for name, value in pairs], class_="facts")


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(x)}" for key, x in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return "none" if value is None else str(value)
