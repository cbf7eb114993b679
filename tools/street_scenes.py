"""Draw README's first picture: photographs that a net was not trained on, what it says of them, and the truth.

    fcn-train --data photos --minutes 10 --seed 2
    python -m tools.street_scenes runs/quick_fcn8s docs/street_scenes.jpg 0016E5_07530 0016E5_08430

`photos` are the 200 of CamVid's training scenes that docs/first-hour.md speaks of. The steps, and so the masks, depend
on the machine. The run that is drawn took 11 min 27 s for its ten, since its machine had other work too.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fcn_keras.examples import VOID
from fcn_keras.visualize import overlay

# Near to what is seen, and far from one another; void keeps the photograph.
COLORS = {
    "sky": (112, 184, 255),
    "building": (176, 124, 84),
    "pole": (255, 241, 118),
    "road": (134, 96, 190),
    "pavement": (255, 128, 196),
    "tree": (60, 170, 76),
    "sign": (255, 196, 0),
    "fence": (0, 150, 150),
    "car": (30, 70, 220),
    "pedestrian": (226, 30, 44),
    "cyclist": (255, 120, 20),
}
TITLES = ("photograph", "the net's masks", "truth")
GAP, HEAD, LINE, CHIP, APART = 12, 44, 42, 24, 40  # pixels; the last is between entries of the legend
INK, GROUND, EDGE = (36, 41, 47), (255, 255, 255), (140, 149, 159)
ALPHA = 0.62  # of a colour over the photograph
QUALITY = 82


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the last stage")
    parser.add_argument("picture", type=Path, help="JPEG file to write")
    parser.add_argument("images", nargs="+", help="names of images held out, without the extension")
    arguments = parser.parse_args(argv)
    names, examples = labelled(arguments.run, arguments.images)
    figure(examples, names).save(arguments.picture, quality=QUALITY, subsampling=0, optimize=True)
    return 0


def labelled(run, keys):
    """Return the names of the classes, and of each image held out its photograph, the net's labels and the truth."""
    import fcn_keras as fcn
    from fcn_keras_console.workdir import decisions_beside
    from training.recipes import catalogue
    from training.train.plan import overrides_from
    from training.workdir.stage import Stage
    from training.workdir.trained_model import load_model

    best = Stage(run).best
    decided = decisions_beside(best)
    recipe = catalogue.find(decided["recipe"], overrides_from(decided["overrides"]))
    held_out = recipe.data(Path(decided["data"]), recipe.splits[1])
    if missing := [key for key in keys if key not in held_out.ids]:
        raise ValueError(f"{missing[0]} was not held out of {run}. Choose of {', '.join(held_out.ids)}.")
    model = load_model(best)
    shown = [held_out[held_out.ids.index(key)] for key in keys]
    return held_out.class_names, [(x["image"], fcn.predict(model, x["image"]), x["label"]) for x in shown]


def figure(rows, names):
    """Lay out rows of `(photograph, the net's labels, truth)` of one size; the classes' colours stand below."""
    height, width = rows[0][1].shape
    legend = _legend(_present(rows), names, 3 * width + 2 * GAP)
    bottom = HEAD + len(rows) * (height + GAP)
    drawn = Image.new("RGB", (3 * width + 2 * GAP, bottom + LINE * len(legend)), GROUND)
    pen, font = ImageDraw.Draw(drawn), _font()
    for place, title in enumerate(TITLES):
        pen.text((place * (width + GAP) + width / 2, HEAD / 2), title, INK, font, anchor="mm")
    for row, (photograph, *labels) in enumerate(rows):
        pictures = [photograph, *(painted(photograph, each, names) for each in labels)]
        for place, picture in enumerate(pictures):
            drawn.paste(Image.fromarray(picture), (place * (width + GAP), HEAD + row * (height + GAP)))
    for row, entries in enumerate(legend):
        middle = bottom + LINE * row + LINE // 2
        for left, name in entries:
            box = left, middle - CHIP // 2, left + CHIP, middle + CHIP // 2
            pen.rounded_rectangle(box, 5, COLORS[name], EDGE)
            pen.text((left + CHIP + GAP, middle), name, INK, font, anchor="lm")
    return drawn


def painted(photograph, labels, names):
    """Paint labels over a photograph in the classes' colours; void keeps it."""
    return overlay(photograph, labels, alpha=ALPHA, colors=[COLORS[name] for name in names], background=None)


def _present(rows):
    return sorted({int(value) for _, *labels in rows for each in labels for value in np.unique(each)} - {VOID})


def _legend(present, names, width):
    """Divide the classes into rows as full as each other; return for each row `(left edge, name)`."""
    font = _font()
    lengths = {names[label]: CHIP + GAP + font.getlength(names[label]) for label in present}
    count = -(-int(sum(lengths.values()) + APART * len(lengths)) // width)
    size = -(-len(lengths) // count)
    rows = [list(lengths)[start : start + size] for start in range(0, len(lengths), size)]
    placed = []
    for row in rows:
        left = (width - sum(lengths[name] for name in row) - APART * (len(row) - 1)) / 2
        placed.append([])
        for name in row:
            placed[-1].append((round(left), name))
            left += lengths[name] + APART
    return placed


def _font():
    return ImageFont.load_default(26)


if __name__ == "__main__":
    sys.exit(main())
