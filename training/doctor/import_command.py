"""The options of `fcn-doctor --import`, and what they start."""

import contextlib
import importlib
from pathlib import Path

from fcn_keras_console import Progress

from ..reading import Unreadable, add_option

AUTO = "auto"
_READERS = {  # kind -> the module of `annotations` that reads it, and the options that say something to it
    "labelme": ("labelme", ("images", "unlabelled", "boxes")),
    "coco": ("coco", ("images", "unlabelled", "boxes")),
    "voc": ("voc", ("images", "ignore_label")),
    "rgb": ("colored_masks", ("images", "masks", "ignore_label", "unlabelled", "unknown_colors")),
    "ids": ("id_masks", ("images", "masks", "ignore_label")),
    "roboflow": ("roboflow", ("ignore_label",)),
    "cityscapes": ("cityscapes", ("images", "label_ids", "unlabelled")),
    "ade20k": ("ade20k", ()),
    "label-studio": ("label_studio", ("images", "unlabelled", "boxes")),
    "cvat": ("cvat", ("images", "unlabelled", "boxes")),
    "datumaro": ("datumaro", ("images", "unlabelled", "boxes")),
    "yolo": ("yolo", ("unlabelled", "boxes")),
    "supervisely": ("supervisely", ("unlabelled", "boxes")),
}
KINDS = (*_READERS, AUTO)
_DEFAULTS = {
    "images": None,
    "masks": None,
    "unlabelled": None,
    "boxes": None,
    "ignore_label": 255,
    "unknown_colors": None,
    "label_ids": None,
}


_TOLD = {
    "labelme": "LabelMe's JSON files, and the XML of its online version, which Datumaro writes",
    "coco": "COCO's JSON (instances, stuff, panoptic)",
    "voc": "VOC's layout, which CVAT and labelme2voc write too",
    "rgb": "masks in colours with a class file, as CamVid's",
    "ids": "masks of ids in any layout, which --images and --masks tell",
    "roboflow": "Roboflow's semantic masks with _classes.csv",
    "cityscapes": "Cityscapes' layout, and KITTI's with its ids",
    "ade20k": "ADE20K's scene parsing, of 150 classes",
    "label-studio": "Label Studio's JSON, and its brush PNGs beside it",
    "cvat": "CVAT's XML for images 1.1; its Segmentation mask 1.1 is voc",
    "datumaro": "Datumaro's own JSON",
    "yolo": 'YOLO\'s polygons in labels/*.txt (pip install "fcn_keras[yolo]")',
    "supervisely": "Supervisely's projects",
}


def add_options(parser):
    """Add the options of the import, in a group of their own."""
    group = parser.add_argument_group("annotations of other tools")
    group.add_argument(
        "--import",
        dest="kind",
        nargs="?",
        const=AUTO,
        choices=KINDS,
        help="turn annotations in DIR into a data set and look that over. Without a kind, or with auto, what lies in "
        "DIR tells it: " + "; ".join(f"{kind}: {told}" for kind, told in _TOLD.items()),
    )
    group.add_argument("--into", type=Path, metavar="OUT", help="write the data set to this new folder")
    group.add_argument(
        "--images",
        type=Path,
        metavar="IMAGES",
        help="folder of the images (default: found below DIR). ids: a pattern below DIR in quotes, such as "
        "'photos/*.jpg' or '{split}/**/*.jpg'",
    )
    group.add_argument(
        "--masks",
        type=Path,
        help="rgb: folder of the masks (default: found in DIR). ids: where the mask of an image is, below DIR, such as "
        "'masks/{name}_mask.png': {name} is what * stands for, {folder} what **/ does, {split} and others as they are "
        "called in --images",
    )
    group.add_argument(
        "--unlabelled",
        choices=("background", "void"),
        help="what pixels are that nothing covers: labelme, coco, label_colors.txt of CamVid's and Cityscapes' layout "
        "without black (default: background, a class; void if panoptic)",
    )
    group.add_argument(
        "--boxes",
        choices=("leave", "rectangle", "void"),
        help="what becomes of what has only a box: it is left out and named, drawn as a rectangle of its class, or "
        "void below all that is drawn (default: leave; rectangles that a person drew, of LabelMe, Label Studio and "
        "CVAT, are drawn)",
    )
    group.add_argument(
        "--unknown-colors",
        choices=("fail", "void", "near"),
        help="rgb: what becomes of colours that no class has: exit code 2 and a list of them; void; or the class of "
        "the nearest colour, else of the neighbours (default: fail)",
    )
    group.add_argument(
        "--label-ids",
        choices=("train", "all"),
        help="cityscapes: the 19 classes that are scored, or all 30 (default: train)",
    )
    group.add_argument(
        "--val",
        type=float,
        metavar="SHARE",
        help="divide what is not divided: this share of the images to val, the others to train; 0 does not "
        "(default: 0.2 with --import; with --fix not)",
    )
    group.add_argument("--seed", type=int, default=0, help="of that division (default: %(default)s)")
    add_option(group)


