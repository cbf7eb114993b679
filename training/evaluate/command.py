"""`fcn-evaluate`: the paper's four metrics and the IU of every class over a whole split."""

from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.printing import in_one_line

from .. import reading
from ..scoring import calibration_options, scale_options, tta_options
from ..scoring.split import add_options

DESCRIPTION = """Score a model over a whole split, every image at its own size: pixel accuracy, mean accuracy, mean IU,
frequency weighted IU, and the IU of every class, each with a 95 % interval: what chance in the choice of the images
does (a bootstrap over them), not what another training would change. A model that fcn-train wrote knows its data:
recipe.json beside it names the recipe and the folder. With --labels, score label files that anything wrote; their
classes are as many as the highest id, unless --classes says otherwise. Where images are far larger than those that the
model was trained on, it says so: --scale trained scores them as fcn-predict labels them. A model whose training reduced
its photographs is scored so anyway.

--boundaries adds how good the labels are where classes meet: the metrics in trimaps, bands of 1 to 32 pixels on either
side of the true boundaries (those of void, too); boundary F1: of every class in every image, how many boundary pixels
lie within 0.75 % of the image's diagonal of the other's, averaged over the images that have the class's boundary, then
over the classes that have one; and Boundary IoU: the IU within bands inside the regions' outlines, 2 % of the diagonal
wide, over all images together.

--calibration tells how far the probabilities (softmax of the scores) can be believed: mean confidence beside accuracy;
ECE, the mean gap between both among pixels of like confidence; Brier score and NLL; a reliability diagram in --output;
and the temperature that fits best, which fcn-export and fcn-predict take as --temperature. What it would give is
measured on halves of the images, each at the temperature of the other half."""
EXAMPLES = (
    ("fcn-evaluate runs/quick_fcn8s", "the best net of a stage, on the split it was validated on"),
    ("fcn-evaluate net.keras --data photos --split test --output scores", "files and a picture besides"),
    ("fcn-evaluate labelled/labels --labels photos/val/labels", "label files of any origin"),
    ("fcn-evaluate runs/quick_fcn8s --boundaries", "what a finer stride buys shows along the boundaries"),
    ("fcn-evaluate runs/quick_fcn8s --calibration", "whether it is right as often as it is sure"),
)
CODES = {0: "files were scored", 2: "one cannot be read, or with --on-error skip none can, or something else is wrong"}


def main(argv=None):
    return run("fcn-evaluate", _evaluate, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-evaluate", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument(
        "model",
        type=Path,
        help="a .keras file, a stage's folder, or a workdir: then its finest stage; what fcn-export wrote: a served "
        "model's folder, .onnx, .xml, .tflite; with --labels, a PNG of class ids (grey or palette) or a folder of them",
    )
    add_options(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PATH",
        help="score label files: the true ones, a file or a folder of the same stems",
    )
    parser.add_argument("--boundaries", action="store_true", help="score trimaps, boundary F1 and Boundary IoU as well")
    calibration_options.add_options(parser)
    parser.add_argument(
        "--output",
        type=Path,
        help="folder for metrics.json, metrics.txt and metrics.png, with --calibration calibration.png; replaces older "
        "ones",
    )
    scale_options.add_option(parser, None)
    tta_options.add_options(parser)
    reading.add_option(parser)
    add_reporting(parser, json="metrics from 0 to 1, not the table in percent")
    return parser


