"""Images a second on the accelerator that Keras sees: dtypes, XLA, batch sizes, share of its own matrix product."""

import itertools
import os
import statistics

from results import table

from speed import show
from speed.turns import Failed, Worker, say

TITLE = "Accelerator"
NEEDS_TORCH = False
BATCHES = {"forward": (1, 2, 4, 8, 16), "training": (1, 4, 16)}  # each compiles anew
POLICIES = {
    "forward": ("float32", "bfloat16", "float16"),
    "training": ("float32", "mixed_bfloat16", "mixed_float16"),
}
CLASSES = {"forward": "Forward", "training": "Training"}
TRAINED = (352, 480)
XLA = {"jax": (True,), "tensorflow": (True, False), "torch": (False,)}  # where there is a choice
HEADS = ("", "batch", "s", "images a second", "TFLOP/s", "of matrix", "first s", "GB")


def measure(settings, files, found):
    """Measure one process a dtype and compiler, one after the other: they share the device.

    Returns:
        dict of JSON's types: `backend`, `rows` (a list), and `matrix`, operations a second by dtype.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    rows, matrix = [], {}
    for jit_compile, kind in itertools.product(XLA[backend], POLICIES):
        size = settings.scaled(TRAINED) if kind == "training" else (settings.size, settings.size)
        for policy in POLICIES[kind]:
            name = f"{kind} {size[0]}x{size[1]}, {policy}{', XLA' if jit_compile else ''}"
            dtype = policy.removeprefix("mixed_")
            if settings.chosen(name):
                if dtype not in matrix:
                    matrix[dtype] = _matrix_rate(settings, backend, dtype, jit_compile)
                say(f"  {name}")
                arguments = {"width": settings.width, "policy": policy, "size": size, "jit_compile": jit_compile}
                rows += _measured(settings, backend, kind, name, arguments, matrix[dtype])
    return {"backend": backend, "rows": rows, "matrix": matrix}


def _matrix_rate(settings, backend, dtype, jit_compile):
    arguments = {"dtype": dtype, "scale": settings.scale, "jit_compile": jit_compile}
    with Worker("speed.accelerated:Matrix", arguments, threads=settings.threads, backend=backend) as worker:
        return max(worker.ask("run").value for _ in range(3))


def _measured(settings, backend, kind, name, arguments, rate):
    """Return a row a batch size; those that fail say why."""
    rows = []
    try:
        build = f"speed.accelerated:{CLASSES[kind]}"
        with Worker(build, arguments, threads=settings.threads, backend=backend) as worker:
            operations = worker.ask("operations").value
            for batch in BATCHES[kind]:
                rows.append({"name": name, "batch": batch})
                rows[-1] |= _row(worker, batch, operations, rate, min(3, settings.rounds))
    except Failed as failure:
        rows = rows or [{"name": name, "batch": BATCHES[kind][0]}]
        rows[-1]["reason"] = str(failure)
    return rows


def _row(worker, batch, operations, rate, rounds):
    runs = [worker.ask("run", batch=batch).value for _ in range(rounds)]
    seconds = [run["seconds"] for run in runs]
    median = statistics.median(seconds)
    speed = operations * batch / median
    found = {"seconds": seconds, "median": median, "rate": speed, "share": speed / rate}
    return {**found, "images": batch / median, "first": runs[0]["first"], "memory": runs[-1]["memory"]}


def tabulate(result):
    lines = []
    for row in result["rows"]:
        if "median" in row:
            speed = [f"{row['images']:.1f}", f"{row['rate'] / 1e12:.1f}", f"{row['share']:.0%}"]
            rest = [f"{row['first']:.1f}", show.optional(row["memory"], "{:.1f}")]
            lines.append([row["name"], str(row["batch"]), f"{row['median']:.4f}", *speed, *rest])
    rates = ", ".join(f"{dtype} {rate / 1e12:.1f} TFLOP/s" for dtype, rate in result["matrix"].items())
    text = [table(HEADS, lines), f"\nKeras on {result['backend']}. Matrix product: {rates}."]
    failed = {f"{row['name']}, batch {row['batch']}": row for row in result["rows"]}
    return "\n".join([*text, *show.reasons(failed)])


def draw(axes, result):
    """Draw images a second against the batch size."""
    for name in dict.fromkeys(row["name"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["name"] == name and "median" in row]
        axes.loglog([row["batch"] for row in rows], [row["images"] for row in rows], marker="o", label=name)
    axes.set_xticks(BATCHES["forward"], map(str, BATCHES["forward"]))
    axes.minorticks_off()
    axes.set_xlabel("batch")
    axes.set_ylabel("images a second")
    axes.grid(alpha=0.3)
    axes.legend()
