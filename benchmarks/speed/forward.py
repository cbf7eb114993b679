"""One image through every runtime: seconds, share of the machine's matrix product, and whether the labels agree."""

import shutil
from pathlib import Path

import numpy as np
from results import table

from speed import runtimes, show, work
from speed.turns import Contender, Field, median, say

TITLE = "Forward pass"
NEEDS_TORCH = True
LAYOUTS = ("NCHW", "channels_last")
GB_EACH = 3  # of a contender of the full network that waits for its turn
MATRICES = {f"matrix product, {name}": name for name in ("tensorflow", "torch")}
HEADS = ("", "padding", "s", "of PyTorch", "GFLOP/s", "of matrix", "first s", "load s", "GB", "labels agree")


def measure(settings, files, found):
    """Measure every contender beside PyTorch with the frame of 100, in as many groups as memory needs.

    Returns:
        dict of JSON's types: `rows` by name, `reference` (the row that is 1), `matrix` (GFLOP/s), `operations` by
        padding.
    """
    image = files.image(settings.size, settings.size)
    contenders, rows = _contenders(settings, files, image)
    groups = grouped(contenders, most=max(1, int(_available_gb() / GB_EACH / settings.width) - 2))
    labels = Path(files.folder, "labels")
    shutil.rmtree(labels, ignore_errors=True)  # another run's
    labels.mkdir()
    runs = []
    for number, group in enumerate(groups, 1):
        say(f"forward, group {number} of {len(groups)}")
        runs.append(_run(settings, [*_references(settings, files, image), *group], labels))
    counts = files.operations([(settings.size, settings.size)])
    counts = {padding: count[0] for padding, count in counts.items()}
    return {"operations": counts, **_joined(runs, rows, labels, counts, settings.scale)}


def _run(settings, contenders, labels):
    with Field(settings, contenders) as field:
        field.warm_up()
        for name, row in field.rows.items():
            if name in field and name not in MATRICES:
                path = labels / f"{name}.npy"
                field.ask(name, "write_labels", path=str(path))
                row["labels"] = str(path)
        field.rounds(settings.rounds)
    return field.rows


def _references(settings, files, image):
    """Return what takes its turn in every group: PyTorch with the frame, and the matrix products."""
    frames = [_pytorch(files, image, 100, layout) for layout in LAYOUTS]
    arguments = {"scale": settings.scale}
    products = [
        Contender(name, "speed.runtimes:Matrix", {"library": library, **arguments}, {"padding": ""})
        for name, library in MATRICES.items()
    ]
    return frames + products


def _pytorch(files, image, pad, layout):
    arguments = {"arrays": files.arrays(), "pad": pad, "layout": layout, "image": image}
    padding = "caffe" if pad == 100 else "same"
    return Contender(name_of(pad, layout), "speed.runtimes:PyTorch", arguments, {"padding": padding})


def name_of(pad, layout):
    return f"PyTorch pad {pad}, {layout}"


def _contenders(settings, files, image):
    """Return the contenders that can be had, and rows that say why of the others."""
    contenders, rows = [], {}
    for padding in ("same", "caffe"):
        arguments = {"net": files.net(padding), "image": image}
        contenders.append(Contender(_named("Keras predict", padding), "speed.runtimes:Keras", arguments, _of(padding)))
    contenders += [_pytorch(files, image, 1, layout) for layout in LAYOUTS]
    contenders = [contender for contender in contenders if settings.chosen(contender.name)]
    titles = {"savedmodel": "SavedModel", "onnx": "ONNX Runtime", "litert": "LiteRT", "openvino": "OpenVINO"}
    classes = {"savedmodel": "SavedModel", "onnx": "OnnxRuntime", "litert": "LiteRT", "openvino": "OpenVino"}
    for wanted in work.ALL:
        precision = "" if wanted.precision == "fp32" else f" {wanted.precision}"
        name = _named(titles[wanted.format] + precision, wanted.padding)
        if not settings.chosen(name):
            continue
        path, reason = work.prepared(files, wanted)
        if reason:
            rows[name] = {**_of(wanted.padding), "reason": reason, "first": {}, "seconds": {}}
            continue
        arguments = {"path": path, "image": image}
        if wanted.format != "savedmodel":
            arguments["threads"] = settings.threads
        if wanted.format == "openvino" and wanted.precision == "bf16":
            arguments["hint"] = "bf16"
        contenders.append(Contender(name, f"speed.runtimes:{classes[wanted.format]}", arguments, _of(wanted.padding)))
    return contenders, rows


