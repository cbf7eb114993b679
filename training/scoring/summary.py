"""Show a confusion matrix to people and programs: JSON's types, a table, a picture."""

import numpy as np

from fcn_keras_console.environment import versions
from fcn_keras_console.words import percent

from .bootstrap import FEW, LEVEL, TIMES, holding, intervals

FOUR = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")
TITLES = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iu": "mean IU",
    "fw_iu": "f.w. IU",
}


def summaries(scores, class_names):
    """Return the `summary` of every head of a split.

    Args:
        scores: `SplitScores`. Its matrices may have further classes, which do not occur.
        class_names: by head.
    """
    results = {}
    for head, matrix in scores.matrices.items():
        names, boundaries = class_names[head], scores.boundaries.get(head)
        sums = np.stack(scores.sums[head])[..., : len(names)]
        sure = interval_summary(sums, () if boundaries is None else boundaries.widths, names)
        results[head] = summary(matrix[: len(names), : len(names)], names, boundaries, sure)
    return results


def summary(matrix, names, boundaries=None, intervals=None):
    """Compute everything that is reported of one confusion matrix.

    Args:
        matrix: `(C, C)` int64 numpy counts, rows truth, columns prediction.
        names: of the classes.
        boundaries: `fcn_keras.BoundaryScores` of the same pixels, or None. It may have further classes, which do not
            occur.
        intervals: what `interval_summary` returns, or None.

    Returns:
        dict of JSON's types: the four metrics 0..1; `mean_iu_present`, the mean over the classes that occur in the
        truth, as the paper's for SIFT Flow; `per_class_iu` and `per_class_accuracy` by name, None where a
        class has no pixel to be scored on; `left_out`, the names of the classes in neither truth nor prediction, which
        no mean counts; `predicted_only`, of those that no label holds and that pull `mean_iu` down; `classes` and
        `matrix`; with `boundaries`, what `boundary_summary` returns under that name, and so with `intervals`.
    """
    from fcn_keras.metrics import scores

    metrics = scores(matrix)
    truth, hits, used = matrix.sum(axis=1), matrix.diagonal(), matrix.any(axis=1) | matrix.any(axis=0)
    present = [float(iu) for iu, total in zip(metrics["per_class_iu"], truth, strict=True) if total]
    return {
        **{name: float(metrics[name]) for name in FOUR},
        "mean_iu_present": sum(present) / len(present) if present else None,
        "per_class_iu": _named(names, metrics["per_class_iu"]),
        "per_class_accuracy": {
            name: float(hit / total) if total else None for name, hit, total in zip(names, hits, truth, strict=True)
        },
        "left_out": [name for name, seen in zip(names, used, strict=True) if not seen],
        "predicted_only": [name for name, seen, total in zip(names, used, truth, strict=True) if seen and not total],
        "classes": list(names),
        "matrix": matrix.tolist(),
        **({} if boundaries is None else {"boundaries": boundary_summary(boundaries, names)}),
        **({} if intervals is None else {"intervals": intervals}),
    }


def interval_summary(sums, widths, names):
    """Tell how sure the metrics of a split are, by a bootstrap over its images.

    Args:
        sums: `(N, R, C)`, as `image_sums.sums_of` has them of each image.
        widths: of the trimaps in them.
        names: of the classes.

    Returns:
        dict of JSON's types: `level`, `resamplings`, `images` with a labelled pixel; `to_halve`, of how many images the
        intervals would be half as wide; `low` and `high` of every metric by name, None where fewer than two images
        tell; `per_class_iu`, the same by class.
    """
    found, (images, _) = intervals(sums, widths), holding(sums)
    ious = found.pop("per_class_iu")
    return {
        "level": LEVEL,
        "resamplings": TIMES,
        "images": images,
        "to_halve": 4 * images,
        **{name: _ends(ends) for name, ends in found.items()},
        "per_class_iu": {name: _ends(ends) for name, ends in zip(names, ious, strict=True)},
    }


