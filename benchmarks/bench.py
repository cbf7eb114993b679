"""Measure the speed of this package against what its user would pick instead, side by side in one call.

    make bench
    python benchmarks/bench.py --output bench --sections forward --work /tmp/bench-work
    KERAS_BACKEND=jax python benchmarks/bench.py --output bench     # on a GPU

One full-size FCN-8s (21 classes) with the same weights everywhere, on the same images. Every contender lives in a
process of its own and they take turns, round by round; figures are medians. The peer is PyTorch (requirements.txt
beside this file). Writes bench.json with every sample, bench.txt and bench.png. Linux only.

On an accelerator that Keras sees, the section `accelerator` replaces those for the processor.
"""

import argparse
import dataclasses
import importlib
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

from results import add_output, write
from speed import picture, targets
from speed.turns import Worker, say
from speed.work import Work

from fcn_keras_console import run

SECTIONS = ("forward", "training", "mix", "sizes", "input", "evaluation", "export", "cost", "memory")
ACCELERATOR = "accelerator"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every section is told.

    Attributes:
        rounds: turns of every contender; costly sections take fewer.
        size: side of the image of the forward pass, in pixels.
        width: factor on the network's channels; 1 is the real one.
        threads: of every contender.
        images: folder of one's own photographs and masks, or None for drawn ones.
        contenders: beginnings of the names of those that run in `forward` and `accelerator`, or None for all.
    """

    rounds: int
    size: int
    width: float
    threads: int
    images: str | None
    contenders: list | None

    @property
    def scale(self):
        """Factor on everything else that a narrow net makes needless."""
        return min(1.0, self.width)

    def scaled(self, size):
        """Shrink an (H, W) with the net."""
        return tuple(max(16, round(side * self.scale)) for side in size)

    def chosen(self, name):
        """Tell whether a contender is to run."""
        return self.contenders is None or name.startswith(tuple(self.contenders))

    @property
    def full(self):
        """Whether the targets are those of this net and size."""
        return self.width == 1 and self.size == 512


def main(argv=None):
    parser = _parser()
    arguments = parser.parse_args(argv)
    return run("bench", _bench, arguments)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_output(parser)
    parser.add_argument(
        "--sections", nargs="+", choices=(*SECTIONS, ACCELERATOR), help="default: all for the device that Keras sees"
    )
    parser.add_argument(
        "--contenders",
        nargs="+",
        metavar="NAME",
        help="in `forward` and `accelerator`, those whose names begin so; PyTorch with its frame always runs",
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of every contender (default: %(default)s)")
    parser.add_argument("--size", type=int, default=512, help="side of the image to label (default: %(default)s)")
    parser.add_argument("--width", type=float, default=1.0, help="factor on the net's channels, to try this out")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keep the network and its exports here for later calls"
    )
    parser.add_argument("--images", metavar="DIR", help="own photographs: images/*.jpg and labels/*.png for `input`")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: %(default)s")
    parser.add_argument("--require", action="store_true", help="exit with 1 if a target is missed")
    return parser


def _bench(arguments):
    for name in ("rounds", "size", "threads", "width"):
        if getattr(arguments, name) <= 0:
            raise ValueError(f"--{name} is more than 0. Received: {getattr(arguments, name)}.")
    names = arguments.sections or _default_sections(arguments.threads)
    sections = {name: importlib.import_module(f"speed.{name}") for name in names}
    _require_torch(sections)
    settings = Settings(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Settings)})
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        files = Work(arguments.work or temporary, settings.width, settings.threads)
        found = _measured(sections, settings, files)
    judged = targets.judge(found, settings)
    texts = [f"{sections[name].TITLE}\n\n{sections[name].tabulate(result)}" for name, result in found.items()]
    if judged:
        texts.append(f"Targets\n\n{targets.tabulate(judged)}")
    report = {"settings": dataclasses.asdict(settings), "sections": found, "targets": judged}
    write(arguments.output, "bench", report, picture.draw(sections, found), "\n\n\n".join(texts))
    return int(arguments.require and any(row["met"] is False for row in judged))


def _measured(sections, settings, files):
    found = {}
    for name, section in sections.items():
        say(f"{name} ...")
        started = time.monotonic()
        found[name] = section.measure(settings, files, found)
        say(f"{name} took {time.monotonic() - started:.0f} s")
    return found


def _default_sections(threads):
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    with Worker("speed.device:Device", {}, threads=threads, backend=backend) as worker:
        return [ACCELERATOR] if worker.ask("is_accelerator").value else SECTIONS


def _require_torch(sections):
    needing = [name for name, section in sections.items() if section.NEEDS_TORCH]
    if needing and importlib.util.find_spec("torch") is None:
        raise ImportError(
            f"{needing[0]} compares with PyTorch. Install it with: pip install -r benchmarks/requirements.txt"
        )


if __name__ == "__main__":
    sys.exit(main())
