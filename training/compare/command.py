"""`fcn-compare`: models on one split, where they differ, and whether it may be chance."""

import logging
import re
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.printing import in_one_line

from ..scoring.split import add_options

DESCRIPTION = """Score two models on one split, or with --labels two folders of label files: the four metrics and every
class's IU of both, B's minus A's, with a 95 % interval and p from a paired bootstrap over the images; on how many
pixels they differ and who is right there; the images where they differ most. Of more than two: the metrics of each with
their intervals, and of every pair the difference in mean IU, its p corrected for the number of pairs (Holm), its
interval that of all pairs together (Bonferroni); no pictures of images.

The interval tells what chance in the choice of images does. What chance in training does, only a second training with
another seed tells. Neighbouring frames of a film are no independent images: there the interval is too narrow. Of twenty
classes that are alike in truth, one shows a difference by chance."""
EXAMPLES = (
    ("fcn-compare runs/quick_fcn8s_head runs/quick_fcn8s", "two stages, on the split that they were validated on"),
    ("fcn-compare a.keras b.keras --data photos --split test --boundaries --output compared", "with pictures"),
    ("fcn-compare theirs ours --labels photos/val/labels", "label files of any origin"),
    ("fcn-compare a.keras b.keras c.keras --data photos", "which of three, corrected for looking at three pairs"),
)
LOG = logging.getLogger("fcn-compare")


