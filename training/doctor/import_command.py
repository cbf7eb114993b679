"""The options of `fcn-doctor --import`, and what they start."""

from pathlib import Path

from fcn_keras_console import Progress

from ..reading import Unreadable, add_option

KINDS = ("labelme", "coco", "voc", "rgb")
_TAKES = {  # option -> the kinds that it says something to
    "images": KINDS,
    "masks": ("rgb",),
    "unlabelled": ("labelme", "coco"),
    "ignore_label": ("voc", "rgb"),
    "unknown_colors": ("rgb",),
}
_DEFAULTS = {"ignore_label": 255}


def add_options(parser):
    """Add the options of the import, in a group of their own."""
    group = parser.add_argument_group("annotations of other tools")
    group.add_argument(
        "--import",
        dest="kind",
        choices=KINDS,
        help="turn annotations in DIR into a data set and look that over: LabelMe's JSON files; COCO's JSON "
        "(instances, stuff, panoptic); VOC's layout, which CVAT and labelme2voc write too; masks in colours with a "
        "class file",
    )
    group.add_argument("--into", type=Path, metavar="OUT", help="write the data set to this new folder")
    group.add_argument("--images", type=Path, metavar="IMAGES", help="folder of the images (default: found below DIR)")
    group.add_argument("--masks", type=Path, help="rgb: folder of the masks (default: found in DIR)")
    group.add_argument(
        "--unlabelled",
        choices=("background", "void"),
        help="labelme, coco: what pixels are that nothing covers (default: background, a class; void if panoptic)",
    )
    group.add_argument(
        "--unknown-colors",
        choices=("fail", "void", "near"),
        help="rgb: what becomes of colours that no class has: exit code 2 and a list of them; void; or the class of "
        "the nearest colour, else of the neighbours (default: fail)",
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
        alone = [
            name for name in ("into", "images", "masks", "unlabelled", "unknown_colors") if getattr(arguments, name)
        ]
        if alone:
            raise ValueError(f"{_option(alone[0])} goes with --import. Say --import {', '.join(KINDS)}.")
        if arguments.val is not None and arguments.fix is None:
            raise ValueError("--val goes with --import or --fix: the data set itself is never changed.")
        return
    if arguments.into is None:
        raise ValueError(f"--import {arguments.kind} writes a data set. Say where with --into OUT.")
    if arguments.fix is not None:
        raise ValueError(f"--fix goes with a data set. Import first, then: fcn-doctor {arguments.into} --fix OUT.")
    for name, kinds in _TAKES.items():
        if getattr(arguments, name) != _DEFAULTS.get(name) and arguments.kind not in kinds:
            raise ValueError(f"{_option(name)} says nothing to --import {arguments.kind}. Leave it out.")


def import_annotations(arguments, classes):
    """Do what the options say.

    Args:
        classes: number or path of a class file, or None.

    Returns:
        `Imported`.

    Raises:
        ValueError: if annotations cannot be used, or the folder to write is not empty.
    """
    from fcn_keras_console.files import new_folder

    from .import_writer import Imported, write

    unreadable = Unreadable("fcn-doctor", arguments.on_error)
    options = {name: getattr(arguments, name) for name, kinds in _TAKES.items() if arguments.kind in kinds}
    options = {name: value for name, value in options.items() if value is not None}
    with new_folder(arguments.into, "--into", arguments.directory) as folder:
        with Progress("Reading annotations", "files", quiet=arguments.quiet) as progress:
            annotations = _reader(arguments.kind)(
                arguments.directory, classes=classes, **options, unreadable=unreadable, progress=progress
            )
        with Progress("Writing", "images", quiet=arguments.quiet) as progress:
            images, how = write(
                annotations, folder, share=arguments.val, seed=arguments.seed, unreadable=unreadable, progress=progress
            )
    left_out = {reason: names for reason, names in annotations.left_out.items() if names}
    return Imported(
        arguments.kind,
        str(arguments.directory),
        str(arguments.into),
        images,
        annotations.names,
        annotations.decisions + ([how] if how else []),
        left_out,
        unreadable.skipped,
    )


def _reader(kind):
    from ..annotations import coco, labelme, voc
    from ..annotations import colored_masks as rgb

    return {"labelme": labelme, "coco": coco, "voc": voc, "rgb": rgb}[kind].read


def _option(name):
    return f"--{name.replace('_', '-')}"
