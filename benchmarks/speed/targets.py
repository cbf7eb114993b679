"""What the project promises, as ratios within one run, beside what was measured."""

from results import table

from speed import amx, training
from speed.input import OURS

HEADS = ("target", "measured", "at most", "met")


def judge(found, settings):
    """Compare the sections' results with the promises that they can answer.

    Returns:
        list of dicts: `what`, `measured`, `target`, `most` (whether the target is an upper bound) and `met`, which is
        False where the measurement failed, and None where the net is not the real one or this benchmark cannot tell.
    """
    rows = [row for name, judged in JUDGES.items() if name in found for row in judged(found[name])]
    return [{**row, "met": row["met"] if settings.full else None} for row in rows]


def _row(what, measured, target, *, most=True):
    met = measured is not None and bool(measured <= target if most else measured >= target)
    return {"what": what, "measured": measured, "target": target, "most": most, "met": met}


def _forward(result):
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
    judged += [
        _of_amx(f"{name}, with AMX: of SavedModel float32", rows, name, "SavedModel", target)
        for name, target in (("SavedModel bf16", 0.36), ("OpenVINO bf16", 0.2), ("OpenVINO int8", 0.12))
    ]
    told = "(fcn-evaluate measures it)"
    elsewhere = [
        _row("int8: points of mean IU lost by a trained net (fcn-export measures it)", None, 0.3),
        _row(f"SavedModel bf16: points of mean IU lost by a trained net {told}", None, 0.1),
        _row("SavedModel bf16: labels of a trained net that agree (its model card tells)", None, 0.995, most=False),
    ]
    return [*judged, *({**row, "met": None} for row in elsewhere)]


def _of_amx(what, rows, name, other, target):
    """Compare two rows, both in ratios to the same row; on a processor without AMX it is not judged."""
    ratios = [rows.get(each, {}).get("ratio") for each in (name, other)]
    row = _row(what, ratios[0] / ratios[1] if all(ratios) else None, target)
    return row if amx.has_amx() else {**row, "met": None}


def _training(result):
    rows = result["rows"]
    half = _of_amx("training step, mixed_bfloat16, with AMX: of float32", rows, training.HALF, "Keras", 0.4)
    accuracy = _row("training in mixed_bfloat16: points of validation mean IU lost (fcn-train measures it)", None, 0.5)
    return [_row("training step: of PyTorch", rows["Keras"].get("ratio"), 0.95), half, {**accuracy, "met": None}]


def _sizes(result):
    return [_row("fcn.predict: stall of a new size, s", max(result.get("stalls", []), default=None), 2)]


def _input(result):
    row = result["rows"][OURS]
    speed = 1 / row["ratio"] if row.get("ratio") else None
    judged = [_row("input pipeline: images a second, of PyTorch's", speed, 2, most=False)]
    if result["step"]:
        share = row["median"] / result["step"] if "median" in row else None
        judged.append(_row("input pipeline: seconds an image, of a training step", share, 1))
    return judged


def _evaluation(result):
    return [_row("metric update: of the forward pass", result["share"], 0.02)]


def _memory(result):
    command, same = result["command"], result["stages"].get("same")
    changed = None if same is None else 1 - same
    peak = None if "reason" in command else command["peak"] * 1e9 / 2**30
    side, served = result["side"], result["served"]
    above = served["above"] / 1024 if "above" in served else None
    return [
        _row("SavedModel, a phone's photograph: GiB above idle", above, 0.75),
        _row("SavedModel, a phone's photograph: seconds a pixel, of a small image's", served.get("ratio"), 1.25),
        _row(f"fcn-predict on {side}x{side}: GiB", peak, 4),
        _row("labels that stages change, share", changed, 0),
    ]


JUDGES = {
    "forward": _forward,
    "training": _training,
    "sizes": _sizes,
    "input": _input,
    "evaluation": _evaluation,
    "memory": _memory,
}


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
