"""Show a confusion matrix to people and programs: JSON, a table, a picture."""

import json
import re

FOUR = ("pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu")
TITLES = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iu": "mean IU",
    "fw_iu": "f.w. IU",
}


def summary(matrix, names):
    """Compute everything that is reported of one confusion matrix.

    Args:
        matrix: `(C, C)` int64 numpy counts, rows truth, columns prediction.
        names: of the classes.

    Returns:
        dict of JSON's types: the four metrics 0..1; `mean_iu_present`, the mean over the classes that occur in the
        truth, as the paper's for SIFT Flow; `per_class_iu` and `per_class_accuracy` by name, None where a
        class has no pixel to be scored on; `left_out`, the names of the classes in neither truth nor prediction, which
        no mean counts; `predicted_only`, of those that no label holds and that pull `mean_iu` down; `classes` and
        `matrix`.
    """
    from fcn_keras.metrics import scores

    metrics = scores(matrix)
    truth, hits, used = matrix.sum(axis=1), matrix.diagonal(), matrix.any(axis=1) | matrix.any(axis=0)
    present = [float(iu) for iu, total in zip(metrics["per_class_iu"], truth, strict=True) if total]
    return {
        **{name: float(metrics[name]) for name in FOUR},
        "mean_iu_present": sum(present) / len(present) if present else None,
        "per_class_iu": {
            name: None if iu != iu else float(iu) for name, iu in zip(names, metrics["per_class_iu"], strict=True)
        },
        "per_class_accuracy": {
            name: float(hit / total) if total else None for name, hit, total in zip(names, hits, truth, strict=True)
        },
        "left_out": [name for name, seen in zip(names, used, strict=True) if not seen],
        "predicted_only": [name for name, seen, total in zip(names, used, truth, strict=True) if seen and not total],
        "classes": list(names),
        "matrix": matrix.tolist(),
    }


def to_json(report):
    """Return indented JSON with every row of numbers on one line."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d,\s]+\]", lambda row: " ".join(row[0].split()).replace("[ ", "[").replace(" ]", "]"), text)


def table(result):
    """Lay out a `summary` as aligned text, in percent as in the paper.

    `pixels` is the class's share of the labelled pixels, `accuracy` the share of them that is right.
    """
    names = result["classes"]
    truth = [sum(row) for row in result["matrix"]]
    left = max(len("class"), *map(len, names), *map(len, TITLES.values()))
    lines = [f"{'class':<{left}}  {'pixels':>7}  {'accuracy':>8}  {'IU':>7}"]
    for name, pixels in zip(names, truth, strict=True):
        accuracy, iu = result["per_class_accuracy"][name], result["per_class_iu"][name]
        mark = "  left out" if iu is None else ""
        share = f"{100 * pixels / sum(truth):.2f}"
        lines.append(f"{name:<{left}}  {share:>7}  {_percent(accuracy):>8}  {_percent(iu):>7}{mark}")
    lines.append("")
    lines += [f"{title:<{left}}  {_percent(result[name]):>7}" for name, title in TITLES.items()]
    absent, invented = result["left_out"], result["predicted_only"]
    if absent:
        lines += ["", f"Left out of the means, in neither truth nor prediction: {', '.join(absent)}."]
    if invented:
        count, present = len(names) - len(absent) - len(invented), _percent(result["mean_iu_present"])
        lines += ["", f"Predicted but in no label, so IU 0 counts in mean IU: {', '.join(invented)}."]
        lines += [f"Mean IU over the {count} classes that the labels hold: {present}."]
    return "\n".join(lines)


def picture(result):
    """Draw a `summary`: where each class's pixels went, and the IU of each class.

    Returns:
        `PIL.Image`, the two figures side by side.
    """
    import numpy as np
    from PIL import Image

    from fcn_keras.visualize import confusion_picture, iu_chart

    names = result["classes"]
    ius = [float("nan") if iu is None else iu for iu in result["per_class_iu"].values()]
    panels = [
        _pixels(confusion_picture(np.array(result["matrix"]), names)),
        _pixels(iu_chart(ius, names)),
    ]
    height = max(len(panel) for panel in panels)
    panels = [np.pad(x, ((0, height - len(x)), (0, 0), (0, 0)), constant_values=255) for x in panels]
    return Image.fromarray(np.concatenate(panels, axis=1))


def _pixels(figure):
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(120)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def _percent(value):
    return "-" if value is None else f"{100 * value:.2f}"
