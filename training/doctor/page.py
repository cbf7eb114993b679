"""Write the doctor's report as one HTML page, with thumbnails of what was found."""

import datetime

import fcn_keras
from fcn_keras.visualize import background_of
from fcn_keras_console.environment import command
from fcn_keras_console.left_alone import as_line
from fcn_keras_console.words import counted, percent

from ..pages.graphics import heat, image, jpeg, measured, swatch
from ..pages.html import document, element, links, table
from .report import padding, verdict
from .thumbnails import thumbnail_pair

SHOWN = 4  # pairs of a finding that are drawn
_DRAWN = 120  # pairs of all findings, so that the page can be sent around
_NAMED = 200  # further files of a finding that are named
_SIZES = 12


def page(examination, suspects=None):
    """Write a page.

    Args:
        examination: `Examination`, of which the pairs to be shown are read once more.
        suspects: section of what a network contradicts, as `suspects_report.section` makes it.

    Returns:
        HTML that loads nothing.
    """
    report = examination.report
    sections = [
        _findings(examination),
        *([] if suspects is None else [suspects]),
        _classes(report, examination.colors),
        _heat_maps(report, examination.heat),
        _sizes(report),
        _made(report),
    ]
    return document(
        f"{report.directory}: fcn-doctor",
        element("header", _head(report), links(sections)),
        element("main", _tiles(report), sections),
        element("footer", f"Written by fcn-doctor, fcn_keras {fcn_keras.__version__}."),
    )


def _head(report):
    now = datetime.datetime.now().astimezone()
    written = element("time", f"{now:%Y-%m-%d %H:%M %Z}", datetime=now.isoformat(timespec="seconds"))
    images = ", ".join(f"{split} {number:,}" for split, number in report.images.items())
    void = "" if report.ignore_label == 255 else f", void {report.ignore_label} and 255"
    classes = f"{report.num_classes} classes{void} ({report.classes_from})"
    return [element("h1", report.directory), element("p", f"{images} images; {classes}; {verdict(report)}; ", written)]


def _tiles(report):
    errors = len(report.errors)
    tiles = (
        ("errors", errors, "first" if errors else None),
        ("notes", len(report.findings) - errors, None),
        ("images", sum(report.images.values()), None),
        ("classes", report.num_classes, None),
    )
    made = [element("div", element("dt", name), element("dd", f"{n:,}"), class_=kind) for name, n, kind in tiles]
    return element("dl", made, class_="tiles")


def _findings(examination):
    """Show every finding, errors first, with thumbnails of its first pairs and the names of the others."""
    known = examination.findings
    order = sorted(range(len(known.all)), key=lambda place: known.all[place].severity != "error")
    left, drawn = _DRAWN, []
    for place in order:
        finding, files, pairs = known.all[place], known.files[place], known.pairs[place][: min(SHOWN, left)]
        left -= len(pairs)
        drawn.append(_card(examination, finding, files, pairs))
    if not drawn:
        drawn.append(element("p", "Nothing is wrong."))
    painted = _legend(examination) if left < _DRAWN else None
    return element("section", element("h2", "Findings"), painted, drawn, id="findings")


def _legend(examination):
    """List the colours that the masks beside the photographs are painted in."""
    names = examination.report.class_names
    bare = background_of(names) if names else None
    entries = [
        element("li", swatch(color), name)
        for index, (name, color) in enumerate(zip(names, examination.colors, strict=False))
        if index != bare
    ]
    return element("ul", entries, class_="legend", aria_label="the classes' colours")


def _card(examination, finding, files, pairs):
    shown = [_figure(examination, finding.code, index, name) for index, name in zip(pairs, files, strict=False)]
    rest = files[len(pairs) :]
    names = None
    if rest:
        more = f" and {len(rest) - _NAMED:,} more" if len(rest) > _NAMED else ""
        title = f"{counted(len(rest), 'file')} {'besides' if shown else 'named'}"
        listed = element("p", ", ".join(rest[:_NAMED]) + more, class_="soft")
        names = element("details", element("summary", title), listed)
    severity = element("span", finding.severity, class_=f"badge {finding.severity}")
    return element(
        "article",
        element("h3", severity, finding.code),
        element("p", finding.message),
        element("p", finding.advice, class_="soft"),
        element("div", shown, class_="pairs") if shown else None,
        names,
        class_="card",
    )


def _figure(examination, code, index, name):
    pixels = thumbnail_pair(examination, index, rings=code == "mask-frayed")
    if pixels is None:
        return element("figure", element("p", "Cannot be read.", class_="soft"), element("figcaption", name))
    alt = f"{name}: photograph, and the mask painted over it"
    return element("figure", image(jpeg(pixels), pixels.shape, alt), element("figcaption", name))


def _classes(report, colors):
    """Show every class: its colour, its share and its images in every split, and its weight."""
    splits = list(report.class_frequencies)
    heads = ["class"]
    for split in splits:
        heads += [f"{split}: % of pixels", "images"]
    largest = max((share for shares in report.class_frequencies.values() for share in shares), default=0) or 1
    rows = []
    for index, name in enumerate(report.class_names):
        cells = []
        for split in splits:
            share = report.class_frequencies[split][index]
            bar, _ = measured(share / largest, "soft")
            cells += [[bar, element("span", f"{100 * share:.2f}")], f"{report.class_images[split][index]:,}"]
        rows.append([[swatch(colors[index]), name], *cells, f"{report.class_weights[index]:.4f}"])
    caption = "Shares of the labelled pixels, images that hold the class, weight of median frequency balancing"
    left_out = sum(report.images.values()) - sum(report.counted.values())
    note = f"Counted without the {counted(left_out, 'pair')} that have errors." if left_out else None
    return element(
        "section",
        element("h2", "Classes"),
        table([*heads, "weight"], rows, caption=caption, class_="classes"),
        element("p", note, class_="soft") if note else None,
        id="classes",
    )


def _heat_maps(report, maps):
    """Show where in the images each class lies."""
    drawn = []
    for name, shares in zip(report.class_names, maps.shares(report.num_classes), strict=False):
        if not shares.any():
            continue
        most = f"up to {percent(float(shares.max()))} %"
        picture = image(heat(shares), shares.shape, f"where {name} lies: {most}", "small")
        drawn.append(element("figure", picture, element("figcaption", name, element("br"), most)))
    text = (
        f"Of {counted(maps.masks, 'mask')}, stretched to one size: the stronger the colour, the more of them have the "
        "class there. Each map has a scale of its own; below it, the share of the masks at its strongest place."
    )
    return element(
        "section",
        element("h2", "Where classes lie"),
        element("p", text, class_="soft"),
        element("div", drawn, class_="maps"),
        id="maps",
    )


def _sizes(report):
    rows = [(f"{height} x {width}", f"{count:,}") for height, width, count in report.sizes[:_SIZES]]
    if rest := report.sizes[_SIZES:]:
        rows.append((f"{len(rest):,} other sizes", f"{sum(count for *_, count in rest):,}"))
    return element(
        "section",
        element("h2", "Sizes"),
        table(("height x width", "images"), rows, caption="Sizes of the images, in pixels") if rows else None,
        element("p", padding(report) if rows else "No image could be read.", class_="soft"),
        id="sizes",
    )


def _made(report):
    left_alone = as_line(report.left_alone).strip()
    return element(
        "section",
        element("h2", "How it was made"),
        element("p", left_alone) if left_alone else None,
        element("pre", element("code", command())),
        id="made",
    )
