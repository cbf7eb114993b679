"""Seconds, peak memory and size of every format's export, each in a process of its own."""

from results import table

from speed import show, work
from speed.turns import Failed, say

TITLE = "Export"
NEEDS_TORCH = False
HEADS = ("", "s", "peak GB", "file GB")


def measure(settings, files, found):
    """Export what is not in the work folder yet; of the rest, return what was measured when it was written.

    Returns:
        `{"rows"}` by name: `seconds`, without loading the network; `peak` in GB, all of the process; `size` in GB.
    """
    rows = {}
    for wanted in work.ALL:
        try:
            rows[wanted.name] = files.record(wanted)
        except Failed as failure:
            say(f"  {wanted.name}: {failure}")
            rows[wanted.name] = {"reason": str(failure)}
    return {"rows": rows}


def tabulate(result):
    lines = [
        [name, f"{row['seconds']:.0f}", f"{row['peak']:.1f}", f"{row['size']:.2f}"]
        for name, row in result["rows"].items()
        if "reason" not in row
    ]
    text = "\nformat-padding-precision. Each ends with a comparison of its answers; int8 begins with calibration."
    return "\n".join([table(HEADS, lines), text, *show.reasons(result["rows"])])


def draw(axes, result):
    rows = {name: row for name, row in result["rows"].items() if "reason" not in row}
    show.bars(axes, {name: row["seconds"] for name, row in rows.items()}, "seconds", "{:.0f}")
