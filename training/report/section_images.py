"""The page's part on single images: how they spread, and the best, median and worst with all that is seen of them."""

import base64
import io

import numpy as np
from PIL import Image

import fcn_keras as fcn
from fcn_keras.confusion import confusion
from fcn_keras.interface import heads_of, modality_of, pixels_of
from fcn_keras.metrics import scores
from fcn_keras.visualize import background_of, palette
from fcn_keras_console.words import counted, percent

from ..scoring.panels import TITLES, panels
from ..scoring.survey import GROUPS
from .html import element
from .section_scores import swatch
from .svg_charts import histogram

WIDTH = 520  # pixels of a panel; wider images are shrunk
SMALL = 160  # narrower ones are enlarged as squares, not smeared
QUALITY = 82  # of JPEG
HEADINGS = {"best": "Best", "median": "Around the median", "worst": "Worst"}


def section(model, examples, groups, images):
    """Show how mean IU spreads over the images, and the chosen ones, which are labelled once more.

    Args:
        model: the network that was scored.
        examples: the data set that was scored.
        groups: the chosen ones, as `choose` returns them.
        images: `Scored`, all of them.
    """
    drawn = [element("h2", "Images"), _spread(images, groups)]
    for group in GROUPS:
        if groups[group]:
            drawn.append(element("h3", HEADINGS[group]))
            drawn += [_card(model, examples, image) for image in groups[group]]
    return element("section", drawn, id="images")


def _spread(images, groups):
    values = [image.mean_iu for image in images if image.mean_iu is not None]
    if len(values) == 1:
        return None  # its own card tells all
    marks = [
        (image.mean_iu, group, f"{image.name}, {group}: {percent(image.mean_iu)} %")
        for group in GROUPS
        for image in groups[group]
    ]
    void = len(images) - len(values)
    left = f" {counted(void, 'image')} without a labelled pixel left out." if void else ""
    told = f"Mean IU image by image: median {percent(float(np.median(values)))} %.{left}"
    key = element("p", [element("span", f"{group} shown", class_=group) for group in GROUPS if groups[group]])
    key.set("class", "key")
    chart = histogram("How many images have which mean IU", values, marks=marks)
    figure = element("figure", element("figcaption", "mean IU of the images"), chart)
    return [element("p", told), key, element("div", figure, class_="curves")]


def _card(model, examples, image):
    example = examples[image.index]
    truth = heads_of(example["label"])
    labels = heads_of(fcn.predict(model, pixels_of(example, modality_of(model))))
    names = heads_of(examples.class_names)
    height, width = image.size
    parts = [_head(image.name, head, example["image"], truth[head], labels[head], names[head]) for head in truth]
    return element(
        "article",
        element("h3", image.name),
        element("p", f"mean IU {percent(image.mean_iu)} %, {width} x {height} pixels", class_="soft"),
        parts,
        class_="card",
    )


def _head(place, head, image, truth, labels, names):
    """Show one head's panels and classes of an image."""
    matrix = confusion(truth, labels, len(names), place)
    image, truth, labels = shrunk(image, truth, labels)
    shown = panels(image, truth, labels, background_of(names))
    drawn = []
    for title, pixels in zip(TITLES, shown, strict=True):
        picture = element("img", src=jpeg(pixels), alt=f"{title}, {place}", width=pixels.shape[1])
        picture.set("height", str(pixels.shape[0]))
        if pixels.shape[1] < SMALL:
            picture.set("class", "small")
        drawn.append(element("figure", picture, element("figcaption", title)))
    title = element("p", f"{head}: mean IU {percent(float(scores(matrix)['mean_iu']))} %") if head else None
    return [title, element("div", drawn, class_="panels"), _worst_pair(matrix, names), _legend(matrix, names)]


def _worst_pair(matrix, names):
    """Say what most of the wrong pixels are."""
    wrong = matrix - np.diag(matrix.diagonal())
    if not wrong.any():
        return element("p", "No labelled pixel is wrong.", class_="soft")
    truth, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    share, pair = wrong.sum() / matrix.sum(), wrong[truth, predicted] / matrix.sum()
    told = f"{percent(share)} % of the labelled pixels are wrong; the most frequent error, {percent(pair)} %: "
    return element("p", f"{told}{names[truth]} taken for {names[predicted]}.", class_="soft")


def _legend(matrix, names):
    """List the classes of an image, the largest in truth first, with their IU."""
    ius, truth = scores(matrix)["per_class_iu"], matrix.sum(axis=1)
    present = [int(i) for i in np.argsort(-truth, kind="stable") if not np.isnan(ius[i])]
    colors = palette(len(names))
    told = {i: f"{100 * ius[i]:.0f}" if truth[i] else "not there" for i in present}
    entries = [element("li", swatch(colors[i]), names[i], " ", element("b", told[i])) for i in present]
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


def jpeg(pixels):
    """Write `(H, W, 3)` uint8 as a data URI."""
    file = io.BytesIO()
    # Colour is not subsampled: it would bleed over the borders of classes.
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