def main(argv=None):
    return run("fcn-compare", _compare, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-compare", DESCRIPTION, examples=EXAMPLES)
    parser.add_argument(
        "a", type=Path, metavar="A", help="a .keras file, a stage's folder or a workdir; with --labels, label files"
    )
    parser.add_argument("b", type=Path, metavar="B", help="the same")
    parser.add_argument("more", type=Path, metavar="C", nargs="*", help="the same, up to 26 in all")
    add_options(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PATH",
        help="compare label files: the true ones, a file or a folder of the same stems",
    )
    parser.add_argument("--boundaries", action="store_true", help="compare trimaps, boundary F1, Boundary IoU as well")
    parser.add_argument(
        "--resamplings", type=int, default=10_000, metavar="N", help="draws of the bootstrap (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for compare.json, compare.txt, compare.png, with --boundaries trimaps.png, and pictures; replaces "
        "files of the same names",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=8,
        metavar="N",
        help="images to draw in DIR/pictures, those where they differ most (default: %(default)s)",
    )
    add_reporting(parser, json="metrics from 0 to 1, and every image, not the table in percent")
    return parser


def _compare(arguments):
    _check(arguments)
    start_tensorflow()
    from fcn_keras_console.files import to_json

    from ..scoring.summary import as_report
    from .compared import folders, models

    images = (models if arguments.labels is None else folders)(arguments)
    tallies, largest = _score(images, arguments)
    results, pictured = {}, {}
    for head, tally in tallies.items():
        results[head], names = _result(tally, images, head, arguments)
        pictured[head] = largest[head].figures(names, images.colors[head])
    bootstrap = {"resamplings": arguments.resamplings, "seed": arguments.seed, "interval": 0.95}
    report = as_report({**images.origin, "bootstrap": bootstrap}, results)
    text = _text(images.origin, results, arguments)
    if arguments.output is not None:
        _write(arguments.output, arguments.paths, report, text, results, pictured)
    print(to_json(report) if arguments.json else text)


def _check(arguments):
    """Look at what is given before TensorFlow starts."""
    from fcn_keras_console.files import require_folder

    arguments.paths = [arguments.a, arguments.b, *arguments.more]
    _check_draws(arguments.resamplings, len(arguments.paths))
    for name in ("seed", "pictures"):
        if getattr(arguments, name) < 0:
            raise ValueError(f"--{name} is not negative. Received: {getattr(arguments, name)}.")
    if arguments.labels is None:
        _check_models(arguments)
    else:
        from ..scoring.label_files import label_files_of

        for path in arguments.paths:
            label_files_of(arguments, path)
    if arguments.output is not None:
        require_folder(arguments.output)


def _check_draws(draws, models):
    from .bootstrap import LEAST_DRAWS, LETTERS

    if models > len(LETTERS):
        raise ValueError(f"At most {len(LETTERS)} models are compared at once. Received: {models}.")
    pairs = models * (models - 1) // 2
    least = max(100, LEAST_DRAWS * pairs if pairs > 1 else 0)
    if draws < least:
        of = f" for the {pairs} pairs of {models} models" if pairs > 1 else ""
        raise ValueError(f"--resamplings is at least {least}{of}. Received: {draws}.")


def _check_models(arguments):
    from fcn_keras_console.workdir import decisions_beside, find_model

    from ..scoring.split import check_options

    paths = arguments.paths = [find_model(path) for path in arguments.paths]
    trained = [decisions_beside(path) for path in paths]
    if not (any(each.get("recipe") for each in trained) or arguments.recipe or arguments.data):
        named = " or ".join(map(str, paths))
        raise ValueError(f"There is no recipe.json beside {named}: say --data DIR, or --recipe NAME.")
    usual = next(filter(None, trained), trained[0])
    for each in trained:
        check_options(arguments, each or usual)


def _score(images, arguments):
    """Return by head what every image adds up to, and the images where A and B differ most."""
    from .figures import LargestDifferences
    from .tally import Tally

    count = arguments.pictures if arguments.output is not None else 0
    options = {"models": len(arguments.paths), "boundaries": arguments.boundaries}
    tallies = {head: Tally(number, **options) for head, number in images.counts.items()}
    largest = {head: LargestDifferences(count) for head in tallies}
    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        for done, each in enumerate(images, 1):
            first = each[0]
            for head, tally in tallies.items():
                truth, labels = first.truth[head], [x.labels[head] for x in each]
                outcome = tally.add(first.name, truth, labels, [x.matrices[head] for x in each])
                if outcome is not None:
                    largest[head].add(first.name, first.example.get("image"), truth, labels, outcome)
            LOG.debug("%s: %d of %d scored", first.name, done, images.total)
            progress(done, images.total)
    return tallies, largest


def _result(tally, images, head, arguments):
    """Return one head's comparison as JSON's types, and the names of its classes."""
    from .bootstrap import bootstrap
    from .several import several
    from .table import comparison

    count, sums = images.counts[head], tally.rows()
    if not sums[0][:, 1].any():
        raise ValueError("Every pixel of the split is void (255): there is nothing to compare.")
    if arguments.labels is not None and arguments.classes is None:
        count = 1 + max(rows[:, 1:3].any(axis=(0, 1)).nonzero()[0].max() for rows in sums)
    names, options = images.class_names[head][:count], {"times": arguments.resamplings, "seed": arguments.seed}
    sums = [rows[..., :count] for rows in sums]
    with Progress("Resampling", "draws", quiet=arguments.quiet) as progress:
        if len(sums) > 2:
            return several(sums, tally.widths, names, progress=progress, **options), names
        metrics = bootstrap(*sums, tally.widths, progress=progress, **options)
    return comparison(metrics, tally.outcomes(), tally.names, names), names


def _text(origin, results, arguments):
    from fcn_keras_console.words import counted

    from ..scoring.split import described, left_alone
    from ..scoring.summary import by_head
    from . import several, table
    from .bootstrap import LETTERS

    place = described(origin) if "split" in origin else origin["labels"]
    draws = f"intervals from {arguments.resamplings} draws of the images, seed {arguments.seed}"
    lines = [f"{letter}  {path}" for letter, path in zip(LETTERS, arguments.paths, strict=False)]
    lines.append(f"{place}: {counted(origin['images'], 'image')}, in percent; {draws}")
    laid_out = (several if len(arguments.paths) > 2 else table).table
    texts = {head: laid_out(result) for head, result in results.items()}
    return by_head("\n".join(map(in_one_line, lines)), texts) + left_alone(origin)


def _write(folder, paths, report, text, results, pictured):
    from fcn_keras.boundary import WIDTHS
    from fcn_keras_console.files import to_json, written_together

    from ..scoring.panels import write_figure
    from .figures import differences, models_beside, trimaps

    with written_together(folder, "compare.json") as new:
        for head, result in results.items():
            suffix = f"_{head}" if head else ""
            for place, (name, figure) in enumerate(pictured[head], 1):
                stem = re.sub(r"[^\w.-]+", "_", name.removeprefix("image "))[:100]
                write_figure(figure, new / "pictures" / f"{place:02}{suffix}_{stem}.png")
            beside = "models" in result
            drawn = models_beside(result, paths) if beside else differences(result)
            write_figure(drawn, new / f"compare{suffix}.png")
            if not beside and "boundary_f1" in result["metrics"]:
                write_figure(trimaps(result, WIDTHS), new / f"trimaps{suffix}.png")
        (new / "compare.txt").write_text(text + "\n", encoding="utf-8")
        (new / "compare.json").write_text(to_json(report) + "\n", encoding="utf-8")
