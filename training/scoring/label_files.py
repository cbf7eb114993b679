"""Label files that anything wrote, beside the true ones."""

import logging
from pathlib import Path

import numpy as np

from fcn_keras.confusion import confusion
from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.label_reading import LabelReader
from fcn_keras.datasets.listing import key_of, list_images
from fcn_keras.examples import VOID
from fcn_keras_console.left_alone import kinds_of
from fcn_keras_console.options import classes_of
from fcn_keras_console.words import some

from ..reading import read_each

LOG = logging.getLogger("fcn_keras")


class LabelFiles:
    """Predicted label files, grey or palette, paired with the true ones.

    Args:
        predictions: path of a file, or of a folder of them with its sub-folders.
        labels: the true ones: a file, or a folder that holds a file of the same stem for every prediction.
        classes: as for `fcn_keras.datasets.folder.Folder`; with colours, palette and RGB files are translated by
            colour. Default: as many as 8 bits hold.
        ignore_label: the void id besides 255.

    Attributes:
        keys: of the pairs, in order: the stem, with the sub-folders before it.
        alone: the number of labels without a prediction.
        left_alone: the number of files that are not read, by kind.
        class_names: of the classes.
        colors: `{(R, G, B): id}`; empty where the classes have no colours.

    Raises:
        ValueError: if a path is missing, or a prediction lacks its label.
    """

    def __init__(self, predictions, labels, *, classes=None, ignore_label=VOID):
        others = []
        self._pairs, self.alone = _pairs(Path(predictions), Path(labels), others)
        self.left_alone = kinds_of(others)
        table = ClassTable(VOID if classes is None else classes)  # ids below void
        table.require_no_void(classes)
        sides = zip(*self._pairs.values(), strict=True)
        self._readers = [LabelReader(table, ignore_label, files) for files in sides]
        self.keys = list(self._pairs)
        self.class_names, self.colors = table.names, table.colors

    def labelled(self, *, unreadable=None, progress=None):
        """Yield a `LabelledImage` of every pair; the next ones are read meanwhile.

        Args:
            unreadable: called with the `ValueError` of a pair that cannot be scored, which is then left out; by default
                it is raised.
            progress: called as `progress(done, total)` after each pair.

        Raises:
            ValueError: if a prediction has another size than its label, an id is out of range, or void is predicted
                where the truth is a class.
        """
        pairs = list(enumerate(self.keys))
        for _, image in read_each(self._labelled, pairs, unreadable=unreadable, progress=progress):
            yield image

    def _labelled(self, pair):
        from .images import LabelledImage  # brings Keras

        index, key = pair
        paths = self._pairs[key]
        LOG.debug("%s: scoring it against %s", *paths)
        labels, truth = (read(path) for read, path in zip(self._readers, paths, strict=True))
        if labels.shape != truth.shape:
            raise ValueError(
                f"{paths[0]} is {labels.shape} (height, width), {paths[1]} {truth.shape}. Score predictions at the "
                "size of their images."
            )
        matrix = confusion(truth, labels, len(self.class_names), " and ".join(map(str, paths)))
        return LabelledImage(index, key, {}, {"": truth}, {"": labels}, {"": matrix})


def label_files_of(arguments, predictions):
    """Open the label files that a command scores with `--labels` in place of a model.

    Args:
        arguments: values of `split.add_options`, and `labels`.
        predictions: as for `LabelFiles`.

    Raises:
        ValueError: as `LabelFiles`, or if an option is given that says where a model's images are.
    """
    for name in ("data", "split", "recipe"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} says where a model's images are; --labels scores files. Leave one of them out.")
    return LabelFiles(
        predictions,
        arguments.labels,
        classes=None if arguments.classes is None else classes_of(arguments.classes),
        ignore_label=VOID if arguments.ignore_label is None else arguments.ignore_label,
    )


def number_of_classes(matrix):
    """Return one more than the highest class that occurs in truth or prediction of a confusion matrix; at least 1."""
    return 1 + int(np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1)).max(initial=0))


def _pairs(predictions, labels, others):
    """Match predictions and labels; return the pairs by key, and how many labels are left over.

    Args:
        others: list that gets the files that are not read.
    """
    for path, hint in ((predictions, "Name predicted label files."), (labels, "Name the true ones with --labels.")):
        if not path.exists():
            raise ValueError(f"{path} is missing. {hint}")
    if predictions.is_file() and labels.is_file():
        return {predictions.stem: (predictions, labels)}, 0
    if labels.is_file():
        raise ValueError(f"{predictions} is a folder, {labels} a file. Name two files or two folders.")
    truths = _by_key(labels, others)
    predicted = {predictions.stem: predictions} if predictions.is_file() else _by_key(predictions, others)
    lacking = sorted(predicted.keys() - truths.keys())
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(predicted)} predictions have no label of the same stem in {labels}: "
            f"{some(lacking)}. Add the labels, or take the predictions out."
        )
    return {key: (predicted[key], truths[key]) for key in sorted(predicted)}, len(truths) - len(predicted)


def _by_key(folder, others):
    """Map stems, with the sub-folders before them, to the image files below a folder."""
    listing = list_images(folder)
    others += listing.others
    if listing.doubled:
        second = listing.doubled[0]
        raise ValueError(f"{listing.images[key_of(second, folder)]} and {second} have one stem. Keep one of them.")
    if not listing.images:
        raise ValueError(f"{folder} holds no label file. Expected PNGs of class ids.")
    return listing.images
