"""What the project promises, as ratios within one run, beside what was measured."""

from results import table

HEADS = ("target", "measured", "at most", "met")


def judge(found, settings):
    """Compare the sections' results with the promises that they can answer.

    Returns:
        list of dicts: `what`, `measured`, `target` and `met`; `met` is None where nothing was measured or the net is
        not the real one.
    """
    rows = [row for name, judged in JUDGES.items() if name in found for row in judged(found[name], found)]
    return [{**row, "met": row["met"] if settings.full else None} for row in rows]


def _row(what, measured, target, *, most=True):
    met = None if measured is None else bool(measured <= target if most else measured >= target)
    return {"what": what, "measured": measured, "target": target, "most": most, "met": met}


def _forward(result, found):
    rows, judged = result["rows"], []

    def ratio(name):
        return rows.get(name, {}).get("ratio")

    for name, target in (("SavedModel", 0.45), ("Keras predict", 0.55), ("ONNX Runtime", 0.5)):
        for suffix, title in (("", ""), (", pad 100", ", pad 100")):
            judged.append(_row(f"{name}{title}: of PyTorch pad 100", ratio(name + suffix), target))
    for suffix in ("", ", pad 100"):
        share = rows.get(f"SavedModel{suffix}", {}).get("share")
        judged.append(_row(f"SavedModel{suffix}: of the matrix product", share, 0.85, most=False))
    eights = [ratio(name) for name in ("ONNX Runtime int8", "OpenVINO int8") if ratio(name)]
    judged.append(_row("int8, the faster of two: of PyTorch pad 100", min(eights, default=None), 0.18))
    return judged


JUDGES = {"forward": _forward}


def tabulate(judged):
    """Lay the rows out."""
    lines = [
        (
            row["what"],
            "-" if row["measured"] is None else f"{row['measured']:.3g}",
            ("" if row["most"] else ">= ") + f"{row['target']:g}",
            {True: "yes", False: "NO", None: "-"}[row["met"]],
        )
        for row in judged
    ]
    return table(HEADS, lines)
