"""`fcn-evaluate`: the paper's four metrics and the IU of every class over a whole split."""

from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run

from .. import reading as unreadable
from ..scoring import tta_options as augmentation
from ..scoring.split import add_options

DESCRIPTION = """Score a model over a whole split, every image at its own size: pixel accuracy, mean accuracy, mean IU,
frequency weighted IU, and the IU of every class. A model that fcn-train wrote knows its data: recipe.json beside it
names the recipe and the folder. With --labels, score label files that anything wrote; their classes are as many as the
highest id, unless --classes says otherwise.

--boundaries adds how good the labels are where classes meet: the metrics in trimaps, bands of 1 to 32 pixels on either
side of the true boundaries (those of void, too), and boundary F1: of every class in every image, how many boundary
pixels lie within 0.75 % of the image's diagonal of the other's, averaged over the images that have the class's
boundary, then over the classes that have one."""
EXAMPLES = (
    ("fcn-evaluate runs/folder_fcn8s", "the best net of a stage, on the split it was validated on"),
    ("fcn-evaluate net.keras --data photos --split test --output scores", "files and a picture besides"),
    ("fcn-evaluate labelled/labels --labels photos/val/labels", "label files of any origin"),
    ("fcn-evaluate runs/folder_fcn8s --boundaries", "what a finer stride buys shows along the boundaries"),
)
CODES = {0: "files were scored", 2: "one cannot be read, or with --on-error skip none can, or something else is wrong"}


def main(argv=None):
    return run("fcn-evaluate", _evaluate, _parser().parse_args(argv), tensorflow=True)


