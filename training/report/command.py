"""`fcn-report`: one HTML file that shows a run: how it trained, how it scores, what it sees."""

import argparse
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.printing import in_one_line

from .. import reading
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
    return run("fcn-report", _report, build_parser().parse_args(argv))


def build_parser():
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
    reading.add_option(parser)
    add_reporting(parser, json="the page's path and size, and what fcn-evaluate --boundaries --json prints")
    return parser


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number from 0 on is expected. Received: {text}")
    return int(text)


def _report(arguments):
    from ..scoring.split import check_options_of_model, left_alone, open_split_of_model
    from .training_run import find_run

    run = find_run(arguments.workdir)
    output, path = _output(arguments), run[-1].stage.best
    check_options_of_model(arguments, path)
    start_tensorflow()
    from fcn_keras.interface import class_counts, heads_of
    from fcn_keras_console.files import to_json, write_text
    from fcn_keras_console.next_step import free_folder, photographs_of, say_next, stage_or_file
    from fcn_keras_console.shown_paths import published
    from fcn_keras_console.words import counted, percent, rough_sentence

    from ..scoring.class_colors import colors_of
    from ..scoring.summary import as_report, summaries
    from ..workdir.trained_model import load_model
    from .page import page

    model, unreadable = load_model(path), reading.Unreadable("fcn-report", arguments.on_error)
    examples, origin = open_split_of_model(arguments, path, class_counts(model))
    scores = _score(arguments, model, examples, unreadable)
    results = summaries(scores, heads_of(examples.class_names))
    origin = {"model": str(path), **origin}
    text = page(
        title=arguments.workdir.resolve().name,
        run=run,
        results=results,
        scores=scores,
        colors=colors_of(examples, path),
        pictured=(model, examples, scores.images, arguments.images) if arguments.images else None,
        origin=published(origin),
        skipped=unreadable.skipped,
    )
    write_text(output, text)
    if arguments.json:
        page_file = {"report": str(output), "bytes": output.stat().st_size}
        counts = {"images": len(scores.images), "skipped": unreadable.skipped}
        print(to_json(as_report({**page_file, **origin, **counts}, results)))
        return
    means = ", ".join(f"mean IU {percent(result['mean_iu'])} % {head}".rstrip() for head, result in results.items())
    size = f"{output.stat().st_size / 1e6:.1f} MB"
    few = f"\n{said}" if (said := rough_sentence(len(scores.images))) else ""
    done = f"{counted(len(scores.images), 'image')}{unreadable.counted()}, {means}, {size}"
    print(in_one_line(f"{output}: {done}") + few + left_alone(origin), flush=True)
    photos = photographs_of(origin["data"])
    say_next(arguments, "fcn-predict", stage_or_file(path), photos, "--output", free_folder("labelled"))


def _score(arguments, model, examples, unreadable):
    """Score the split; make sure that there was something to score."""
    from ..scoring.images import label_images, require_scored, score_split

    skips = unreadable if arguments.on_error == "skip" else None
    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        images = label_images(model, examples, unreadable=skips, progress=progress)
        scores = score_split(images, boundaries=True)
    require_scored(scores, unreadable)
    return scores


def _output(arguments):
    """Return where the page goes; make sure it can be written before the model runs."""
    from fcn_keras_console.files import require_folder

    output = arguments.output or arguments.workdir / "report.html"
    if output.is_dir():
        raise ValueError(f"--output {output} is a folder. Name the file to write, such as {output / 'report.html'}.")
    require_folder(output.parent)
    return output
