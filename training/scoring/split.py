"""Open the split that a command is to score: the options for it, and what the model's own recipe already says."""

import logging
from pathlib import Path

from fcn_keras_console.given import require_classes, require_directory
from fcn_keras_console.left_alone import as_line, kinds_of
from fcn_keras_console.options import classes_of
from fcn_keras_console.workdir import decisions_beside

from ..recipes.names import reads_nothing, reads_own_folder, require_name, require_reading
from ..workdir.trained_model import class_names_beside

LOG = logging.getLogger("fcn_keras")
# What was decided in training about how the data is read.
_READING = ("classes", "ignore_label", "held_out", "held_out_by", "together", "stand_in", "splits")


def add_options(parser):
    """Add the options that name the images a command works on."""
    parser.bare = "--data"
    parser.add_argument("--data", type=Path, help="folder of the data set (default: what the model was trained on)")
    parser.add_argument(
        "--split", help="default: the recipe's validation split, else val; none where the data set is not divided"
    )
    parser.add_argument("--recipe", help="read the data as this recipe does (default: the model's)")
    parser.add_argument(
        "--classes",
        help="your own folder's class file, or number of classes "
        "(default: as trained; else DATA/classes.txt; else as many as the model has)",
    )
    parser.add_argument("--ignore-label", type=int, help="your own folder's void id besides 255")


def check_options(arguments, trained):
    """Look at the options, and at the folders that they or a model's recipe.json name, before TensorFlow starts.

    Args:
        arguments: values of `add_options`.
        trained: what `fcn-train` decided for the model, or an empty dict.

    Raises:
        ValueError: if there is no such recipe, folder, split or class file, or options do not go together.
    """
    if arguments.recipe is not None:
        require_name(arguments.recipe)
    require_classes(arguments.classes)
    name, directory, trained = _named(arguments, trained)
    overrides = trained.get("overrides", {})
    if overrides.get("stand_in") or reads_nothing(name):
        return
    if name is None and directory is None:
        raise ValueError("Nothing says which images: say --data DIR, or --recipe NAME.")
    require_reading(name, directory, {"--classes": arguments.classes, "--ignore-label": arguments.ignore_label})
    if name is None:
        _require_split(directory, _own_split(arguments, directory), overrides)
    elif reads_own_folder(name):
        _require_split(directory, _given_split(arguments, overrides.get("splits", ("train", "val"))[1]), overrides)


def check_options_of_model(arguments, path):
    """As `check_options`, for a model in a file: what lies beside it says how it was trained."""
    trained = decisions_beside(path)
    if not (trained.get("recipe") or arguments.recipe or arguments.data):
        raise ValueError(f"There is no recipe.json beside {path}: say --data DIR, or --recipe NAME.")
    check_options(arguments, trained)


def _named(arguments, trained):
    """Return the recipe's name and the folder, and what of `trained` counts for them.

    Raises:
        ValueError: if the folder is not there.
    """
    if arguments.recipe not in (None, trained.get("recipe")):
        trained = {}  # what was decided for another recipe says nothing about this one
    directory = arguments.data or (Path(trained["data"]) if trained.get("data") else None)
    if arguments.data is not None:
        require_directory(directory, "--data", "Name the data set's folder.")
    elif directory is not None and not directory.is_dir():
        raise ValueError(f"{directory} is not a folder. The model was trained on it: say --data DIR.")
    return arguments.recipe or trained.get("recipe"), directory, trained


def _require_split(directory, split, overrides):
    """Make sure that one's own folder has a split, or that it is held out of another."""
    from fcn_keras.datasets.layouts import find_place

    place = find_place(directory, split)
    if place is None and split in ("train", "val") and overrides.get("held_out") is not None:
        place = find_place(directory, "train") or find_place(directory, None)  # it is held out of that
    if place is not None and not place.folder("images").is_dir():
        raise ValueError(f"{directory} holds no data set. Expected {directory / 'images'} and {directory / 'labels'}.")
    if place is None:
        raise ValueError(
            f"{directory} has no split {split!r}: expected the folder {directory / split / 'images'} or the list "
            f"{directory / split}.txt. A data set that is not divided is read without a split (--split none)."
        )