def _parser():
    parser = Parser("fcn-evaluate", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument(
        "model",
        type=Path,
        help="a .keras file, or a stage's folder: then its best.keras; with --labels, a PNG of class ids (grey or "
        "palette) or a folder of them",
    )
    add_options(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PATH",
        help="score label files: the true ones, a file or a folder of the same stems",
    )
    parser.add_argument("--boundaries", action="store_true", help="score trimaps and boundary F1 as well")
    parser.add_argument(
        "--output", type=Path, help="folder for metrics.json, metrics.txt and metrics.png; replaces older ones"
    )
    augmentation.add_options(parser)
    unreadable.add_option(parser)
    add_reporting(parser, json="metrics from 0 to 1, not the table in percent")
    return parser


def evaluate(model, examples, *, boundaries=None, progress=None, on_error=None, scales=None):
    """Count where the pixels of every class went over a whole data set, each image at its own size.

    Args:
        model: a network of this package.
        boundaries: dict by head of `fcn_keras.BoundaryScores`, that every image is added to.
        examples, progress, on_error, scales: as for `score_images`.

    Returns:
        dict of `(C, C)` int64 confusion matrices by head, rows truth, columns prediction; `fcn_keras.scores` turns
        one into metrics. The only head of most models is `""`.

    Raises:
        ValueError: as `score_images`.
    """
    import numpy as np

    from fcn_keras.interface import class_counts

    from ..scoring.images import score_images

    matrices = {head: np.zeros((count, count), np.int64) for head, count in class_counts(model).items()}
    for scored in score_images(model, examples, progress=progress, on_error=on_error, scales=scales):
        for head, matrix in scored.matrices.items():
            matrices[head] += matrix
        for head, found in (boundaries or {}).items():
            found.update(scored.truth[head], scored.labels[head])
    return matrices


def _evaluate(arguments):
    from fcn_keras_console.environment import versions
    from fcn_keras_console.files import to_json

    from ..scoring.summary import summary, table

    bad = unreadable.Unreadable("fcn-evaluate", arguments.on_error)
    score = _score_model if arguments.labels is None else _score_files
    origin, title, matrices, names, boundaries = score(arguments, bad)
    bad.require_some(origin["images"])
    if bad.skipped:
        origin, title = {**origin, "skipped": bad.skipped}, title + bad.told()
    results = {}
    for head, matrix in matrices.items():
        if not matrix.any():
            raise ValueError("Every pixel of the split is void (255): there is nothing to score.")
        results[head] = summary(matrix, names[head], boundaries.get(head))
    report = {**origin, "versions": versions(), **results.get("", {"heads": results})}
    tables = [f"{head}\n{table(result)}" if head else table(result) for head, result in results.items()]
    text = "\n\n".join([title, *tables])
    if arguments.output is not None:
        _write(arguments.output, report, text, results)
    print(to_json(report) if arguments.json else text)


def _score_model(arguments, bad):
    """Return what is scored as JSON's types, a title; confusion matrices, class names, `BoundaryScores` by head."""
    from fcn_keras import BoundaryScores
    from fcn_keras.interface import class_counts, heads_of
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.workdir import decisions_beside, find_model

    from ..scoring.images import require_same_classes
    from ..scoring.split import described, open_split
    from ..workdir.trained_model import class_names_beside, load_model

    scales = augmentation.scales_of(arguments)
    path = find_model(arguments.model)
    model = load_model(path)
    counts, trained = class_counts(model), decisions_beside(path)
    if not (trained.get("recipe") or arguments.recipe or arguments.data):
        raise ValueError(f"There is no recipe.json beside {path}: say --data DIR, or --recipe NAME.")
    examples, origin = open_split(
        arguments, trained, classes=lambda: class_names_beside(path) or next(iter(counts.values()))
    )
    require_same_classes(counts, examples)
    if arguments.output is not None:
        require_folder(arguments.output)
    on_error = bad if arguments.on_error == "skip" else None
    boundaries = {head: BoundaryScores(count) for head, count in counts.items() if arguments.boundaries}
    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        options = {"progress": progress, "on_error": on_error, "scales": scales}
        matrices = evaluate(model, examples, boundaries=boundaries, **options)
    count = len(examples) - len(bad.skipped)
    title = f"{path} on {described(origin)}: {count} images, in percent"
    copies = {} if scales is None else {"tta_scales": list(scales)}
    if scales is not None:
        title += f"; mean of copies at {', '.join(map('{:g}'.format, scales))}, plain and mirrored"
    origin = {"model": str(path), **origin, **copies, "images": count}
    return origin, title, matrices, heads_of(examples.class_names), boundaries


def _score_files(arguments, bad):
    """Return the same of label files against the true ones."""
    from fcn_keras import BoundaryScores
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.options import classes_of

    from ..scoring.label_files import VOID, LabelFiles, evaluate_files, highest_id

    if augmentation.scales_of(arguments) is not None:
        raise ValueError("--tta is a model's way to label; --labels scores files. Leave one of them out.")
    for name in ("data", "split", "recipe"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} says where a model's images are; --labels scores files. Leave one of them out.")
    if arguments.output is not None:
        require_folder(arguments.output)
    files = LabelFiles(
        arguments.model,
        arguments.labels,
        classes=None if arguments.classes is None else classes_of(arguments.classes),
        ignore_label=VOID if arguments.ignore_label is None else arguments.ignore_label,
    )
    on_error = bad if arguments.on_error == "skip" else None
    boundaries = BoundaryScores(len(files.class_names)) if arguments.boundaries else None
    with Progress("Scoring", "files", quiet=arguments.quiet) as progress:
        matrix, count = evaluate_files(files, boundaries=boundaries, progress=progress, on_error=on_error)
    classes = len(files.class_names) if arguments.classes is not None else 1 + highest_id(matrix)
    origin = {"predictions": str(arguments.model), "labels": str(arguments.labels), "images": count}
    origin["labels_without_prediction"] = files.alone
    left = f"; {files.alone} more labels have no prediction" if files.alone else ""
    amount = f"{count} {'file' if count == 1 else 'files'}"
    title = f"{arguments.model} against {arguments.labels}: {amount}, in percent{left}"
    return origin, title, {"": matrix[:classes, :classes]}, {"": files.class_names[:classes]}, {"": boundaries}


def _write(folder, report, text, results):
    from fcn_keras_console.files import to_json, write_text, written

    from ..scoring.summary import picture

    for head, result in results.items():
        with written(folder / (f"metrics_{head}.png" if head else "metrics.png")) as temporary:
            picture(result).save(temporary, format="PNG")
    write_text(folder / "metrics.txt", text + "\n")
    write_text(folder / "metrics.json", to_json(report) + "\n")
