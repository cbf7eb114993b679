"""`fcn-report`: one HTML file that shows a run: how it trained, how it scores, what it sees."""

import argparse
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run

from .. import reading as unreadable
from ..scoring.split import add_options

DESCRIPTION = """Write one HTML file about a run of fcn-train that opens in any browser, loads nothing and can be sent
around: loss and the four metrics over all stages, the confusion matrix, the IU and the share of every class, what is
right along the boundaries, the best, median and worst images with truth, prediction and errors side by side, sizes,
timings, the exact commands, versions. The last stage's best net is scored over the whole split for it, as fcn-evaluate
does. The file holds photographs of the split unless --images is 0."""
EXAMPLES = (
    ("fcn-report runs", "the run in a workdir: runs/report.html"),
    ("fcn-report runs/folder_fcn32s --split test --output coarse.html", "one stage, on another split"),
    ("fcn-report runs --json", "and its figures, for machines"),
)
CODES = {0: "the page was written"}


def main(argv=None):
    return run("fcn-report", _report, _parser().parse_args(argv), tensorflow=True)


def _parser():
    parser = Parser("fcn-report", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument("workdir", type=Path, help="the --workdir of fcn-train, or a stage's folder in it")
    add_options(parser)
    parser.add_argument(
        "--images",
        type=_count,
        default=3,
        metavar="N",
        help="images to show of each kind, best, median and worst (default: %(default)s)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: WORKDIR/report.html")
    unreadable.add_option(parser)
    add_reporting(parser, json="the page's path and size, and what fcn-evaluate --boundaries --json prints")
    return parser


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number from 0 on is expected. Received: {text}")
    return int(text)


def _report(arguments):
    from fcn_keras.interface import class_counts, heads_of
    from fcn_keras_console.files import write_text
    from fcn_keras_console.words import counted

    from ..scoring.images import require_same_classes
    from ..scoring.split import open_split
    from ..scoring.summary import summary
    from ..scoring.survey import choose
    from ..workdir.trained_model import class_names_beside, load_model
    from .page import page
    from .training_run import find_run

    stages = find_run(arguments.workdir)
    output = _output(arguments)
    path = stages[-1].stage.best
    model, bad = load_model(path), unreadable.Unreadable("fcn-report", arguments.on_error)
    counts = class_counts(model)
    examples, origin = open_split(
        arguments,
        stages[-1].decisions,
        classes=lambda: class_names_beside(path) or next(iter(counts.values())),
    )
    require_same_classes(counts, examples)
    found = _survey(arguments, model, examples, bad)
    names = heads_of(examples.class_names)
    results = {head: summary(matrix, names[head], found.boundaries[head]) for head, matrix in found.matrices.items()}
    text = page(
        title=arguments.workdir.resolve().name,
        run=stages,
        results=results,
        survey=found,
        pictured=(model, examples, choose(found.images, arguments.images)) if arguments.images else None,
        origin={"model": str(path), **origin},
        skipped=bad.skipped,
    )
    write_text(output, text)
    if arguments.json:
        told = {"model": str(path), **origin, "images": len(found.images), "skipped": bad.skipped}
        print(_as_json(output, told, results))
        return
    scored = ", ".join(f"mean IU {100 * result['mean_iu']:.2f} {head}".rstrip() for head, result in results.items())
    size = f"{output.stat().st_size / 1e6:.1f} MB"
    print(f"{output}: {counted(len(found.images), 'image')}{bad.told()}, {scored}, {size}")


def _as_json(output, told, results):
    from fcn_keras_console.environment import versions
    from fcn_keras_console.files import to_json

    written = {"report": str(output), "bytes": output.stat().st_size}
    return to_json({**written, **told, "versions": versions(), **results.get("", {"heads": results})})


def _survey(arguments, model, examples, bad):
    """Score the split; make sure that there was something to score."""
    from ..scoring.survey import survey

    on_error = bad if arguments.on_error == "skip" else None
    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        found = survey(model, examples, progress=progress, on_error=on_error)
    bad.require_some(len(found.images))
    if not all(matrix.any() for matrix in found.matrices.values()):
        raise ValueError("Every pixel of the split is void (255): there is nothing to score.")
    return found


def _output(arguments):
    """Return where the page goes; make sure it can be written before the model runs."""
    from fcn_keras_console.files import require_folder

    output = arguments.output or arguments.workdir / "report.html"
    if output.is_dir():
        raise ValueError(f"--output {output} is a folder. Name the file to write, such as {output / 'report.html'}.")
    require_folder(output.parent)
    return output