def _ends(ends):
    return None if ends is None else {"low": ends[0], "high": ends[1]}


def boundary_summary(boundaries, names):
    """Turn the result of a `fcn_keras.BoundaryScores` into JSON's types.

    Returns:
        dict: `trimap`, by width in pixels the number of `pixels`, the four metrics and `per_class_iu`; `boundary_f1`,
        `per_class_boundary_f1`; `tolerance`, the share of an image's diagonal; `boundary_iou`,
        `per_class_boundary_iou`, `band` alike. None stands where nothing was to be scored.
    """
    metrics = boundaries.result()
    return {
        "trimap": {
            str(width): {
                "pixels": values["pixels"],
                **{name: _or_none(values[name]) for name in FOUR},
                "per_class_iu": _named(names, values["per_class_iu"]),
            }
            for width, values in metrics["trimap"].items()
        },
        "tolerance": boundaries.tolerance,
        "boundary_f1": _or_none(metrics["boundary_f1"]),
        "per_class_boundary_f1": _named(names, metrics["per_class_boundary_f1"]),
        "band": boundaries.band,
        "boundary_iou": _or_none(metrics["boundary_iou"]),
        "per_class_boundary_iou": _named(names, metrics["per_class_boundary_iou"]),
    }


def _named(names, values):
    return {name: _or_none(value) for name, value in zip(names, values[: len(names)], strict=True)}


def _or_none(value):
    return None if value != value else float(value)


def as_report(origin, results):
    """Join where results come from, the versions they were computed with, and the results: JSON's types.

    Args:
        origin: dict.
        results: by head; those of an only head, `""`, stand beside the origin.
    """
    return {**origin, "versions": versions(), **results.get("", {"heads": results})}


def by_head(title, texts):
    """Join a title and the texts of the heads, each below its head's name; the only head of most models is `""`."""
    return "\n\n".join([title, *(f"{head}\n{text}" if head else text for head, text in texts.items())])


def table(result):
    """Lay out a `summary` as aligned text, in percent as in the paper.

    `pixels` is the class's share of the labelled pixels, `accuracy` the share of them that is right.
    """
    names, boundaries, sure = result["classes"], result.get("boundaries"), _told(result)
    left = max(len("class"), *map(len, names), *map(len, TITLES.values()))
    lines = [*_class_lines(result, left), ""]
    for name, title in TITLES.items():
        ends = f"  {span(sure[name]):>14}" if sure else ""
        lines.append(f"{title:<{left}}  {percent(result[name]):>7}{ends}")
    if boundaries:
        lines += _boundary_lines(boundaries, sure, sum(map(sum, result["matrix"])), left)
    if sure:
        lines += ["", interval_sentence(sure)]
    absent, invented = result["left_out"], result["predicted_only"]
    if absent:
        lines += ["", f"Left out of the means, in neither truth nor prediction: {', '.join(absent)}."]
    if invented:
        count, present = len(names) - len(absent) - len(invented), percent(result["mean_iu_present"])
        lines += ["", f"Predicted but in no label, so IU 0 counts in mean IU: {', '.join(invented)}."]
        lines += [
            f"Mean IU over {'the class' if count == 1 else f'the {count} classes'} that the labels hold: {present}."
        ]
    return "\n".join(lines)


def interval_sentence(sure):
    """Say what an `interval_summary` of two and more images tells, and what would halve its intervals."""
    what = f"95 % intervals, for the choice of these {sure['images']} images"
    if sure["images"] < FEW:
        return f"{what}, so few that they are too narrow."
    return f"{what}; {sure['to_halve']} would halve them."


def span(ends):
    """Write the ends of an interval in percent, or that there is none."""
    return "-" if ends is None else f"{percent(ends['low'])} to {percent(ends['high'])}"


def _told(result):
    """Return the intervals of a `summary`, or None of one image, which tells none."""
    sure = result.get("intervals")
    return sure if sure and sure["images"] > 1 else None


