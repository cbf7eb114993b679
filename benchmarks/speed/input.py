"""The input pipeline beside PyTorch's: decode, mirror, jitter, bucket, pad, batch of photographs of 500x375."""

import shutil

from results import table

from speed import show
from speed.pipelines import BATCH
from speed.turns import Contender, Field, Worker, compared

TITLE = "Input pipeline"
NEEDS_TORCH = True
SIZE = (375, 500)
IMAGES = 64
OURS, THEIRS = "fcn.batches", "PyTorch DataLoader, 2 workers"
HEADS = ("", "images a second", "of PyTorch", "ms an image", "GB")


def measure(settings, files, found):
    """Measure both on the same files.

    Returns:
        dict of JSON's types: `rows` by name, `reference`, `files` (what was read) and `step` (seconds of a training
        step, if it was measured).
    """
    folder = settings.images or _drawn(settings, files)
    arguments = {"folder": str(folder), "batches": max(2, round(32 * settings.scale))}
    contenders = [
        Contender(OURS, "speed.pipelines:KerasPipeline", arguments),
        Contender(THEIRS, "speed.pipelines:TorchPipeline", arguments),
    ]
    with Field(settings, contenders) as field:
        field.warm_up()
        field.rounds(settings.rounds)
        described = next((field.ask(name, "describe").value for name in field.rows if name in field), None)
    step = found.get("training", {}).get("rows", {}).get("Keras", {}).get("median")
    return {"files": described, "step": step, **compared(field.rows, "image")}


def _drawn(settings, files):
    height, width = settings.scaled(SIZE)
    count = max(BATCH, round(IMAGES * settings.scale))
    folder = files.folder / "photographs"
    shutil.rmtree(folder, ignore_errors=True)
    with Worker("speed.drawn:Drawn", {}, threads=settings.threads) as worker:
        worker.ask("photographs", folder=str(folder), count=count, height=height, width=width)
    return folder


def tabulate(result):
    lines = []
    for name, row in result["rows"].items():
        if "median" in row:
            ratio = f"{1 / row['ratio']:.2f}" if row["ratio"] else "-"
            lines.append([name, f"{1 / row['median']:.0f}", ratio, f"{1000 * row['median']:.1f}", f"{row['peak']:.1f}"])
    text = [table(HEADS, lines)]
    if read := result["files"]:
        height, width = read["size"]
        text.append(f"\n{read['images']} files of at most {height}x{width}, {read['bytes'] / 1000:.0f} kB each.")
    if result["step"]:
        text.append(f"A training step takes {result['step']:.2f} s.")
    return "\n".join([*text, *show.reasons(result["rows"])])


def draw(axes, result):
    rates = {name: 1 / row["median"] for name, row in result["rows"].items() if "median" in row}
    show.bars(axes, rates, "images a second", "{:.0f}")
