"""The images that are compared, labelled by A, B and maybe more: models, or folders of label files."""

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
from .bootstrap import LETTERS


@dataclass(frozen=True)
class SameImages:
    """The same images, labelled by each of what is compared.

    Attributes:
        images: iterables of `LabelledImage`, of the same images.
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
        """Yield the tuple of `LabelledImage` of every image.

        Raises:
            ValueError: as `label_images`, or if the truths differ.
        """
        for each in zip(*self.images, strict=True):
            for letter, other in zip(LETTERS[1:], each[1:], strict=False):
                for head, truth in each[0].truth.items():
                    if not np.array_equal(truth, other.truth[head]):
                        raise ValueError(
                            f"The true labels of {each[0].name} differ between A and {letter}. Compare on one split, "
                            "read in one way."
                        )
            yield each


def models(arguments):
    """Open models and the split that they are scored on.

    Args:
        arguments: values of the command: `paths`, and those of `split.add_options`.

    Returns:
        `SameImages`.

    Raises:
        ValueError: if a model cannot be loaded, nothing says which images, or they have other classes or splits.
    """
    paths = [find_model(path) for path in arguments.paths]
    loaded = [load_model(path) for path in paths]
    counts = [class_counts(model) for model in loaded]
    for letter, other in zip(LETTERS, counts, strict=False):
        if other != counts[0]:
            written = (", ".join(f"{n} {head}".strip() for head, n in x.items()) for x in (counts[0], other))
            raise ValueError(
                f"A has {next(written)} classes, {letter} {next(written)}. Compare models of the same classes."
            )
    examples, origins = _open(arguments, paths, next(iter(counts[0].values())))
    for each in examples:
        require_same_classes(counts[0], each)
    for number in range(1, len(paths)):
        _require_one_split(paths, origins, examples, number)
    total = len(examples[0])
    return SameImages(
        tuple(map(label_images, loaded, examples)),
        total,
        {**_named(paths), **origins[0], "images": total},
        counts[0],
        heads_of(examples[0].class_names),
        colors_of(examples[0], paths[0]),
    )


def folders(arguments):
    """Open folders (or files) of labels beside the true ones; arguments, result and errors as of `models`."""
    files = [label_files_of(arguments, path) for path in arguments.paths]
    for number in range(1, len(files)):
        _require_one_set(arguments.paths, files, number)
    total, names = len(files[0].keys), files[0].class_names
    origin = {**_named(arguments.paths), "labels": str(arguments.labels), "images": total}
    kinds = {kind: max(each.left_alone.get(kind, 0) for each in files) for each in files for kind in each.left_alone}
    origin |= {"left_alone": kinds} if kinds else {}
    images, colors = tuple(each.labelled() for each in files), colors_of(files[0])
    return SameImages(images, total, origin, {"": len(names)}, {"": names}, colors)


def _named(paths):
    return {letter.lower(): str(path) for letter, path in zip(LETTERS, paths, strict=False)}


def _open(arguments, paths, count):
    """Open the split for each model, as its own recipe reads it, or the first that there is."""
    trained = [decisions_beside(path) for path in paths]
    usual = next(filter(None, trained), trained[0])
    named = next(filter(None, map(class_names_beside, paths)), None)
    opened = [open_split(arguments, each or usual, classes=lambda: named or count) for each in trained]
    examples = [each for each, _ in opened]
    origins = [with_data_notes(origin, path, each) for path, (each, origin) in zip(paths, opened, strict=True)]
    notes = list(dict.fromkeys(note for origin in origins for note in origin.get("data_notes", ())))
    return examples, [origin | ({"data_notes": notes} if notes else {}) for origin in origins]


def _require_one_split(paths, origins, examples, number):
    """Refuse model `number` if its split is not the first one's."""
    letter = LETTERS[number]
    places = [(origins[x]["data"] and Path(origins[x]["data"]).resolve(), origins[x]["split"]) for x in (0, number)]
    if places[0] != places[1]:
        scored = (
            f"{path} is scored on {place or 'drawn scenes'}, {split}"
            for path, (place, split) in zip((paths[0], paths[number]), places, strict=True)
        )
        raise ValueError(f"{'; '.join(scored)}. Say --data and --split, so that both are scored on the same images.")
    mine, theirs = (heads_of(examples[x].class_names) for x in (0, number))
    for head, names in mine.items():
        for one, other in zip(names, theirs[head], strict=True):
            if one != other:
                raise ValueError(
                    f"A calls a class {one!r} that {letter} calls {other!r}. Compare models of the same classes."
                )
    ids = [list(getattr(examples[x], "ids", range(len(examples[x])))) for x in (0, number)]
    if ids[0] != ids[1]:
        raise ValueError(
            f"A's recipe reads {len(ids[0])} images, {letter}'s {len(ids[1])}, not the same ones. Say --recipe for all."
        )


def _require_one_set(paths, files, number):
    """Refuse label files `number` if they are not of the first one's images."""
    if paths[0].is_file() and paths[number].is_file():
        return
    mine, theirs = (set(files[x].keys) for x in (0, number))
    for path, lacking in ((paths[0], theirs - mine), (paths[number], mine - theirs)):
        if lacking:
            raise ValueError(
                f"{path} lacks {len(lacking)} of the other's label files, such as {min(lacking)}. "
                "Compare labels of the same images."
            )