def open_split(arguments, trained, *, classes=None):
    """Open the split that the options and a model's recipe.json name.

    Args:
        arguments: values of `add_options`.
        trained: what `fcn-train` decided for the model, or an empty dict.
        classes: function that returns the classes of one's own folder that has no `classes.txt`.

    Returns:
        The examples, and a dict that says where they come from; `left_alone` in it counts files by kind, where some
        in the folders are not read.

    Raises:
        ValueError: if there is no such recipe, folder or split.
    """
    name, directory, trained = _named(arguments, trained)
    reading = _reading(arguments, trained.get("overrides", {}))
    if name is None:
        split = _own_split(arguments, directory)
        if split is None and arguments.split is None:
            LOG.warning("%s is not divided: all its images are taken, also those that a net was trained on.", directory)
        examples = _own_folder(directory, split, reading, classes)
    else:
        from ..recipes import catalogue  # brings Keras
        from ..recipes.overrides import Overrides

        recipe = catalogue.find(name, Overrides(**reading))
        split = _given_split(arguments, recipe.splits[1])
        examples = recipe.data(directory, split)
    origin = {"recipe": name, "data": str(directory) if directory else None, "split": split}
    kinds = kinds_of(getattr(examples, "others", ()))
    return examples, origin | ({"left_alone": kinds} if kinds else {})


def open_split_of_model(arguments, path, class_counts, class_names=None):
    """Open the split to score a model on.

    Args:
        arguments: values of `add_options`.
        path: of the model; what lies beside it says how it was trained.
        class_counts: the model's, by head.
        class_names: those of its only head, or None for those beside it.

    Returns:
        As `open_split`.

    Raises:
        ValueError: as `open_split`, or if nothing says which images, or the classes are not the model's.
    """
    from .images import require_same_classes

    trained = decisions_beside(path)
    if not (trained.get("recipe") or arguments.recipe or arguments.data):
        raise ValueError(f"There is no recipe.json beside {path}: say --data DIR, or --recipe NAME.")
    only = next(iter(class_counts.values()))
    examples, origin = open_split(arguments, trained, classes=lambda: class_names or class_names_beside(path) or only)
    require_same_classes(class_counts, examples)
    return examples, with_data_notes(origin, path, examples)


def with_data_notes(origin, path, examples):
    """Return the dict that says where examples come from, with `data_notes` where there are any on the model's data."""
    from .trained_data import data_notes

    notes = data_notes(path, examples, {**origin, "data": origin["data"] and str(Path(origin["data"]).resolve())})
    return origin | ({"data_notes": [*origin.get("data_notes", ()), *notes]} if notes else {})


def _given_split(arguments, default):
    split = arguments.split or default
    return None if split == "none" else split


def _own_split(arguments, directory):
    """Return the split of one's own folder: that given, else val; None, all images, where it is not divided."""
    from fcn_keras.datasets.layouts import find_place

    if arguments.split is None and directory is not None and (directory / "images").is_dir():
        divided = any(find_place(directory, split) for split in ("train", "val", "test"))
        return "val" if divided else None
    return _given_split(arguments, "val")


def _reading(arguments, overrides):
    """Merge how the data is read: as trained, unless an option says otherwise."""
    reading = {key: overrides[key] for key in _READING if key in overrides}
    if arguments.classes is not None:
        reading["classes"] = classes_of(arguments.classes)
    if arguments.ignore_label is not None:
        reading["ignore_label"] = arguments.ignore_label
    return reading


def _own_folder(directory, split, reading, classes):
    """Open images and masks that no recipe of fcn-train describes."""
    from fcn_keras.datasets.folder import Folder

    if directory is None:
        raise ValueError("Nothing says which images: say --data DIR, or --recipe NAME.")
    if classes is not None and not (directory / "classes.txt").is_file():
        reading.setdefault("classes", classes())
    return Folder(directory, split, **reading)


def left_alone(origin):
    """Return the lines that end what a command prints of a split: what was left alone, and notes on its data."""
    return as_line(origin.get("left_alone", {})) + "".join(f"\n{note}" for note in origin.get("data_notes", ()))


def described(origin):
    """Name a split in a title."""
    return ", ".join(filter(None, (origin["data"] or origin["recipe"], origin["split"])))