def _evaluate(arguments):
    _check(arguments)
    start_tensorflow()
    from fcn_keras_console.files import to_json
    from fcn_keras_console.words import rough_sentence

    from ..scoring.images import require_scored
    from ..scoring.split import left_alone
    from ..scoring.summary import as_report, by_head, summaries

    unreadable = reading.Unreadable("fcn-evaluate", arguments.on_error)
    score = _score_files if arguments.labels is not None else _score_exported if arguments.exported else _score_model
    arguments.calibrations = {}
    scores, title, origin, class_names = score(arguments, unreadable if arguments.on_error == "skip" else None)
    require_scored(scores, unreadable)
    if unreadable.skipped:
        origin["skipped"] = unreadable.skipped
    results = summaries(scores, class_names)
    for head, calibration in arguments.calibrations.items():
        results[head]["calibration"] = calibration.summary(class_names[head])
    report = as_report(origin, results)
    text = by_head(in_one_line(title) + unreadable.counted(), {head: _told(result) for head, result in results.items()})
    text += f"\n\n{few}" if (few := rough_sentence(len(scores.images))) else ""
    text += left_alone(origin)
    if arguments.output is not None:
        _write(arguments.output, report, text, results)
    print(to_json(report) if arguments.json else text)
    if arguments.labels is None and arguments.exported is None:
        _say_next(arguments)


def _told(result):
    from ..scoring.calibration import sentences
    from ..scoring.summary import table

    return table(result) + (f"\n\n{sentences(x)}" if (x := result.get("calibration")) else "")


def _say_next(arguments):
    """Name the report of a run, or the export of a net alone."""
    from fcn_keras_console.next_step import say_next, stage_or_file
    from fcn_keras_console.workdir import decisions_beside

    named = stage_or_file(arguments.model)
    if decisions_beside(arguments.model):
        say_next(arguments, "fcn-report", named.parent if named.is_dir() else named)
    else:
        say_next(arguments, "fcn-export", named, "models/fcn")


def _check(arguments):
    """Look at what is given before TensorFlow starts."""
    from fcn_keras_console.exported.find import find_exported
    from fcn_keras_console.exported.integrity import require_as_exported
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.workdir import find_model

    from ..scoring.split import check_options_of_model

    arguments.exported = None
    calibration_options.check(arguments)
    scales, scale = tta_options.scales_of(arguments), arguments.scale and scale_options.scale_of(arguments)
    if arguments.labels is None:
        arguments.exported = exported = find_exported(arguments.model)
        arguments.model = find_model(arguments.model) if exported is None else exported.path
        if exported is not None:
            tta_options.refuse(arguments, exported.path)
        check_options_of_model(arguments, arguments.model)
        if exported is not None:
            require_as_exported(exported)
    else:
        from ..scoring.label_files import label_files_of

        if scales is not None:
            raise ValueError("--tta is a model's way to label; --labels scores files. Leave one of them out.")
        if arguments.scale is not None and scale != 1:
            raise ValueError("--scale is for a model's images; --labels scores files. Leave one of them out.")
        if arguments.calibration:
            raise ValueError("--calibration is of a model's scores; --labels scores files. Leave one of them out.")
        label_files_of(arguments, arguments.model)
    if arguments.output is not None:
        require_folder(arguments.output)


def _score_model(arguments, unreadable):
    """Return `SplitScores`, a title, where both come from as JSON's types, and the class names by head."""
    from fcn_keras.interface import class_counts, heads_of
    from fcn_keras.scaled_inference import photographs_of
    from fcn_keras_console.words import counted

    from ..scoring.images import label_images, score_split
    from ..scoring.split import described, open_split_of_model
    from ..workdir.trained_model import load_model

    scales, given = tta_options.scales_of(arguments), arguments.scale and scale_options.scale_of(arguments)
    path = arguments.model
    model = load_model(path)
    known = photographs_of(model)
    scale = scale_options.usual_scale(known) if arguments.scale is None else given
    examples, origin = open_split_of_model(arguments, path, class_counts(model))
    calibrations = calibration_options.calibrations_of(arguments, class_counts(model), examples)
    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        options = {"scales": scales, "scale": scale, "with_scores": arguments.calibration, "unreadable": unreadable}
        images = label_images(model, examples, **options, progress=progress)
        scores = score_split(images, boundaries=arguments.boundaries, calibrations=calibrations)
    title = f"{path} on {described(origin)}: {counted(len(scores.images), 'image')}, in percent"
    origin = {"model": str(path), **origin}
    if scales is not None:
        title += f"; mean of copies at {', '.join(map('{:g}'.format, scales))}, plain and mirrored"
        origin["tta_scales"] = list(scales)
    if scale != 1:
        origin["scale"] = arguments.scale or "trained"
        title += f"; scored with --scale {origin['scale']}"
    title += scale_options.far_larger(known, [image.size for image in scores.images], scale)
    return scores, title, {**origin, "images": len(scores.images)}, heads_of(examples.class_names)