def check_options(arguments):
    """Raise a `ValueError` for options that do not go together."""
    if arguments.val is not None and not 0 <= arguments.val < 1:
        raise ValueError(f"--val is a share from 0 to below 1. Received: {arguments.val}.")
    if arguments.kind is None:
        alone = [name for name in ("into", *_DEFAULTS) if name != "ignore_label" and getattr(arguments, name)]
        if alone:
            raise ValueError(f"{_option(alone[0])} goes with --import. Say --import, or {', '.join(KINDS)} behind it.")
        if arguments.val is not None and arguments.fix is None:
            raise ValueError("--val goes with --import or --fix: the data set itself is never changed.")
        return
    if arguments.into is None:
        named = "" if arguments.kind == AUTO else f" {arguments.kind}"
        raise ValueError(f"--import{named} writes a data set. Say where with --into OUT.")
    if arguments.fix is not None:
        raise ValueError(f"--fix goes with a data set. Import first, then: fcn-doctor {arguments.into} --fix OUT.")
    if arguments.kind != AUTO:
        _check_taken(arguments, arguments.kind)


def _check_taken(arguments, kind):
    """Raise a `ValueError` for an option that says nothing to a kind of annotations."""
    for name, default in _DEFAULTS.items():
        if getattr(arguments, name) != default and name not in _READERS[kind][1]:
            raise ValueError(f"{_option(name)} says nothing to --import {kind}. Leave it out.")


def _told_kind(arguments):
    """Return the kind of the annotations, and why it was taken for that, or None where an option says it.

    Raises:
        ValueError: if no kind fits, or several do.
    """
    if arguments.kind != AUTO:
        return arguments.kind, None
    from ..annotations.recognition import recognise

    found = recognise(arguments.directory)
    if not found:
        raise ValueError(
            f"{arguments.directory} holds no annotations that are known. Expected one of: "
            f"{'; '.join(f'{kind} ({told})' for kind, told in _TOLD.items())}. {_instead(arguments.directory)}"
        )
    if len(found) > 1:
        fits = "; ".join(f"{each.kind} fits, as {each.why}" for each in found)
        raise ValueError(
            f"{arguments.directory} may be several kinds of annotations: {fits}. Name one behind --import."
        )
    _check_taken(arguments, found[0].kind)
    return found[0].kind, f"taken for {found[0].kind}: {found[0].why}"


def _instead(directory):
    """Say what to do with a folder of no annotations that are known."""
    if any(next(directory.glob(f"{place}labels"), None) for place in ("", "*/")):
        return "If it is a data set already, leave out --import."
    return "Name the kind behind --import."


def import_annotations(arguments, classes):
    """Do what the options say.

    Args:
        classes: number or path of a class file, or None.

    Returns:
        `Imported`.

    Raises:
        ValueError: if annotations cannot be used, or change meanwhile, or the folder to write is not empty.
    """
    from fcn_keras_console.files import new_folder

    from .import_writer import Imported, write
    from .unchanged import Stamps

    kind, why = _told_kind(arguments)
    unreadable = Unreadable("fcn-doctor", arguments.on_error)
    options = {name: getattr(arguments, name) for name in _READERS[kind][1]}
    options = {name: value for name, value in options.items() if value is not None}
    stamps = Stamps(_files(arguments.directory), lambda: _files(arguments.directory), arguments.directory)
    with new_folder(arguments.into, "--into", arguments.directory) as folder:
        reading = Progress("Reading annotations", "files", quiet=arguments.quiet)
        with reading as progress, _hinting(arguments.directory, kind):
            annotations = _reader(kind)(
                arguments.directory, classes=classes, **options, unreadable=unreadable, progress=progress
            )
        with Progress("Writing", "images", quiet=arguments.quiet) as progress:
            images, how = write(
                annotations, folder, share=arguments.val, seed=arguments.seed, unreadable=unreadable, progress=progress
            )
        annotations.shapes.require_some()
        stamps.require_same()
    left_out = {reason: names for reason, names in annotations.left_out.items() if names}
    return Imported(
        kind,
        str(arguments.directory),
        str(arguments.into),
        images,
        annotations.names,
        [*([why] if why else []), *annotations.decisions, *annotations.shapes.decisions(), *([how] if how else [])],
        left_out | annotations.shapes.left_out(),
        unreadable.skipped,
    )


def _files(source):
    from fcn_keras.datasets.listing import files_below

    return files_below(source) if source.is_dir() else [source]


@contextlib.contextmanager
def _hinting(directory, kind):
    """Let the error of a kind that does not lie there name the one that does."""
    try:
        yield
    except ValueError as error:
        from ..annotations.recognition import recognise

        found = recognise(directory) if directory.exists() else []
        if kind in {each.kind for each in found} or any(f"--import {each.kind}" in str(error) for each in found):
            raise
        hints = [f"{each.why}: say --import {each.kind}." for each in found]
        raise ValueError(" ".join([str(error), *(hint[0].upper() + hint[1:] for hint in hints)])) from None


def _reader(kind):
    from .. import annotations

    return importlib.import_module(f"{annotations.__name__}.{_READERS[kind][0]}").read


def _option(name):
    return f"--{name.replace('_', '-')}"
