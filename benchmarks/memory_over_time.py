"""Draw the memory that exported SavedModels take over time, while each labels one large photograph.

    python benchmarks/memory_over_time.py --output bench today=models/fcn before=models/older --size 3000x4000

Each model lives in a process of its own, which has labelled a small photograph before: memory counts from there. Give
models of any version of this package. Linux only.
"""

import argparse
import resource
import threading
import time
from pathlib import Path

from matplotlib.figure import Figure
from results import add_output, table, write
from speed.turns import Worker, say

EVERY = 0.05  # seconds between two samples
GIB = 2**30


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=_named, metavar="NAME=FOLDER", help="folder that fcn-export wrote")
    parser.add_argument("--size", default="3000x4000", help="of the photograph, height first (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of each process (default: %(default)s)")
    add_output(parser)
    arguments = parser.parse_args(argv)
    height, width = map(int, arguments.size.split("x"))
    found = {}
    for name, folder in arguments.models:
        say(f"{name}: {height}x{width}")
        found[name] = measured(folder, height, width, arguments.threads)
    rows = [[name, f"{x['seconds']:.1f}", f"{max(x['above']):.2f}"] for name, x in found.items()]
    text = table((f"{height}x{width}", "s", "GiB above idle"), rows)
    write(arguments.output, "memory_over_time", {"size": [height, width], "models": found}, draw(found), text)
    return 0


def measured(folder, height, width, threads):
    """Label a drawn photograph with the SavedModel in a folder.

    Returns:
        dict: `seconds` of the answer; `times` in seconds and the memory `above` the idle process then, in GiB.

    Raises:
        speed.turns.Failed: if the model cannot be loaded.
        SystemExit: if it refuses the photograph.
    """
    with Worker("speed.served:Served", {"folder": str(folder)}, threads=threads) as worker:
        samples, ended = [], threading.Event()
        watch = threading.Thread(target=_watch, args=(worker.pid, samples, ended))
        watch.start()
        try:
            answer = worker.ask("label", height=height, width=width).value
        finally:
            ended.set()
            watch.join()
    if answer["status"]:
        raise SystemExit(f"{folder}: {answer['status']}")
    (began, idle), *_ = samples
    return {
        "seconds": answer["seconds"],
        "times": [moment - began for moment, _ in samples],
        "above": [(memory - idle) / GIB for _, memory in samples],
    }


def draw(found):
    """Draw what `measured` found, by the models' names."""
    figure = Figure((7, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, samples in found.items():
        axes.plot(samples["times"], samples["above"], label=f"{name}: {max(samples['above']):.2f} GiB at most")
    axes.set(xlabel="seconds", ylabel="GiB above the idle process", xlim=(0, None), ylim=(0, None))
    axes.legend()
    return figure


def _watch(process, samples, ended):
    resident = Path(f"/proc/{process}/statm")
    while True:
        samples.append((time.monotonic(), int(resident.read_text().split()[1]) * resource.getpagesize()))
        if ended.wait(EVERY):
            return


def _named(given):
    name, separator, folder = given.partition("=")
    if not (name and separator and Path(folder).is_dir()):
        raise argparse.ArgumentTypeError(f"expected NAME=FOLDER, FOLDER being there. Received: {given}")
    return name, Path(folder)


if __name__ == "__main__":
    raise SystemExit(main())
