"""What A and B say of the same images: two models, or two folders of label files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.interface import class_counts, heads_of
from fcn_keras_console.options import classes_of
from fcn_keras_console.workdir import decisions_beside, find_model

from ..scoring.images import require_same_classes, score_images
from ..scoring.label_files import VOID, LabelFiles
from ..scoring.split import open_split
from ..workdir.trained_model import class_names_beside, load_model


@dataclass(frozen=True)
class Both:
    """One image as A and B label it.

    Attributes:
        name: what people call it.
        image: `(H, W, 3)` uint8, or None where there are only label files.
        truth: by head `(H, W)` class ids, 255 void.
        labels: A's and B's, each by head.
        matrices: A's and B's `(C, C)` counts, each by head.
    """

    name: str
    image: np.ndarray | None
    truth: dict
    labels: tuple
    matrices: tuple


class TwoModels:
    """Two models and the split that they are scored on.

    Args:
        arguments: values of the command: `a`, `b`, and those of `splits.add_options`.

    Attributes:
        total: the number of images.
        origin: where they come from, as JSON's types.
        counts, class_names: by head.

    Raises:
        ValueError: if a model cannot be loaded, nothing says which images, or A and B have other classes or splits.
    """

    def __init__(self, arguments):
        paths = [find_model(path) for path in (arguments.a, arguments.b)]
        self.models = [load_model(path) for path in paths]
        counts = [class_counts(model) for model in self.models]
        if counts[0] != counts[1]:
            told = (", ".join(f"{n} {head}".strip() for head, n in x.items()) for x in counts)
            raise ValueError("A has {} classes, B {}. Compare models of the same classes.".format(*told))
        self.counts = counts[0]
        self.examples, origins = _open(arguments, paths, next(iter(self.counts.values())))
        for examples in self.examples:
            require_same_classes(self.counts, examples)
        _require_one_split(paths, origins, self.examples)
        self.total = len(self.examples[0])
        self.class_names = heads_of(self.examples[0].class_names)
        self.origin = {"a": str(paths[0]), "b": str(paths[1]), **origins[0], "images": self.total}

    def __iter__(self):
        """Yield a `Both` for every image.

        Raises:
            ValueError: as `score_images`, or if A's and B's truth differ.
        """
        scored = (score_images(model, examples) for model, examples in zip(self.models, self.examples, strict=True))
        for one, other in zip(*scored, strict=True):
            for head, truth in one.truth.items():
                _require_one_truth(truth, other.truth[head], one.name)
            yield Both(
                one.name,
                one.example.get("image", other.example.get("image")),
                one.truth,
                (one.labels, other.labels),
                (one.matrices, other.matrices),
            )


class TwoFolders:
    """Two folders (or files) of labels beside the true ones; attributes and errors as of `TwoModels`."""

    def __init__(self, arguments):
        for name in ("data", "split", "recipe"):
            if getattr(arguments, name) is not None:
                raise ValueError(f"--{name} says where models' images are; --labels compares files. Leave one out.")
        options = {
            "classes": None if arguments.classes is None else classes_of(arguments.classes),
            "ignore_label": VOID if arguments.ignore_label is None else arguments.ignore_label,
        }
        self.files = [LabelFiles(path, arguments.labels, **options) for path in (arguments.a, arguments.b)]
        _require_one_set(arguments, self.files)
        self.total = len(self.files[0].keys)
        self.class_names = {"": self.files[0].class_names}
        self.counts = {"": len(self.files[0].class_names)}
        self.origin = {"a": str(arguments.a), "b": str(arguments.b), "labels": str(arguments.labels)}
        self.origin["images"] = self.total

    def __iter__(self):
        for one, other in zip(*(files.scored() for files in self.files), strict=True):
            _require_one_truth(one.truth, other.truth, one.key)
            labels, matrices = ({"": one.labels}, {"": other.labels}), ({"": one.matrix}, {"": other.matrix})
            yield Both(one.key, None, {"": one.truth}, labels, matrices)


def _open(arguments, paths, count):
    """Open the split for each model, as its own recipe reads it; one without a recipe reads as the other does."""
    trained = [decisions_beside(path) for path in paths]
    trained = [trained[0] or trained[1], trained[1] or trained[0]]
    if not (trained[0].get("recipe") or arguments.recipe or arguments.data):
        raise ValueError(f"There is no recipe.json beside {paths[0]} or {paths[1]}: say --data DIR, or --recipe NAME.")
    named = [class_names_beside(path) for path in paths]
    opened = [open_split(arguments, decisions, classes=lambda: named[0] or named[1] or count) for decisions in trained]
    return [examples for examples, _ in opened], [origin for _, origin in opened]


def _require_one_split(paths, origins, examples):
    places = [(origin["data"] and Path(origin["data"]).resolve(), origin["split"]) for origin in origins]
    if places[0] != places[1]:
        told = (
            f"{path} is scored on {place or 'drawn scenes'}, {split}"
            for path, (place, split) in zip(paths, places, strict=True)
        )
        raise ValueError(f"{'; '.join(told)}. Say --data and --split, so that both are scored on the same images.")
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


def _require_one_truth(one, other, name):
    if not np.array_equal(one, other):
        raise ValueError(f"The true labels of {name} differ between A and B. Compare on one split, read in one way.")
