"""Show people which masks a network contradicts: as text, and as a section of the page with pictures."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.datasets.images import read_image
from fcn_keras.visualize import WRONG_COLOR, background_of, overlay
from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import counted

from ..pages.graphics import image, jpeg
from ..pages.html import element, table
from .contradictions import SURE, margins
from .suspects import ask
from .thumbnails import fit, resized

_SAID, _WIDTH = 10, 110  # lines of each table of the text, their characters
_ABOUT = (
    "A score says by how many standard deviations the net contradicts this mask more than the others, for the same "
    "classes. The net may be wrong: look at them. They are no errors, and --fix changes none of them."
)


def text(suspects, names):
    """Lay out what a network says: images, regions, pairs of classes, the first of each.

    Args:
        suspects: `Suspects`.
        names: of the classes.
    """
    notes = [line for note in suspects.notes for line in textwrap.wrap(note, _WIDTH)]
    lines = [_title(suspects), *notes]
    if not suspects.images:
        return "\n".join(map(in_one_line, [*lines, "It surely contradicts none."]))
    lines += [*textwrap.wrap(_ABOUT, _WIDTH), "", "   score  contradicted  mask"]
    for each in suspects.images[:_SAID]:
        lines.append(f"{each.score:>8.1f}  {100 * each.contradicted:>10.2f} %  {each.file}")
    lines += ["", "   score  pixels  region"]
    for each in suspects.regions[:_SAID]:
        lines.append(f"{each.score:>8.1f}  {each.pixels:>6}  {each.file}: {said(each, names)}")
    lines += ["", "  pixels  images  of the class  labelled, and what the net says"]
    for each in suspects.class_pairs[:_SAID]:
        share = f"{100 * each.share:>10.2f} %"
        lines.append(f"{each.pixels:>8}  {each.images:>6}  {share}  {_classes(each, names)}")
    return "\n".join(map(in_one_line, lines))


def _title(suspects):
    left = f"; {counted(suspects.left_out, 'pair')} with errors left out" if suspects.left_out else ""
    return f"Masks that {suspects.model} surely contradicts: {counted(suspects.asked, 'image')} asked about{left}."


def said(region, names):
    """Say what a region is, such as `shape of 'car', to the net 'bus', at 10,20 to 50,60`."""
    top, left, bottom, right = region.box
    whole = "shape of" if region.kind == "shape" else "part of"
    place = f"at {left},{top} to {right},{bottom}"
    return f"{whole} {_classes(region, names)}, {place}"


def _classes(contradicted, names):
    return f"{names[contradicted.labelled]!r}, to the net {names[contradicted.predicted]!r}"


def section(examination, suspects, net):
    """Make the section of the page: every image with a picture, and the tables.

    Args:
        examination: `Examination`.
        suspects: `Suspects`.
        net: as `find_suspects` takes it; it sees the images to be shown once more.
    """
    names = examination.report.class_names
    lines = [element("p", line, class_="soft") for line in (_title(suspects), *suspects.notes, _ABOUT)]
    by_fold = sorted(suspects.images, key=lambda each: net.fold(each.index))  # each net is loaded once
    drawn = {each.index: _card(examination, each, net, names) for each in by_fold}
    cards = [drawn[each.index] for each in suspects.images]
    regions = [(each.file, f"{each.score:.1f}", f"{each.pixels:,}", said(each, names)) for each in suspects.regions]
    pairs = [
        (_classes(p, names), f"{p.pixels:,}", f"{p.images:,}", f"{100 * p.share:.2f}") for p in suspects.class_pairs
    ]
    heads = ("labelled, and what the net says", "pixels", "images", "% of the class")
    return element(
        "section",
        element("h2", "Masks that the net contradicts"),
        lines,
        cards or element("p", "It surely contradicts none."),
        table(("mask", "score", "pixels", "region"), regions, caption="Regions, the surest first") if regions else None,
        table(heads, pairs, caption="Pairs of classes, the largest first") if pairs else None,
        id="suspects",
    )


def _card(examination, suspect, net, names):
    drawn = zip(("photograph", "mask", "net", "contradicted"), panels_of(examination, suspect, net), strict=True)
    panels = [
        element("figure", image(jpeg(pixels), pixels.shape, f"{suspect.file}: {name}"), element("figcaption", name))
        for name, pixels in drawn
    ]
    first = [element("li", said(region, names)) for region in suspect.regions]
    score = f"score {suspect.score:.1f}; {100 * suspect.contradicted:.2f} % of its labelled pixels surely contradicted"
    return element(
        "article",
        element("h3", suspect.file),
        element("p", score, class_="soft"),
        element("div", panels, class_="panels"),
        element("ul", first) if first else None,
        class_="card",
    )


def panels_of(examination, suspect, net):
    """Draw an image: photograph, mask, the network's labels, and what it surely contradicts in red, regions in boxes.

    Returns:
        four `(h, w, 3)` uint8.
    """
    probabilities, ids = ask(examination, net, suspect.index)
    labels, margin = margins(probabilities, ids)
    photograph = read_image(examination.layout.pairs[suspect.index].image)
    size = fit(*photograph.shape[:2])
    small = resized(photograph, size, Image.Resampling.BOX)
    names = examination.report.class_names
    colors = {"colors": examination.colors, "background": background_of(names)}
    painted = [overlay(small, resized(each.astype(np.uint8), size), **colors) for each in (ids, labels)]
    marked = small.copy()
    marked[resized(margin > SURE, size)] = WRONG_COLOR
    picture = Image.fromarray(marked)
    draw = ImageDraw.Draw(picture)
    down, across = size[0] / photograph.shape[0], size[1] / photograph.shape[1]
    for region in suspect.regions:
        top, left, bottom, right = region.box
        draw.rectangle((left * across, top * down, right * across, bottom * down), outline=WRONG_COLOR)
    return [small, *painted, np.asarray(picture)]
