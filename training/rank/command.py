"""`fcn-rank`: which photographs to label next, and the net's labels of them to correct."""

import logging
from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run
from fcn_keras_console.given import require_directory, require_range
from fcn_keras_console.printing import say

from .. import reading
from ..scoring import scale_options, tta_options

LOG = logging.getLogger("fcn-rank")
MEASURES = ("entropy", "margin", "agreement")
FORMATS = ("labelme", "cvat", "label-studio", "coco")
TOP = 20

DESCRIPTION = """Order photographs without labels, to label them: first those of which a net is least sure, each unlike
those before it.

How sure the net is of a photograph, --by says: entropy, the mean entropy of its pixels, from 0 (sure) to 1 (all classes
alike); margin, the mean difference of the two highest probabilities; agreement, the share of the pixels that all copies
of --tta label alike. With --tta, entropy and margin are those of the mean of the copies. Two photographs are as far
apart as the means of fc7 over each: 1 minus their cosine. The first of the order is the one that the net is least sure
of; the next is always the one whose uncertainty (the entropy, or 1 minus the margin or the agreement) times its
distance to the nearest of those before it is the largest. So of photographs that are nearly the same one is taken.
Photographs that the net's run was trained or validated on are left out, by their bytes, and counted.

--output DIR, a new folder, gets ranking.csv, and sheet.jpg with the net's labels and a map of its uncertainty beside
each photograph; with --format also copies of the photographs, DIR/photographs, and the net's labels of them as
fcn-predict writes that format, to be corrected. fcn-doctor --import reads what comes back."""
EXAMPLES = (
    ("fcn-rank runs/road new_photos", "the 20 to label next, and why"),
    ("fcn-rank runs/road new_photos --output round1", "and round1/sheet.jpg, to look at"),
    ("fcn-rank runs/road new_photos --output round1 --format labelme", "and their labels, to correct in LabelMe"),
    ("fcn-rank runs/road new_photos --tta --by agreement", "where mirrored and rescaled copies get other labels"),
)
CODES = {0: "photographs were ordered", 2: "one cannot be read, or with --on-error skip none can"}


