"""What `fcn_keras.predict` takes for an image of a size that it has not seen, and for the next ones."""

import statistics

from results import table

from speed import show
from speed.mix import SIZES
from speed.turns import Contender, Field, median

TITLE = "fcn.predict over sizes"
NEEDS_TORCH = False
NAME = "Keras predict"
HEADS = ("height x width", "new s", "later s", "stall s")


def measure(settings, files, found):
    """Predict every size once as a new one, and then again.

    Returns:
        dict of JSON's types: `row`, `sizes`, `stalls` (seconds by size) and `start` (the model's first call of all).
    """

    sizes = list(dict.fromkeys(settings.scaled(size) for size in SIZES))
    image = files.image(*settings.scaled((settings.size,) * 2))
    contender = Contender(NAME, "speed.runtimes:Keras", {"net": files.net(), "image": image})
    with Field(settings, [contender]) as field:
        field.warm_up()
        for height, width in sizes:
            field.warm_up("run_at", height=height, width=width)
        for _ in range(3):
            for height, width in sizes:
                field.round("run_at", height=height, width=width)
    row = field.rows[NAME]
    if "reason" in row:
        return {"row": row, "sizes": sizes}
    calls = [f"run_at {height} {width}" for height, width in sizes]
    stalls = [row["first"][call] - median(row, call) for call in calls]
    return {"row": row, "sizes": sizes, "stalls": stalls, "start": row["first"]["run"]}


def tabulate(result):
    row = result["row"]
    if "reason" in row:
        return "\n".join(show.reasons({NAME: row}))
    lines = []
    for (height, width), stall in zip(result["sizes"], result["stalls"], strict=True):
        call = f"run_at {height} {width}"
        times = (row["first"][call], median(row, call), stall)
        lines.append([f"{height}x{width}", *(f"{seconds:.2f}" for seconds in times)])
    worst, mean = max(result["stalls"]), statistics.mean(result["stalls"])
    text = f"\nThe model's first call of all: {result['start']:.1f} s. "
    return table(HEADS, lines) + text + f"Stall of a new size: {worst:.2f} s at most, {mean:.2f} s on average."


def draw(axes, result):
    """Draw two bars a size."""
    if "reason" in result["row"]:
        return
    names = [f"{height}x{width}" for height, width in result["sizes"]]
    later = [median(result["row"], f"run_at {height} {width}") for height, width in result["sizes"]]
    stalls = [max(0, stall) for stall in result["stalls"]]
    axes.bar(names, later, color="#4878a8", label="later calls")
    axes.bar(names, stalls, bottom=later, color="#c44e52", label="first call adds")
    axes.tick_params(axis="x", rotation=60)
    axes.set_ylabel("seconds")
    axes.legend()