def _of(padding):
    return {"padding": padding}


def _named(title, padding):
    return title if padding == "same" else f"{title}, pad 100"


def grouped(contenders, most):
    """Split a list into as few parts of about equal length as `most` a part allows."""
    count = -(-len(contenders) // most)
    return [contenders[i::count] for i in range(count)] or [[]]


def _available_gb():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/meminfo holds no MemAvailable. This benchmark needs Linux.")


def _joined(runs, missing, labels, counts, scale):
    """Join the groups' rows; a ratio is to the reference of the same group, in the same rounds."""
    first = runs[0]
    reference = min((name_of(100, layout) for layout in LAYOUTS), key=lambda name: median(first[name]) or np.inf)
    rows = {}
    for run in runs:
        rate = matrix_rate(run, scale)
        denominator = median(run[reference])
        for name, row in run.items():
            if name in rows:
                continue
            if name in MATRICES:
                row = {**row, "rates": _rates(row, scale)}
            elif seconds := median(row):
                speed = counts[row["padding"]] / seconds / 1e9
                row = {**row, "median": seconds, "rate": speed, "share": speed / rate if rate else None}
                row["ratio"] = seconds / denominator if denominator else None
            rows[name] = row
    rows |= missing
    for row in rows.values():
        expected = labels / f"{_named('Keras predict', row['padding'])}.npy"
        if "labels" in row and expected.exists():
            row["agree"] = float(np.mean(np.load(row.pop("labels")) == np.load(expected)))
    return {"rows": rows, "reference": reference, "matrix": matrix_rate(first, scale)}


def matrix_rate(rows, scale):
    """Return GFLOP/s of the best matrix product, of its median seconds."""
    return max((rate for name in MATRICES if name in rows for rate in _rates(rows[name], scale).values()), default=None)


def _rates(row, scale):
    shapes = runtimes.shapes_at(scale)
    return {kind: 2 * float(np.prod(shapes[kind])) / median(row, kind) / 1e9 for kind in shapes if median(row, kind)}


def tabulate(result):
    """Lay the rows out, the fastest first; those that are missing below, with their reasons."""
    rows = result["rows"]
    there = sorted((name for name in rows if "median" in rows[name]), key=lambda name: rows[name]["median"])
    lines = [_line(name, rows[name], result["reference"]) for name in there]
    text = [table(HEADS, lines)]
    counts = ", ".join(f"{count / 1e9:.0f} GFLOP ({padding})" for padding, count in result["operations"].items())
    text.append(f"\nNominal work of one image: {counts}. 1.00 is {result['reference']}, the faster layout.")
    for name in MATRICES:
        rates = ", ".join(f"{kind} {rate:.0f} GFLOP/s" for kind, rate in rows.get(name, {}).get("rates", {}).items())
        text.append(f"{name}: {rates or rows[name]['reason']}")
    return "\n".join([*text, *show.reasons(rows)])


def _line(name, row, reference):
    cells = [name, row["padding"], f"{row['median']:.3f}", show.optional(row["ratio"], "{:.2f}"), f"{row['rate']:.0f}"]
    share = show.optional(row["share"], "{:.0%}")
    first, load = row["first"]["run"], row["load"]
    return [
        *cells,
        share,
        f"{first:.1f}",
        f"{load:.1f}",
        f"{row['peak']:.1f}",
        show.optional(row.get("agree"), "{:.3%}"),
    ]


def draw(axes, result):
    """Draw a bar a contender, in shares of the reference."""
    rows = {name: row for name, row in result["rows"].items() if row.get("ratio")}
    names = sorted(rows, key=lambda name: -rows[name]["ratio"])
    colors = ["#c44e52" if name.startswith("PyTorch") else "#4878a8" for name in names]
    bars = axes.barh(names, [rows[name]["ratio"] for name in names], color=colors)
    axes.bar_label(bars, [f"{rows[name]['ratio']:.2f}  ({rows[name]['median']:.2f} s)" for name in names], padding=3)
    axes.set_xlim(0, 1.25 * max((row["ratio"] for row in rows.values()), default=1))
    axes.set_xlabel(f"seconds, as a share of {result['reference']}")
