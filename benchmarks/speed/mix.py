"""Steps a minute over a real mix of sizes, and what the first step of a new size costs."""

import statistics

from results import table

from speed import show, training
from speed.turns import Contender, Field

TITLE = "Training over a mix of sizes"
NEEDS_TORCH = True
# (H, W) of PASCAL VOC's photographs, the commonest first.
SIZES = (
    *((375, 500), (500, 375), (333, 500), (500, 333), (334, 500), (332, 500)),
    *((500, 334), (374, 500), (281, 500), (500, 332), (335, 500), (442, 500)),
)
BUCKETS = ((352, 512), (384, 512), (512, 352), (512, 384), (512, 512))
HEADS = ("", "steps a minute", "of PyTorch", "s a step", "new size s", "longest stall s", "GB")


def measure(settings, files, found):
    """Step over every size in turn: once as new ones, then again.

    Returns:
        dict of JSON's types: `rows` by name, `reference`, `sizes`.
    """
    sizes = list(dict.fromkeys(settings.scaled(size) for size in SIZES))
    buckets = [settings.scaled(bucket) for bucket in BUCKETS]
    contenders = training.contenders(files, sizes)
    arguments = {"net": files.net(), "sizes": sizes, "buckets": buckets}
    contenders.insert(1, Contender("Keras, buckets", "speed.steps:KerasSteps", arguments))
    with Field(settings, contenders) as field:
        for index in range(len(sizes)):  # the very first step of all is no matter of sizes: it is not counted
            field.warm_up(index=index)
        for _ in range(2):
            for index in range(len(sizes)):
                field.round(index=index)
    for row in field.rows.values():
        _summarize(row, len(sizes))
    return {"sizes": sizes, **_compared(field.rows)}


def _summarize(row, count):
    if "reason" in row:
        return
    later = [statistics.median(row["seconds"][f"run {index}"]) for index in range(count)]
    new = [row["first"][f"run {index}"] for index in range(1, count)]
    row["mean"], row["new"] = statistics.mean(later), statistics.mean(new)
    row["stall"] = max(first - again for first, again in zip(new, later[1:], strict=True))
    row["per_minute"] = 60 / row["mean"]


def _compared(rows):
    peers = {name: row["mean"] for name, row in rows.items() if name.startswith("PyTorch") and "mean" in row}
    reference = min(peers, key=peers.get, default=None)
    for row in rows.values():
        if "mean" in row and peers:
            row["ratio"] = peers[reference] / row["mean"]
    return {"rows": rows, "reference": reference}


def tabulate(result):
    lines = []
    for name, row in result["rows"].items():
        if "mean" in row:
            ratio = f"{row['ratio']:.2f}" if "ratio" in row else "-"
            cells = [f"{row['mean']:.2f}", f"{row['new']:.2f}", f"{row['stall']:.2f}", f"{row['peak']:.1f}"]
            lines.append([name, f"{row['per_minute']:.1f}", ratio, *cells])
    text = f"\n{len(result['sizes'])} sizes, batch 1. A stall is the first step of a size less a later one."
    return "\n".join([table(HEADS, lines), text, *show.reasons(result["rows"])])


def draw(axes, result):
    rates = {name: row["per_minute"] for name, row in result["rows"].items() if "mean" in row}
    show.bars(axes, rates, f"steps a minute over {len(result['sizes'])} sizes", "{:.1f}")
