"""Cost against the image's side: a fully convolutional net's seconds grow with the pixels, exponent 2."""

import numpy as np
from results import table

from speed import show, work
from speed.forward import LAYOUTS, name_of
from speed.turns import Contender, Field, median

TITLE = "Cost against size"
NEEDS_TORCH = True
SIDES = (128, 256, 512, 1024, 2048)


def measure(settings, files, found):
    """Label square images of every side; large ones in fewer rounds.

    Returns:
        dict of JSON's types: `rows` by name, with `seconds_by_side` and `exponent`; `sides`.
    """
    sides = sorted({settings.scaled((side, side))[0] for side in SIDES})
    image = files.image(sides[0], sides[0])
    contenders = [
        Contender(
            name_of(pad, layout),
            "speed.runtimes:PyTorch",
            {"arrays": files.arrays(), "pad": pad, "layout": layout, "image": image},
        )
        for pad, layout in ((100, _faster(found, 100)), (1, _faster(found, 1)))
    ]
    path, reason = work.prepared(files, work.Export("savedmodel"))
    if path:
        contenders.insert(0, Contender("SavedModel", "speed.runtimes:SavedModel", {"path": path, "image": image}))
    with Field(settings, contenders) as field:
        for side in sides:
            field.warm_up("run_at", height=side, width=side)
            share = (sides[len(sides) // 2] / side) ** 2
            for _ in range(min(settings.rounds, max(2, round(settings.rounds * share)))):
                field.round("run_at", height=side, width=side)
    rows = field.rows if path else {"SavedModel": {"reason": reason}, **field.rows}
    for row in rows.values():
        _summarize(row, sides)
    return {"rows": rows, "sides": sides}


def _faster(found, pad):
    """Return the layout that labelled faster, if that was measured."""
    rows = found.get("forward", {}).get("rows", {})
    return min(LAYOUTS[::-1], key=lambda layout: rows.get(name_of(pad, layout), {}).get("median", np.inf))


def _summarize(row, sides):
    if "reason" not in row:
        seconds = [median(row, f"run_at {side} {side}") for side in sides]
        row["seconds_by_side"] = seconds
        row["exponent"] = exponent(sides, seconds)


def exponent(sides, seconds):
    """Fit `seconds = c * side**exponent` by least squares of the logarithms."""
    return float(np.polyfit(np.log(sides), np.log(seconds), 1)[0])


def tabulate(result):
    rows = {name: row for name, row in result["rows"].items() if "exponent" in row}
    lines = []
    for name, row in rows.items():
        times = [f"{seconds:.3f}" for seconds in row["seconds_by_side"]]
        lines.append([name, *times, f"{row['exponent']:.2f}", f"{row['peak']:.1f}"])
    heads = ("seconds at side", *map(str, result["sides"]), "exponent", "GB")
    return "\n".join([table(heads, lines), *show.reasons(result["rows"])])


def draw(axes, result):
    """Draw seconds against the side, both logarithmic."""
    for name, row in result["rows"].items():
        if "exponent" in row:
            label = f"{name}: exponent {row['exponent']:.2f}"
            axes.loglog(result["sides"], row["seconds_by_side"], marker="o", label=label)
    axes.set_xticks(result["sides"], map(str, result["sides"]))
    axes.minorticks_off()
    axes.set_xlabel("side of the image, pixels")
    axes.set_ylabel("seconds")
    axes.grid(alpha=0.3)
    axes.legend()
