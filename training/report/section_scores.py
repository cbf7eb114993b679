"""The page's part on the scores: the four metrics, every class, where the pixels went."""

from fcn_keras_console.words import counted, percent, some

from ..pages.graphics import measured, swatch
from ..pages.html import element, table
from ..scoring.summary import TITLES, interval_sentence, span
from .svg_charts import confusion

CONFUSIONS = 10  # listed beside the matrix
NEAR = {"boundary_f1": "boundary F1", "boundary_iou": "Boundary IoU"}


def tiles(results):
    """Show the metrics of each head and their intervals, mean IU first.

    Args:
        results: `summary` by head.
    """
    titles = {"mean_iu": TITLES["mean_iu"], **TITLES, **NEAR}
    drawn = []
    for head, result in results.items():
        values = {**result, **{name: result["boundaries"][name] for name in NEAR}}
        boxes = [
            element(
                "div",
                element("dt", title),
                element("dd", _with_unit(values[metric]), data_metric=metric),
                element("dd", span(ends), class_="soft") if (ends := result["intervals"][metric]) else None,
                class_="first" if metric == "mean_iu" else None,
            )
            for metric, title in titles.items()
        ]
        drawn += [element("h3", head) if head else None, element("dl", boxes, class_="tiles", data_head=head)]
        drawn.append(element("p", _in_words(result)))
        if result["intervals"]["images"] > 1:
            drawn.append(element("p", interval_sentence(result["intervals"]), class_="soft"))
    return drawn


def classes(results, holding, colors):
    """Show accuracy, IU and balance of every class.

    Args:
        holding: by head, the images whose truth holds each class.
        colors: of the classes, by head.
    """

    def draw(head, result):
        return _class_table(head, result, holding[head], colors[head]), [
            element("p", x, class_="soft") for x in _notes(result)
        ]

    return _section("Classes", "classes", results, draw)


def boundaries(results):
    """Show the metrics in bands along the true boundaries, and boundary F1."""
    return _section("Boundaries", "boundaries", results, _bands)


def confusions(results):
    """Show where the pixels of every class went."""
    return _section("Confusion", "confusion", results, _matrix)


def _section(title, id, results, draw):
    """Make a section of what `draw(head, result)` returns for every head."""
    parts = [(element("h3", head) if head else None, draw(head, result)) for head, result in results.items()]
    return element("section", element("h2", title), parts, id=id)


def _of(head):
    return f" of {head}" if head else ""


def _bands(head, result):
    metrics, total = result["boundaries"], sum(map(sum, result["matrix"]))
    bands = {f"{width} px": (band["pixels"] / total, band) for width, band in metrics["trimap"].items()}
    bands["everywhere"] = 1, result
    rows = [
        [closer, percent(share), percent(band["pixel_accuracy"]), percent(band["mean_iu"])]
        for closer, (share, band) in bands.items()
    ]
    heads, title = ("closer than", "pixels", "pixel accuracy", "mean IU"), f"Pixels near the true boundaries{_of(head)}"
    f1, near = _with_unit(metrics["boundary_f1"]), 100 * metrics["tolerance"]
    iou, wide = _with_unit(metrics["boundary_iou"]), 100 * metrics["band"]
    text = f"Boundary F1 {f1}, within {near:g} % of an image's diagonal. Boundary IoU {iou}, in bands of {wide:g} %."
    note = element("p", text)
    return table(heads, rows, caption=f"{title}, in percent"), note


def _matrix(head, result):
    names, matrix = result["classes"], result["matrix"]
    title = f"Confusion matrix{_of(head)}: where the pixels of each class went"
    picture = element(
        "div",
        confusion(title, matrix, names),
        element("p", "Rows: truth. Columns: prediction. Percent of the row.", class_="soft"),
        class_="wide drawn",
        tabindex="0",
        role="region",
        aria_label=title,
    )
    return element("div", picture, _most_confused(names, matrix), class_="matrix")


def _with_unit(share):
    return "-" if share is None else f"{percent(share)} %"


def _in_words(result):
    """Name the best and the worst classes in a sentence."""
    known = {name: iu for name, iu in result["per_class_iu"].items() if iu is not None}
    best, worst = ([name for name in known if known[name] == iu] for iu in (max(known.values()), min(known.values())))
    if best == worst:
        return f"IU {percent(known[best[0]])} %: {some(best, 8)}."
    return (
        f"Found best: {some(best, 8)}, IU {percent(known[best[0]])} %. "
        f"Found worst: {some(worst, 8)}, IU {percent(known[worst[0]])} %."
    )


def _class_table(head, result, holding, colors):
    truth = [sum(row) for row in result["matrix"]]
    predicted = [sum(column) for column in zip(*result["matrix"], strict=True)]
    total, rows = sum(truth), []
    for index, name in enumerate(result["classes"]):
        iu, accuracy = result["per_class_iu"][name], result["per_class_accuracy"][name]
        rows.append(
            [
                [swatch(colors[index]), name],
                measured(iu),
                span(result["intervals"]["per_class_iu"][name]),
                percent(accuracy),
                *(percent(result["boundaries"][f"per_class_{near}"][name]) for near in NEAR),
                measured(truth[index] / total, "soft"),
                percent(predicted[index] / total),
                f"{holding[index]:,}",
            ]
        )
    title = f"Every class{_of(head)}, in percent; class balance over the labelled pixels"
    heads = ("class", "IU", "95 % interval", "accuracy", *NEAR.values(), "pixels", "predicted", "images")
    return table(heads, rows, caption=title, class_="classes")


def _notes(result):
    if result["left_out"]:
        yield f"Left out of the means, in neither truth nor prediction: {', '.join(result['left_out'])}."
    if result["predicted_only"]:
        yield (
            f"Predicted but in no label, so IU 0 counts in mean IU: {', '.join(result['predicted_only'])}. "
            f"Mean IU over the classes that the labels hold: {percent(result['mean_iu_present'])} %."
        )


def _most_confused(names, matrix):
    """List the pairs of classes that most pixels were confused in."""
    total = sum(map(sum, matrix))
    pairs = [
        (value, sum(row), names[i], names[j])
        for i, row in enumerate(matrix)
        for j, value in enumerate(row)
        if i != j and value
    ]
    pairs.sort(key=lambda pair: -pair[0])
    if not pairs:
        return element("p", "No pixel is wrong.")
    rows = [
        (f"{truth} as {predicted}", percent(value / total), percent(value / of_class))
        for value, of_class, truth, predicted in pairs[:CONFUSIONS]
    ]
    caption = f"Most confused: {counted(len(rows), 'pair')} of truth and prediction, in percent"
    return table(("truth as prediction", "of all pixels", "of the class"), rows, caption=caption)
