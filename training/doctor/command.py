"""`fcn-doctor`: look a data set over before anyone trains on it, and say what is wrong in words."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

from fcn_keras_console import Parser, Progress, add_reporting, run

from . import fold_options
from .import_command import add_options, check_options, import_annotations

DESCRIPTION = """Look a data set over before anyone trains on it: its folders, files, masks, ids, sizes, classes and
duplicates.

With --model, ask a trained net which masks are wrong: images, regions and pairs of classes, ranked by how surely it
contradicts the masks, more than it does elsewhere. With --folds, train nets for that, so that each mask is judged by
one that never saw it.

With --import, first make that data set: images and masks in folders, from the annotations of other tools in DIR."""
EXAMPLES = (
    ("fcn-doctor photos", "look photos/train and photos/val over"),
    ("fcn-doctor photos --output report", "keep the report, a picture, and weights for rare classes"),
    ("fcn-doctor photos --html doctor.html", "a page with thumbnails of what was found, and where each class lies"),
    (
        "fcn-doctor photos --model runs --html doctor.html",
        "also the masks that the net of runs contradicts, as pictures",
    ),
    (
        "fcn-doctor photos --folds 5 --minutes 10 --html doctor.html",
        "the same, by five nets that never saw what they judge, trained in 50 minutes",
    ),
    ("fcn-doctor photos --fix fixed", "write a corrected copy, with a list of what changed"),
    ("fcn-doctor photos --fix fixed --read-as zero-void", "the same, where id 0 means unlabelled"),
    ("fcn-doctor annotated --import --into photos", "make a data set of what another tool wrote, and look it over"),
    ("fcn-doctor annotated --import labelme --into photos", "the same of LabelMe's files, whatever else lies there"),
    ("fcn-doctor annotations --import coco --images pictures --into photos", "the same of COCO's"),
    (
        "fcn-doctor set --import ids --images 'x/*.jpg' --masks 'y/{name}_mask.png' --classes ids.txt --into photos",
        "masks of ids in a layout of their own",
    ),
    (
        "fcn-doctor labelled/labelme --import labelme --images photos --classes runs/quick_fcn8s/classes.txt "
        "--unlabelled void --into corrected",
        "of the labels of fcn-predict --format labelme, corrected by hand; without void if background is a class",
    ),
)
READINGS = (  # the names of `numbering.READINGS`, whose module brings NumPy
    "zero-void",
    "zero-background",
    "last-void",
    "multiples",
    "others-void",
    "from-one",
    "zero-absent",
    "foreground-255",
    "void-255",
    "first-file",
)
CODES = {
    0: "no error (there may be notes)",
    1: "errors; with --fix, in the corrected copy; with --import, in what was written",
    2: "DIR is no data set, or no such annotations",
}


def main(argv=None):
    return run("fcn-doctor", _doctor, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-doctor", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    parser.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="folder of the data set, as fcn-train --data takes; with --import, of the annotations (or COCO's JSON)",
    )
    parser.add_argument("--classes", help="class file, or number of classes (default: classes.txt; else from the ids)")
    parser.add_argument("--ignore-label", type=int, default=255, help="void id besides 255, of masks that hold ids")
    parser.add_argument("--output", type=Path, help="folder for doctor.json, doctor.txt and doctor.png")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="one page for a browser: the report with thumbnails of what was found"
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="ask this net which masks are wrong: a .keras file, a stage's folder or a workdir; best one that was not "
        "trained on these images. What it contradicts is told, counts as no error, and --fix leaves it",
    )
    parser.add_argument("--fix", type=Path, metavar="OUT", help="write a corrected copy to this new folder")
    parser.add_argument(
        "--read-as",
        action="append",
        default=[],
        choices=READINGS,
        metavar="NAME",
        help="with --fix, what masks mean that may mean several things; the report names what fits. Several times for "
        f"several questions: {', '.join(READINGS)}",
    )
    add_reporting(parser, json="the whole report, not the table")
    fold_options.add_options(parser)
    add_options(parser)
    return parser


def _doctor(arguments):
    from fcn_keras_console.files import require_folder
    from fcn_keras_console.options import classes_of

    from .examination import examination

    check_options(arguments)
    if arguments.read_as and arguments.fix is None:
        raise ValueError("--read-as goes with --fix OUT: the data set itself is never changed.")
    classes = None if arguments.classes is None else classes_of(arguments.classes)
    if arguments.output is not None:
        require_folder(arguments.output)
    _check_page(arguments.html)
    fold_options.check_options(arguments)
    model = _model(arguments)
    imported = None
    directory, reading = arguments.directory, {"ignore_label": arguments.ignore_label, "classes": classes}
    if arguments.kind is not None:
        imported = import_annotations(arguments, classes)
        directory, reading = arguments.into, {}
    with Progress("Reading", "pairs", quiet=arguments.quiet) as progress:
        result = examination(directory, **reading, progress=progress)
    asked = _asked(result, model, arguments)
    last, as_dict, as_text = _fixed(result, arguments)
    if imported is not None:
        as_dict["import"] = asdict(imported)
        as_text = f"{imported.text()}\n\n{as_text}"
    if asked is not None:
        as_dict["suspects"] = asdict(asked.suspects)
        as_text = f"{as_text}\n\n{asked.text}"
    _save(arguments, result, as_dict, as_text, asked)
    _say_next(arguments, last)
    return 1 if last.errors else 0


def _say_next(arguments, report):
    """Name the training of what is without errors, or the correction of what is not, unless that has to be chosen."""
    from fcn_keras_console.next_step import free_folder, say_next

    directory = arguments.fix or arguments.into or arguments.directory
    reading = []  # a copy and an imported data set say themselves how they are read
    if directory == arguments.directory:
        reading += ["--classes", arguments.classes] if arguments.classes else []
        reading += ["--ignore-label", arguments.ignore_label] if arguments.ignore_label != 255 else []
    if not report.errors and not {"train", "all"} & set(report.images):
        only = [directory / name for name in report.images if (directory / name).is_dir()]
        if len(only) == 1:  # of a folder above the data set
            say_next(arguments, "fcn-doctor", only[0], *reading)
    elif not report.errors:
        say_next(arguments, "fcn-train", "--data", directory, "--minutes", 10, *reading)
    elif arguments.fix is None and not any(finding.readings for finding in report.errors):
        copy = free_folder(directory.with_name(f"{directory.name}-fixed"))
        say_next(arguments, "fcn-doctor", directory, "--fix", copy, *reading)


def _check_page(path):
    """Make sure that the page can be written before anything is read."""
    from fcn_keras_console.files import require_folder

    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"--html {path} is a folder. Name the file to write, such as {path / 'doctor.html'}.")
    require_folder(path.parent, "--html")


def _fixed(result, arguments):
    """Write the corrected copy if one is wanted; return the last report, and all of it as JSON-able dict and text."""
    from .examination import examine
    from .fix import fix
    from .report import text

    as_dict, as_text = asdict(result.report), text(result.report)
    if arguments.fix is None:
        return result.report, as_dict, as_text
    fixed = fix(result, arguments.fix, share=arguments.val, seed=arguments.seed, read_as=arguments.read_as)
    reading = {"ignore_label": fixed.ignore_label, "classes": fixed.classes}
    with Progress("Reading the copy", "pairs", quiet=arguments.quiet) as progress:
        after = examine(arguments.fix, **reading, progress=progress)
    as_dict["fix"] = {**asdict(fixed), "findings": asdict(after)["findings"]}
    return after, as_dict, f"{as_text}\n\n{fixed.text(after)}"


def _model(arguments):
    """Find the net to ask, and start TensorFlow, before anything else brings what starts it; or say what is trained."""
    from fcn_keras_console import start_tensorflow
    from fcn_keras_console.workdir import find_model

    if arguments.folds is not None:
        fold_options.say_plan(arguments)
    if arguments.model is None:
        return None
    path = find_model(arguments.model)
    start_tensorflow()
    return path


def _asked(result, path, arguments):
    """Ask a net, or those of folds, about the masks; return `Suspects`, as text and, for a page, as section.

    None where nobody is to be asked.
    """
    if path is None and arguments.folds is None:
        return None
    from .asked_net import AskedNet
    from .folds import train_folds
    from .suspects import find_suspects
    from .suspects_report import section, text

    names = result.report.class_names
    net = train_folds(result, arguments) if path is None else AskedNet(path, names)
    with Progress("Asking", "images", quiet=arguments.quiet) as progress:
        suspects = find_suspects(result, net, progress=progress)
    drawn = None if arguments.html is None else section(result, suspects, net)
    return SimpleNamespace(suspects=suspects, text=text(suspects, names), section=drawn)


def _save(arguments, result, as_dict, as_text, asked):
    """Write the report where it is wanted, and print it."""
    from fcn_keras_console.files import to_json, write_text, written_together

    # Bytes of file names that are not UTF-8 are surrogates, which cannot be written; as escapes they are JSON as well.
    as_text, json = (text.encode(errors="backslashreplace").decode() for text in (as_text, to_json(as_dict)))
    if arguments.output is not None:
        from .report import picture

        with written_together(arguments.output, "doctor.json") as place:
            picture(result).savefig(place / "doctor.png", format="png", dpi=120)
            (place / "doctor.txt").write_text(as_text + "\n", encoding="utf-8")
            (place / "doctor.json").write_text(json + "\n", encoding="utf-8")
    if arguments.html is not None:
        from .page import page

        write_text(arguments.html, page(result, asked and asked.section))
    print(json if arguments.json else as_text)
