"""One training step at 352x480, batch 1, float32, with dropout: Keras's train function beside PyTorch's loop."""

from results import table

from speed import amx, show
from speed.turns import Contender, Field, compared

TITLE = "Training step"
HALF = "Keras, mixed_bfloat16"
NEEDS_TORCH = True
SIZE = (352, 480)
LAYOUTS = ("NCHW", "channels_last")
HEADS = ("", "s", "of PyTorch", "GFLOP/s", "first s", "load s", "GB")


def measure(settings, files, found):
    """Measure the steps of both; three forward passes are the nominal work of one.

    Returns:
        dict of JSON's types: `rows` by name, `reference` (the row that is 1), `size`, `operations`.
    """
    size = settings.scaled(SIZE)
    chosen = contenders(files, [size])
    if amx.has_amx():
        arguments = {"net": files.net(), "sizes": [size], "policy": "mixed_bfloat16"}
        chosen.append(Contender(HALF, "speed.steps:KerasSteps", arguments))
    with Field(settings, chosen) as field:
        field.warm_up(index=0)
        field.rounds(max(1, settings.rounds - 2), index=0)
        for name, row in field.rows.items():
            row["loss"] = field.ask(name, "last_loss").value if name in field else None
        rows = field.rows if amx.has_amx() else {**field.rows, HALF: {"reason": amx.NONE, "seconds": {}}}
    count = 3 * files.operations([size])["same"][0]
    return {"size": size, "operations": count, **compared(rows, "run 0")}


def contenders(files, sizes):
    """Return Keras without XLA, and PyTorch in both layouts."""
    found = [Contender("Keras", "speed.steps:KerasSteps", {"net": files.net(), "sizes": sizes})]
    for layout in LAYOUTS:
        arguments = {"arrays": files.arrays(), "layout": layout, "sizes": sizes}
        found.append(Contender(f"PyTorch, {layout}", "speed.steps:TorchSteps", arguments))
    return found


def tabulate(result):
    lines = []
    for name, row in result["rows"].items():
        if "median" in row:
            ratio = show.optional(row["ratio"], "{:.2f}")
            rate = result["operations"] / row["median"] / 1e9
            cells = [f"{row['first']['run 0']:.1f}", f"{row['load']:.1f}", f"{row['peak']:.1f}"]
            lines.append([name, f"{row['median']:.3f}", ratio, f"{rate:.0f}", *cells])
    height, width = result["size"]
    text = [table(HEADS, lines), f"\nBatch 1 of {height}x{width}, same padding, float32, dropout on, XLA off."]
    return "\n".join([*text, *show.reasons(result["rows"])])


def draw(axes, result):
    show.bars(axes, {name: row["median"] for name, row in result["rows"].items() if "median" in row}, "seconds a step")
