"""Show a confusion matrix to people and programs: JSON's types, a table, a picture."""

from fcn_keras_console.environment import versions
from fcn_keras_console.words import percent

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
        names = class_names[head]
        results[head] = summary(matrix[: len(names), : len(names)], names, scores.boundaries.get(head))
    return results


def summary(matrix, names, boundaries=None):
    """Compute everything that is reported of one confusion matrix.

    Args:
        matrix: `(C, C)` int64 numpy counts, rows truth, columns prediction.
        names: of the classes.
        boundaries: `fcn_keras.BoundaryScores` of the same pixels, or None. It may have further classes, which do not
            occur.

    Returns:
        dict of JSON's types: the four metrics 0..1; `mean_iu_present`, the mean over the classes that occur in the
        truth, as the paper's for SIFT Flow; `per_class_iu` and `per_class_accuracy` by name, None where a
        class has no pixel to be scored on; `left_out`, the names of the classes in neither truth nor prediction, which
        no mean counts; `predicted_only`, of those that no label holds and that pull `mean_iu` down; `classes` and
        `matrix`; with `boundaries`, what `boundary_summary` returns under that name.
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
    }


def boundary_summary(boundaries, names):
    """Turn the result of a `fcn_keras.BoundaryScores` into JSON's types.

    Returns:
        dict: `trimap`, by width in pixels the number of `pixels`, the four metrics and `per_class_iu`; `boundary_f1`,
        `per_class_boundary_f1`; `tolerance`, the share of an image's diagonal. None stands where nothing was to be
        scored.
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
    names, boundaries = result["classes"], result.get("boundaries")
    truth = [sum(row) for row in result["matrix"]]
    left = max(len("class"), *map(len, names), *map(len, TITLES.values()))
    lines = [f"{'class':<{left}}  {'pixels':>7}  {'accuracy':>8}  {'IU':>7}" + "  boundary F1" * bool(boundaries)]
    for name, pixels in zip(names, truth, strict=True):
        accuracy, iu = result["per_class_accuracy"][name], result["per_class_iu"][name]
        mark = "  left out" if iu is None else ""
        share = f"{100 * pixels / sum(truth):.2f}"
        f1 = f"  {percent(boundaries['per_class_boundary_f1'][name]):>11}" if boundaries else ""
        lines.append(f"{name:<{left}}  {share:>7}  {percent(accuracy):>8}  {percent(iu):>7}{f1}{mark}")
    lines.append("")
    lines += [f"{title:<{left}}  {percent(result[name]):>7}" for name, title in TITLES.items()]
    if boundaries:
        lines += _boundary_lines(boundaries, sum(truth), left)
    absent, invented = result["left_out"], result["predicted_only"]
    if absent:
        lines += ["", f"Left out of the means, in neither truth nor prediction: {', '.join(absent)}."]
    if invented:
        count, present = len(names) - len(absent) - len(invented), percent(result["mean_iu_present"])
        lines += ["", f"Predicted but in no label, so IU 0 counts in mean IU: {', '.join(invented)}."]
        lines += [f"Mean IU over the {count} classes that the labels hold: {present}."]
    return "\n".join(lines)


def _boundary_lines(boundaries, total, left):
    """Lay out boundary F1, and the metrics in each trimap; `total` is the number of labelled pixels."""
    lines = [f"{'boundary F1':<{left}}  {percent(boundaries['boundary_f1']):>7}", ""]
    lines.append(f"{'trimap':<{left}}  {'pixels':>7}  {'accuracy':>8}  mean IU")
    for width, values in boundaries["trimap"].items():
        share = f"{100 * values['pixels'] / total:.2f}"
        accuracy, iu = percent(values["pixel_accuracy"]), percent(values["mean_iu"])
        lines.append(f"{width + ' px':<{left}}  {share:>7}  {accuracy:>8}  {iu:>7}")
    without = [name for name, f1 in boundaries["per_class_boundary_f1"].items() if f1 is None]
    if without:
        lines += ["", f"Left out of boundary F1, no boundary in truth or prediction: {', '.join(without)}."]
    return lines


def picture(result):
    """Draw a `summary`: where each class's pixels went, the IU of each class, and mean IU by trimap if it was scored.

    Returns:
        `PIL.Image`, the figures side by side.
    """
    import numpy as np
    from PIL import Image

    from fcn_keras.charts import confusion_picture, iu_chart

    from .panels import pixels_of_figure

    names = result["classes"]
    ius = [float("nan") if iu is None else iu for iu in result["per_class_iu"].values()]
    panels = [
        pixels_of_figure(confusion_picture(np.array(result["matrix"]), names)),
        pixels_of_figure(iu_chart(ius, names)),
    ]
    if result.get("boundaries"):
        panels.append(pixels_of_figure(_trimaps(result)))
    height = max(len(panel) for panel in panels)
    panels = [np.pad(x, ((0, height - len(x)), (0, 0), (0, 0)), constant_values=255) for x in panels]
    return Image.fromarray(np.concatenate(panels, axis=1))


def _trimaps(result):
    from fcn_keras.charts import trimap_chart

    trimap, f1 = result["boundaries"]["trimap"], result["boundaries"]["boundary_f1"]
    named = {"mean IU": "mean_iu", "pixel accuracy": "pixel_accuracy"}
    curves = {title: [values[name] for values in trimap.values()] for title, name in named.items()}
    whole = {title: result[name] for title, name in named.items()}
    figure = trimap_chart([float(width) for width in trimap], curves, whole=whole)
    figure.suptitle(f"boundary F1 {percent(f1)}")
    return figure