def _class_lines(result, left):
    boundaries, sure = result.get("boundaries"), _told(result)
    heads = (f"  {'95 % interval':>14}" if sure else "") + ("  boundary F1  Boundary IoU" if boundaries else "")
    yield f"{'class':<{left}}  {'pixels':>7}  {'accuracy':>8}  {'IU':>7}{heads}"
    truth = [sum(row) for row in result["matrix"]]
    for name, pixels in zip(result["classes"], truth, strict=True):
        accuracy, iu = result["per_class_accuracy"][name], result["per_class_iu"][name]
        line = f"{name:<{left}}  {100 * pixels / sum(truth):>7.2f}  {percent(accuracy):>8}  {percent(iu):>7}"
        if sure:
            line += f"  {span(sure['per_class_iu'][name]):>14}"
        if boundaries:
            f1, near = (boundaries[f"per_class_boundary_{x}"][name] for x in ("f1", "iou"))
            line += f"  {percent(f1):>11}  {percent(near):>12}"
        yield line + ("  left out" if iu is None else "")


def _boundary_lines(boundaries, sure, total, left):
    """Lay out boundary F1, Boundary IoU, and the metrics in each trimap; `total` counts the labelled pixels."""
    lines = []
    for name, title in (("boundary_f1", "boundary F1"), ("boundary_iou", "Boundary IoU")):
        ends = f"  {span(sure[name]):>14}" if sure else ""
        lines.append(f"{title:<{left}}  {percent(boundaries[name]):>7}{ends}")
    lines += ["", f"{'trimap':<{left}}  {'pixels':>7}  {'accuracy':>8}  mean IU"]
    for width, values in boundaries["trimap"].items():
        share = f"{100 * values['pixels'] / total:.2f}"
        accuracy, iu = percent(values["pixel_accuracy"]), percent(values["mean_iu"])
        ends = f"  {span(sure[f'trimap_{width}_mean_iu']):>14}" if sure else ""
        lines.append(f"{width + ' px':<{left}}  {share:>7}  {accuracy:>8}  {iu:>7}{ends}")
    without = [name for name, f1 in boundaries["per_class_boundary_f1"].items() if f1 is None]
    if without:
        lines += ["", f"Left out of boundary F1, no boundary in truth or prediction: {', '.join(without)}."]
    return lines


def picture(result):
    """Draw a `summary`: where each class's pixels went, the IU of each class, and mean IU by trimap if it was scored.

    Returns:
        `PIL.Image`, the figures side by side.
    """
    from PIL import Image

    from fcn_keras.charts import confusion_picture, iu_chart

    from .panels import pixels_of_figure

    names = result["classes"]
    ius = [float("nan") if iu is None else iu for iu in result["per_class_iu"].values()]
    panels = [
        pixels_of_figure(confusion_picture(np.array(result["matrix"]), names)),
        pixels_of_figure(iu_chart(ius, names, intervals=_pairs(result))),
    ]
    if result.get("boundaries"):
        panels.append(pixels_of_figure(_trimaps(result)))
    height = max(len(panel) for panel in panels)
    panels = [np.pad(x, ((0, height - len(x)), (0, 0), (0, 0)), constant_values=255) for x in panels]
    return Image.fromarray(np.concatenate(panels, axis=1))


def _pairs(result):
    sure = result.get("intervals")
    return sure and [ends and (ends["low"], ends["high"]) for ends in sure["per_class_iu"].values()]


def _trimaps(result):
    from fcn_keras.charts import trimap_chart

    trimap, f1 = result["boundaries"]["trimap"], result["boundaries"]["boundary_f1"]
    named = {"mean IU": "mean_iu", "pixel accuracy": "pixel_accuracy"}
    curves = {title: [values[name] for values in trimap.values()] for title, name in named.items()}
    whole = {title: result[name] for title, name in named.items()}
    figure = trimap_chart([float(width) for width in trimap], curves, whole=whole)
    figure.suptitle(f"boundary F1 {percent(f1)}")
    return figure
