"""Label many images, on one machine or many, by an Apache Beam pipeline: `fcn-batch`."""

import json
import logging
import os
import sys

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.printing import in_one_line, say

from .local_paths import check_paths

DESCRIPTION = """Label many images with a SavedModel of fcn-export, by an Apache Beam pipeline. DIR/labels gets a grey
PNG of class ids for every image (labels_HEAD, where the model has several heads), named by the image's path below the
pattern's fixed folders; DIR/images.csv a line for every image with its status, size and the share of every class. An
image that cannot be labelled is a line with the reason there, and is tried again by the next call. One that is labelled
is not, unless its file holds something else by now: every label says what it was made from. Photographs far larger than
those that the model was trained on are scored at their size, and the status says so: "labelled, scaled 4000x3000 ->
480x360"; --scale chooses another size. Paths may be of any file system that Beam knows: local, gs://, s3://, hdfs://.
Options not listed here are Beam's own: without --runner the pipeline runs in this process, in --direct_num_workers
threads; with --runner=DataflowRunner, FlinkRunner or SparkRunner elsewhere, where fcn_keras[batch] has to be installed
(as with --sdk_container_image)."""
EXAMPLES = ('fcn-batch --input "photos/**.jpg" --model models/fcn --output labelled',)
CODES = {0: "images were labelled, now or before", 2: "none could be, or with --on-error fail not all"}


def main(argv=None):
    """Run `fcn-batch` and return its exit code: 0, or 2 with lines on stderr."""
    parser = build_parser()
    arguments, flags = parser.parse_known_args(argv)
    arguments.near = {word: near for word in flags if word.startswith("-") and (near := parser.near(word))}
    return run("fcn-batch", _batch, (arguments, flags))


def build_parser():
    parser = Parser("fcn-batch", DESCRIPTION, examples=EXAMPLES, codes=CODES, allow_abbrev=False)
    parser.add_argument(
        "--input",
        action="extend",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="an image, or a quoted pattern: * within a folder, ** across folders; repeatable",
    )
    parser.add_argument(
        "--list", metavar="FILE", help="a file of paths, one a line, relative ones from that file's folder"
    )
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="a model's folder: its latest version; or one version"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the masks and the reports")
    parser.add_argument(
        "--scale",
        help="at which size photographs are scored, as of fcn-predict: none, a factor or the longer side (default: as "
        "the model was exported)",
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images a call (default: %(default)s)")
    parser.add_argument(
        "--on-error",
        choices=("fail", "skip"),
        default="skip",
        help="what images that cannot be labelled come to: exit code 2, or nothing (default: %(default)s); they are "
        "named, and the others labelled, either way",
    )
    parser.add_argument("--overwrite", action="store_true", help="delete what an earlier fcn-batch wrote to DIR first")
    add_reporting(parser, json="how many images were labelled, refused, done before")
    return parser


def _batch(parsed):
    arguments, beam_flags = parsed
    if not arguments.input and not arguments.list:
        hint = "".join(f" {word} is none of its options{near}." for word, near in [*arguments.near.items()][:1])
        raise ValueError(f'Say which images: --input PATTERN, such as "photos/**.jpg", or --list FILE.{hint}')
    if arguments.batch_size < 1:
        raise ValueError(f"--batch-size is a positive whole number. Received: {arguments.batch_size}.")
    check_paths(arguments.input, arguments.list, arguments.model, arguments.output)
    _import_beam()
    from .filesystems import absolute, alone_in
    from .model import read_model
    from .pipeline import check_inputs, prepare, read_options, record_of, run
    from .steps import Output

    options = read_options(beam_flags, arguments.near)
    here = os.getcwd()
    patterns = [absolute(pattern, here) for pattern in arguments.input]
    list_path = absolute(arguments.list, here) if arguments.list else None
    check_inputs(patterns, list_path)
    start_tensorflow()
    model = read_model(absolute(arguments.model, here), arguments.scale)
    output = Output(absolute(arguments.output, here), model.classes, model.fingerprint)
    record = record_of(model)
    how = {"batch_size": arguments.batch_size, "scale": arguments.scale}
    with alone_in(output.folder):
        prepare(output, record, arguments.overwrite)
        with Progress("Labelling", "images", quiet=arguments.quiet) as progress:
            progress(0, None)  # the bar is there before Beam's stderr is caught
            outcome = run(patterns, list_path, model, output, record, options, **how, progress=progress)
    return _report(outcome, output, arguments)


def _import_beam():
    """Import Apache Beam without its warnings about clouds that are not installed."""
    logging.disable(logging.WARNING)
    try:
        import apache_beam  # noqa: F401
    except ImportError as error:
        raise ImportError('fcn-batch needs Apache Beam: pip install "fcn_keras[batch]"') from error
    finally:
        logging.disable(logging.NOTSET)


def _report(outcome, output, arguments):
    """Print the outcome of a run, and return the exit code."""
    for path, reason in outcome["named"]:
        print(f"fcn-batch: {in_one_line(f'{path}: {reason}')}", file=sys.stderr)
    if outcome["refused"] > len(outcome["named"]):
        print(f"fcn-batch: and {outcome['refused'] - len(outcome['named'])} more", file=sys.stderr)
    table = output.path("images.csv")
    counts = {name: outcome[name] for name in ("labelled", "scaled", "refused", "done")}
    if arguments.json:
        print(json.dumps({**counts, "list": table}))
    else:
        scaled = f" ({counts['scaled']} of them scaled)" if counts["scaled"] else ""
        told = f"{counts['labelled']} labelled{scaled}, {counts['refused']} refused, {counts['done']} already done"
        say(f"{told} (see {table})")
    nothing = not (outcome["labelled"] or outcome["done"])
    return 2 if outcome["refused"] and (nothing or arguments.on_error == "fail") else 0
