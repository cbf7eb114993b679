"""The images that are compared, labelled by A and by B: two models, or two folders of label files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.interface import class_counts, heads_of
from fcn_keras_console.workdir import decisions_beside, find_model

from ..scoring.class_colors import colors_of
from ..scoring.images import label_images, require_same_classes
from ..scoring.label_files import label_files_of
from ..scoring.split import open_split, with_data_notes
from ..workdir.trained_model import class_names_beside, load_model


@dataclass(frozen=True)
class ImagePairs:
    """The same images, labelled by A and by B.

    Attributes:
        images: two iterables of `LabelledImage`, of the same images.
        total: the number of images.
        origin: where they come from, as JSON's types.
        counts, class_names, colors: of the classes, by head.
    """

    images: tuple
    total: int
    origin: dict
    counts: dict
    class_names: dict
    colors: dict

    def __iter__(self):
        """Yield A's and B's `LabelledImage` of every image.

        Raises:
            ValueError: as `label_images`, or if A's and B's truth differ.
        """
        for pair in zip(*self.images, strict=True):
            for head, truth in pair[0].truth.items():
                if not np.array_equal(truth, pair[1].truth[head]):
                    raise ValueError(
                        f"The true labels of {pair[0].name} differ between A and B. Compare on one split, read in one "
                        "way."
                    )
            yield pair


def two_models(arguments):
    """Open two models and the split that they are scored on.

    Args:
        arguments: values of the command: `a`, `b`, and those of `split.add_options`.

    Returns:
        `ImagePairs`.

    Raises:
        ValueError: if a model cannot be loaded, nothing says which images, or A and B have other classes or splits.
    """
    paths = [find_model(path) for path in (arguments.a, arguments.b)]
    models = [load_model(path) for path in paths]
    counts = [class_counts(model) for model in models]
    if counts[0] != counts[1]:
        written = (", ".join(f"{n} {head}".strip() for head, n in x.items()) for x in counts)
        raise ValueError("A has {} classes, B {}. Compare models of the same classes.".format(*written))
    examples, origins = _open(arguments, paths, next(iter(counts[0].values())))
    for each in examples:
        require_same_classes(counts[0], each)
    _require_one_split(paths, origins, examples)
    total = len(examples[0])
    return ImagePairs(
        tuple(map(label_images, models, examples)),
        total,
        {"a": str(paths[0]), "b": str(paths[1]), **origins[0], "images": total},
        counts[0],
        heads_of(examples[0].class_names),
        colors_of(examples[0], paths[0]),
    )


def two_folders(arguments):
    """Open two folders (or files) of labels beside the true ones; arguments, result and errors as of `two_models`."""
    files = [label_files_of(arguments, path) for path in (arguments.a, arguments.b)]
    _require_one_set(arguments, files)
    total, names = len(files[0].keys), files[0].class_names
    origin = {"a": str(arguments.a), "b": str(arguments.b), "labels": str(arguments.labels), "images": total}
    kinds = {kind: max(each.left_alone.get(kind, 0) for each in files) for each in files for kind in each.left_alone}
    origin |= {"left_alone": kinds} if kinds else {}
    images, colors = tuple(each.labelled() for each in files), colors_of(files[0])
    return ImagePairs(images, total, origin, {"": len(names)}, {"": names}, colors)


def _open(arguments, paths, count):
    """Open the split for each model, as its own recipe reads it; one without a recipe reads as the other does."""
    trained = [decisions_beside(path) for path in paths]
    trained = [trained[0] or trained[1], trained[1] or trained[0]]
    named = [class_names_beside(path) for path in paths]
    opened = [open_split(arguments, decisions, classes=lambda: named[0] or named[1] or count) for decisions in trained]
    examples = [each for each, _ in opened]
    origins = [with_data_notes(origin, path, each) for path, (each, origin) in zip(paths, opened, strict=True)]
    notes = list(dict.fromkeys(note for origin in origins for note in origin.get("data_notes", ())))
    return examples, [origin | ({"data_notes": notes} if notes else {}) for origin in origins]


def _require_one_split(paths, origins, examples):
    places = [(origin["data"] and Path(origin["data"]).resolve(), origin["split"]) for origin in origins]
    if places[0] != places[1]:
        scored = (
            f"{path} is scored on {place or 'drawn scenes'}, {split}"
            for path, (place, split) in zip(paths, places, strict=True)
        )
        raise ValueError(f"{'; '.join(scored)}. Say --data and --split, so that both are scored on the same images.")
    names = [heads_of(each.class_names) for each in examples]
    for head, mine in names[0].items():
        for one, other in zip(mine, names[1][head], strict=True):
            if one != other:
                raise ValueError(f"A calls a class {one!r} that B calls {other!r}. Compare models of the same classes.")
    ids = [list(getattr(each, "ids", range(len(each)))) for each in examples]
    if ids[0] != ids[1]:
        raise ValueError(
            f"A's recipe reads {len(ids[0])} images, B's {len(ids[1])}, not the same ones. Say --recipe for both."
        )


def _require_one_set(arguments, files):
    if arguments.a.is_file() and arguments.b.is_file():
        return
    keys = [set(each.keys) for each in files]
    for path, lacking in ((arguments.a, keys[1] - keys[0]), (arguments.b, keys[0] - keys[1])):
        if lacking:
            raise ValueError(
                f"{path} lacks {len(lacking)} of the other's label files, such as {min(lacking)}. "
                "Compare labels of the same images."
            )