def main(argv=None):
    return run("fcn-rank", _rank, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-rank", DESCRIPTION, examples=EXAMPLES, codes=CODES)
    add = parser.add_argument
    add("model", type=Path, help="a .keras file, a stage's folder, or a workdir: then its finest stage")
    add("photos", type=Path, help="folder of photographs, with its sub-folders")
    add("--top", type=int, default=TOP, metavar="N", help="how many to label next (default: %(default)s)")
    add("--by", choices=MEASURES, default="entropy", help="what tells how sure the net is (default: %(default)s)")
    add("--output", type=Path, metavar="DIR", help="new folder for the table, the contact sheet and what --format says")
    add("--format", choices=FORMATS, help="write the photographs and the net's labels of them to DIR, to be corrected")
    scale_options.add_option(parser, "trained")
    tta_options.add_options(parser)
    reading.add_option(parser)
    add_reporting(
        parser,
        json="model, by, photographs, labelled (those left out; null where the net's run has no list), ranking (for "
        "each its place, file, numbers, and the nearest before it), output",
    )
    # As fcn-predict has them where nothing is given.
    parser.set_defaults(memory=None, tile=None, precision=None, temperature=None)
    return parser


def _rank(arguments):
    from fcn_keras_console.files import new_folder, require_folder
    from fcn_keras_console.workdir import find_model

    _check(arguments)
    path = find_model(arguments.model)
    bad = reading.Unreadable("fcn-rank", arguments.on_error)
    images, labelled, others = _photographs(arguments, path, bad)
    if arguments.output is None:
        return _rank_all(arguments, path, images, labelled, others, bad, None)
    require_folder(arguments.output.parent)
    with new_folder(arguments.output, "--output", arguments.photos) as folder:
        return _rank_all(arguments, path, images, labelled, others, bad, folder)


def _check(arguments):
    """Look at what is given before TensorFlow starts."""
    from fcn_keras_console.exported.find import find_exported

    require_range("--top", arguments.top, least=1)
    tta_options.scales_of(arguments)
    scale_options.scale_of(arguments)
    require_directory(arguments.photos, "", "Name the folder of photographs.")
    if arguments.by == "agreement" and not arguments.tta:
        raise ValueError("--by agreement compares copies of a photograph: say --tta too.")
    if arguments.format and arguments.output is None:
        raise ValueError("--format writes photographs and labels. Say where with --output DIR.")
    if (exported := find_exported(arguments.model)) is not None:
        raise ValueError(
            f"{exported.path} is what fcn-export wrote, which gives no features of fc7 to tell photographs apart by. "
            "Name the .keras file that it was made of."
        )


def _photographs(arguments, path, bad):
    """List the photographs that can be read and are not labelled yet.

    Returns:
        them, how many were left out as labelled (None if no list says so), and what else lies there, in words.
    """
    from fcn_keras_console.words import counted

    from ..predict.inputs import find_images, image_finder, require_readable, without_unreadable
    from .labelled import without_labelled

    finder, passed_over = image_finder(), []
    found = find_images(finder, [str(arguments.photos)], {}, None, passed_over)
    if arguments.on_error == "fail":
        require_readable(found)
    else:
        found = without_unreadable(found, bad)
        bad.require_some(found)
    images, labelled = without_labelled(found, path)
    if not images:
        raise ValueError(f"The run of {path} knows all of {counted(labelled, 'photograph')} in {arguments.photos}.")
    return images, labelled, finder.left_alone(passed_over)


def _rank_all(arguments, path, images, labelled, others, bad, folder):
    from fcn_keras_console.files import to_json
    from fcn_keras_console.words import counted

    from ..predict.nets import keras_net
    from .choosing import in_order
    from .table import lines_of, rows, write_csv

    net = keras_net(path, arguments)
    if net.modality != "rgb":
        raise ValueError(f"{path} ({net.modality}) takes more than colour. fcn-rank orders photographs alone.")
    looking, classes = _seeing(arguments, net)
    images, looks = _look(arguments, images, looking, bad)
    bad.require_some(images)
    order = in_order([_uncertainty(look, arguments.by) for look in looks], [x.features for x in looks], arguments.top)
    found = rows([image.name for image in images], looks, order)
    if folder is not None:
        _write(arguments, folder, [images[each.index] for each in order], found, net, classes)
        write_csv(folder / "ranking.csv", found)
    if arguments.json:
        report = {"model": str(path), "by": arguments.by, "photographs": len(images), "labelled": labelled}
        output = None if folder is None else str(arguments.output)
        print(to_json({**report, "skipped": len(bad.skipped), "ranking": found, "output": output}))
        return
    known = f"; {labelled} left out that the run knows" if labelled else ""
    written = "" if folder is None else f", in {arguments.output}"
    for line in lines_of(found):
        say(line)
    say(
        f"{len(found)} of {counted(len(images), 'photograph')} to label next{written}{known}{bad.counted()}"
        + (f"; {others}" if others else "")
    )
    _say_next(arguments, path, folder, next(iter(classes.values())).background)


def _seeing(arguments, net):
    """Return what looks at photographs, and the classes by head."""
    from ..predict.results import Classes
    from .looking import Looking

    classes = {head: Classes.named(names, net.counts[head], net.colors[head]) for head, names in net.names.items()}
    names = {head: known.names for head, known in classes.items()}
    copies, scale = tta_options.scales_of(arguments), scale_options.scale_of(arguments)
    return Looking(net.label.model, names, copies, scale), classes


def _look(arguments, images, looking, bad):
    """Look at every photograph, one at a time; return those that could be read, and what was seen."""
    seen, looks = [], []
    examples = reading.read_ahead(reading.attempted(_pixels), images, ahead=2)
    with Progress("Looking", "photographs", quiet=arguments.quiet) as progress:
        for number, (image, pixels) in enumerate(zip(images, examples, strict=True), 1):
            progress(number - 1, len(images))
            if isinstance(pixels, ValueError):
                bad(pixels)
                continue
            try:
                look = looking(pixels)
            except ValueError as error:
                raise ValueError(f"{image.name}: {error}") from error
            LOG.debug("%s: entropy %.3f, margin %.3f", image.name, look.entropy, look.margin)
            seen.append(image)
            looks.append(look)
            progress(number, len(images))
    return seen, looks


def _pixels(image):
    from ..predict.inputs import read_example

    return read_example(image)["image"]


def _uncertainty(look, by):
    return look.entropy if by == "entropy" else 1 - getattr(look, by)


def _write(arguments, folder, images, found, net, classes):
    from .hand_over import hand_over
    from .table import reason

    captions = [f"{row['place']}  {row['file']}  {row['entropy']:.3f}  {reason(row)}" for row in found]
    formats = [arguments.format] if arguments.format else []
    folder.mkdir()
    with Progress("Writing", "photographs", quiet=arguments.quiet) as progress:
        hand_over(folder, images, captions, net, classes, _pixels, formats=formats, progress=progress)


def _say_next(arguments, path, folder, background):
    """Name the command that usually comes next: this one with files to correct, or the import of those."""
    from fcn_keras_console.next_step import free_folder, say_next, stage_or_file

    if folder is None:
        words = ("fcn-rank", stage_or_file(path), arguments.photos, "--output", free_folder(Path("round1")))
        say_next(arguments, *words, "--format", "labelme")
    elif arguments.format == "labelme":
        into = free_folder(Path(f"{arguments.output}_labelled"))
        images = arguments.output / "photographs"
        words = ("fcn-doctor", arguments.output / "labelme", "--import", "labelme", "--images", images, "--into", into)
        listed = path.parent / "classes.txt"
        if listed.is_file():
            words += "--classes", listed
        if background is None:  # no class is what no shape covers
            words += "--unlabelled", "void"
        say_next(arguments, *words, "--val", "0")  # all of them are for training
