"""Show how A and B compare: JSON's types, aligned text, and the sentence at the end."""

from dataclasses import asdict

import numpy as np

from fcn_keras_console.printing import in_one_line
from fcn_keras_console.words import percent

from ..scoring.bootstrap import FEW
from ..scoring.summary import TITLES
from .tally import DIFFERENT, OUTCOMES, differing

_SHOWN = 10  # images in the text


def comparison(metrics, outcomes, image_names, class_names):
    """Turn one head's results into JSON's types.

    Args:
        metrics: what `bootstrap` returns.
        outcomes: `(N, 5)` pixels by image, as `Tally.outcomes`.

    Returns:
        dict: `metrics` and `per_class_iu` by name: `a`, `b`, `difference` (B minus A), `low` and `high` of its 95 %
        interval, `p`, `images`; `pixels`: `counted`, how many `differ`, and who is right; `per_image`: the same of
        every image, first where they differ most; `verdict`, a sentence.
    """
    order = np.argsort(-differing(outcomes) / np.maximum(outcomes.sum(axis=1), 1), kind="stable")
    return {
        "metrics": {name: asdict(value) for name, value in metrics.items() if name != "per_class_iu"},
        "per_class_iu": {name: asdict(value) for name, value in zip(class_names, metrics["per_class_iu"], strict=True)},
        "pixels": _pixels(outcomes.sum(axis=0)),
        "per_image": [{"name": image_names[index], **_pixels(outcomes[index])} for index in order],
        "verdict": verdict(metrics["mean_iu"], outcomes),
    }


def verdict(mean_iu, outcomes):
    """Say in a sentence which of the two is better, or that it may be chance.

    Args:
        mean_iu: `Compared`.
        outcomes: `(N, 5)` pixels by image.
    """
    if not differing(outcomes).any():
        return "A and B give every pixel that counts the same class."
    difference, images = mean_iu.difference, mean_iu.images
    better, worse, size = ("B", "A", difference) if difference >= 0 else ("A", "B", -difference)
    if mean_iu.low is None and not size:
        return "A and B have the same mean IU on this image; one image does not tell chance."
    if mean_iu.low is None:
        return f"{better} is {percent(size)} mean IU above {worse} on this image; one image does not tell chance."
    ends = sorted([mean_iu.low, mean_iu.high] if better == "B" else [-mean_iu.low, -mean_iu.high])
    interval = f"95 % interval {percent(ends[0])} to {percent(ends[1])}, p {p_text(mean_iu.p)}"
    few = f" {images} images are few: the interval is too narrow." if images < FEW else ""
    if ends[0] > 0:
        return f"{better} is better by {percent(size)} mean IU ({interval}).{few}"
    if not size:
        return f"A and B have the same mean IU ({interval}).{few}"
    return f"{better} is {percent(size)} mean IU above {worse}, which may be chance ({interval}).{few}"


def table(result):
    """Lay out a `comparison` as aligned text, in percent."""
    metrics = {title_of(name): value for name, value in result["metrics"].items()}
    left = max(len("metric"), *map(len, result["per_class_iu"]), *map(len, metrics))
    lines = [*_rows("metric", metrics, left), "", *_rows("class, IU", result["per_class_iu"], left, images=True)]
    lines += _rare(result)
    pixels = result["pixels"]
    lines += ["", f"They differ on {_share(pixels, 'differ')} of the pixels that count: {_who(pixels)}."]
    lines.append(
        f"They agree on the rest: {_share(pixels, 'both_right')} right, {_share(pixels, 'both_wrong_alike')} wrong."
    )
    lines += ["", "Images where they differ most:"]
    for image in result["per_image"][:_SHOWN]:
        if image["differ"]:
            lines.append(f"  {in_one_line(image['name'])}: {_share(image, 'differ')}; {_who(image)}")
    if not pixels["differ"]:
        lines[-1] = "There is no image where they differ."
    return "\n".join([*lines, "", result["verdict"]])


def _rows(heading, values, left, *, images=False):
    """Yield the lines of a table of differences.

    Args:
        heading: of the first column.
        values: `Compared` as dicts, by what the first column holds.
        left: width of the first column.
        images: whether the last column tells of how many images a value is.
    """
    last = "  images" if images else ""
    yield f"{heading:<{left}}  {'A':>7}  {'B':>7}  {'B - A':>7}  {'95 % interval':>17}  {'p':>6}{last}"
    for name, value in values.items():
        interval = "-" if value["low"] is None else f"{signed(value['low'])} to {signed(value['high'])}"
        cells = [f"{cell:>7}" for cell in (percent(value["a"]), percent(value["b"]), signed(value["difference"]))]
        count = f"  {value['images']:>6}" if images else ""
        yield "  ".join([f"{name:<{left}}", *cells, f"{interval:>17}", f"{p_text(value['p']):>6}"]) + count


def _rare(result):
    """Warn of classes in few images, unless there are few in all, of which the verdict warns."""
    if result["metrics"]["mean_iu"]["images"] < FEW:
        return []
    names = [name for name, value in result["per_class_iu"].items() if 1 < value["images"] < FEW]
    return [f"In fewer than {FEW} images, so that the interval is too narrow: {', '.join(names)}."] if names else []


def title_of(name):
    """Name a metric as people do."""
    if name.startswith("trimap_"):
        return f"mean IU, trimap {name.split('_')[1]} px"
    return {**TITLES, "boundary_f1": "boundary F1", "boundary_iou": "Boundary IoU"}[name]


def _pixels(counts):
    named = {name: int(count) for name, count in zip(OUTCOMES, counts, strict=True)}
    return {"counted": int(counts.sum()), "differ": int(differing(counts)), **named}


def _who(pixels):
    a, b, neither = (_share(pixels, name) for name in DIFFERENT)
    return f"A is right on {a}, B on {b}, neither on {neither}"


def _share(pixels, name):
    return f"{100 * pixels[name] / max(pixels['counted'], 1):.2f} %"


def signed(value):
    """Write a difference of shares in percent, with its sign."""
    return "-" if value is None else f"{100 * value:+.2f}"


def p_text(p):
    """Write a p, or that there is none."""
    return "-" if p is None else f"{p:.4f}"
