"""The page's part on single images: how they spread, and the best, median and worst with all that is seen of them."""

import numpy as np
from PIL import Image

from fcn_keras.interface import heads_of
from fcn_keras.metrics import scores
from fcn_keras.visualize import background_of
from fcn_keras_console.words import counted, percent

from ..pages.graphics import image as picture_of
from ..pages.graphics import jpeg, swatch
from ..pages.html import element
from ..scoring.images import label_images
from ..scoring.panels import TITLES, panels
from .svg_charts import histogram

WIDTH = 520  # pixels of a panel; wider images are shrunk
SMALL = 160  # narrower ones are enlarged as squares, not smeared
HEADINGS = {"best": "Best", "median": "Around the median", "worst": "Worst"}


def section(model, examples, images, count, colors):
    """Show how mean IU spreads over the images, and some of them, which are labelled once more.

    Args:
        model: the network that was scored.
        examples: the data set that was scored.
        images: `ScoredImage`, all of them.
        count: how many to show of the best, around the median, of the worst.
        colors: of the classes, by head.
    """
    groups, names = choose(images, count), heads_of(examples.class_names)
    chosen = {image.index: image for group in groups.values() for image in group}
    labelled = label_images(model, examples, indices=list(chosen))
    cards = {image.index: _card(chosen[image.index], image, names, colors) for image in labelled}
    drawn = [element("h2", "Images"), _spread(images, groups)]
    for name, group in groups.items():
        if group:
            drawn += [element("h3", heading(name, len(chosen))), [cards[image.index] for image in group]]
    return element("section", drawn, id="images")


def choose(images, count):
    """Choose the images to show, each once: those of the highest mean IU, around the median, of the lowest.

    Args:
        images: `ScoredImage`.
        count: how many of each group; fewer where a split has fewer than three times as many.

    Returns:
        dict by the names in `HEADINGS` of lists, the best first, the lowest last.
    """
    ranked = sorted((image for image in images if image.mean_iu is not None), key=lambda image: -image.mean_iu)
    count = min(count, max(1, len(ranked) // 3))
    best, rest = ranked[:count], ranked[count:]
    worst = rest[max(0, len(rest) - count) :] if count else []
    rest = rest[: len(rest) - len(worst)]
    start = max(0, (len(rest) - count) // 2)
    return dict(zip(HEADINGS, (best, rest[start : start + count], worst), strict=True))


def heading(name, shown):
    """Return what stands above the images of a group, of so many that are shown."""
    return HEADINGS[name] if shown > 1 else "The only one scored"  # which is the best as well as the worst


def _spread(images, groups):
    values = [image.mean_iu for image in images if image.mean_iu is not None]
    if len(values) == 1:
        return None  # its own card tells all
    marks = [
        (image.mean_iu, name, f"{image.name}, {name}: {percent(image.mean_iu)} %")
        for name, group in groups.items()
        for image in group
    ]
    void = len(images) - len(values)
    left = f" {counted(void, 'image')} without a labelled pixel left out." if void else ""
    median = f"Mean IU image by image: median {percent(float(np.median(values)))} %.{left}"
    key = element("p", [element("span", f"{name} shown", class_=name) for name, group in groups.items() if group])
    key.set("class", "key")
    chart = histogram("How many images have which mean IU", values, marks=marks)
    figure = element("figure", element("figcaption", "mean IU of the images"), chart)
    return [element("p", median), key, element("div", figure, class_="curves")]


def _card(scored, labelled, names, colors):
    """Show one image.

    Args:
        scored: `ScoredImage`.
        labelled: its `LabelledImage`.
        names, colors: of the classes, by head.
    """
    height, width = scored.size
    return element(
        "article",
        element("h3", scored.name),
        element("p", f"mean IU {percent(scored.mean_iu)} %, {width} x {height} pixels", class_="soft"),
        [_head(labelled, head, names[head], colors[head]) for head in labelled.truth],
        class_="card",
    )


def _head(labelled, head, names, colors):
    """Show one head's panels and classes of an image."""
    place, matrix = labelled.name, labelled.matrices[head]
    image, truth, labels = shrunk(labelled.example["image"], labelled.truth[head], labelled.labels[head])
    shown = panels(image, truth, labels, background_of(names), colors)
    drawn = []
    for title, pixels in zip(TITLES, shown, strict=True):
        small = "small" if pixels.shape[1] < SMALL else None
        picture = picture_of(jpeg(pixels), pixels.shape, f"{title}, {place}", small)
        drawn.append(element("figure", picture, element("figcaption", title)))
    title = element("p", f"{head}: mean IU {percent(float(scores(matrix)['mean_iu']))} %") if head else None
    return [title, element("div", drawn, class_="panels"), _worst_pair(matrix, names), _legend(matrix, names, colors)]


def _worst_pair(matrix, names):
    """Say what most of the wrong pixels are."""
    wrong = matrix - np.diag(matrix.diagonal())
    if not wrong.any():
        return element("p", "No labelled pixel is wrong.", class_="soft")
    truth, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    share, of_pair = percent(wrong.sum() / matrix.sum()), percent(wrong[truth, predicted] / matrix.sum())
    line = f"{share} % of the labelled pixels are wrong; the most frequent error, {of_pair} %: "
    return element("p", f"{line}{names[truth]} taken for {names[predicted]}.", class_="soft")


def _legend(matrix, names, colors):
    """List the classes of an image, the largest in truth first, with their IU."""
    ius, truth = scores(matrix)["per_class_iu"], matrix.sum(axis=1)
    present = [int(i) for i in np.argsort(-truth, kind="stable") if not np.isnan(ius[i])]
    shown = {i: f"{100 * ius[i]:.0f}" if truth[i] else "not there" for i in present}
    entries = [element("li", swatch(colors[i]), names[i], " ", element("b", shown[i])) for i in present]
    return element("ul", entries, class_="legend", aria_label="classes, and their IU in percent")


def shrunk(image, truth, labels):
    """Shrink an image and its class ids to `WIDTH`; ids are picked, never mixed."""
    height, width = truth.shape
    if width <= WIDTH:
        return image, truth, labels
    lower = max(1, round(height * WIDTH / width))
    small = Image.fromarray(np.asarray(image, np.uint8)).resize((WIDTH, lower), Image.Resampling.LANCZOS)
    picked = np.ix_(_centres(height, lower), _centres(width, WIDTH))
    return np.asarray(small), truth[picked], labels[picked]


def _centres(old, new):
    """Return the places among `old` pixels that the centres of `new` ones fall on."""
    return (2 * np.arange(new) + 1) * old // (2 * new)