def _score_exported(arguments, unreadable):
    """Return the same of a network that `fcn-export` wrote, run by its own runtime."""
    from fcn_keras.interface import heads_of
    from fcn_keras_console.words import counted

    from ..exported.net import ExportedNet
    from ..scoring.images import label_by, labels_of, score_split
    from ..scoring.split import described, open_split_of_model

    net = ExportedNet(arguments.exported)
    scale = arguments.scale and scale_options.scale_of(arguments)
    net.check_scale(scale)
    examples, origin = open_split_of_model(arguments, net.path, net.counts, next(iter(net.names.values())))
    calibrations = calibration_options.calibrations_of(arguments, net.counts, examples)

    def label(pixels):
        return labels_of(net.scores(pixels, scale)) if arguments.calibration else (net(pixels, scale), {})

    with Progress("Scoring", "images", quiet=arguments.quiet) as progress:
        options = {"unreadable": unreadable, "progress": progress}
        images = label_by(label, net.counts, net.modality, examples, **options)
        scores = score_split(images, boundaries=arguments.boundaries, calibrations=calibrations)
    title = f"{net.path} by {net.runtime} on {described(origin)}: {counted(len(scores.images), 'image')}, in percent"
    origin = {"model": str(net.path), "runtime": net.runtime, **origin, "images": len(scores.images)}
    if scale not in (None, 1) or (scale is None and net.scale not in (None, 1)):
        origin["scale"] = arguments.scale or "trained"
        title += f"; scored with --scale {origin['scale']}"
    return scores, title, origin, heads_of(examples.class_names)


def _score_files(arguments, unreadable):
    """Return the same of label files against the true ones."""
    from fcn_keras_console.words import counted

    from ..scoring.images import score_split
    from ..scoring.label_files import label_files_of, number_of_classes

    files = label_files_of(arguments, arguments.model)
    with Progress("Scoring", "files", quiet=arguments.quiet) as progress:
        images = files.labelled(unreadable=unreadable, progress=progress)
        scores = score_split(images, boundaries=arguments.boundaries)
    left = f"; {files.alone} more labels have no prediction" if files.alone else ""
    title = f"{arguments.model} against {arguments.labels}: {counted(len(scores.images), 'file')}, in percent{left}"
    origin = {
        "predictions": str(arguments.model),
        "labels": str(arguments.labels),
        "images": len(scores.images),
        "labels_without_prediction": files.alone,
    }
    origin |= {"left_alone": files.left_alone} if files.left_alone else {}
    names = files.class_names
    if arguments.classes is None:
        names = names[: max(map(number_of_classes, scores.matrices.values()), default=0)]
    return scores, title, origin, {"": names}


def _write(folder, report, text, results):
    from fcn_keras_console.files import to_json, written_together

    from ..scoring.calibration import diagram
    from ..scoring.panels import write_figure
    from ..scoring.summary import picture

    with written_together(folder, "metrics.json") as place:
        for head, result in results.items():
            if "calibration" in result:
                write_figure(diagram(result["calibration"]), place / f"calibration{head and f'_{head}'}.png")
            picture(result).save(place / (f"metrics_{head}.png" if head else "metrics.png"), format="PNG")
        (place / "metrics.txt").write_text(text + "\n", encoding="utf-8")
        (place / "metrics.json").write_text(to_json(report) + "\n", encoding="utf-8")
