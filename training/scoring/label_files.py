"""Score label files that anything wrote against the true ones."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.confusion import confusion
from fcn_keras.examples import VOID

LOG = logging.getLogger("fcn_keras")
_MOST = 255  # classes that 8 bits hold beside void
_NAMED = 5  # files an error names before it only counts


@dataclass(frozen=True)
class ScoredFile:
    """One label file beside its true one.

    Attributes:
        key: the stem, with the sub-folders before it.
        truth, labels: `(H, W)` class ids; 255 is void.
        matrix: `(C, C)` int64, rows truth, columns prediction.
    """

    key: str
    truth: np.ndarray
    labels: np.ndarray
    matrix: np.ndarray


class LabelFiles:
    """Label files that anything wrote, grey or palette, paired with the true ones.

    Args:
        predictions: path of a file, or of a folder of them with its sub-folders.
        labels: the true ones: a file, or a folder that holds a file of the same stem for every prediction.
        classes: as for `fcn_keras.datasets.folder.Folder`; with colours, palette and RGB files are translated by
            colour. Default: as many as 8 bits hold.
        ignore_label: the void id besides 255.

    Attributes:
        keys: of the pairs, in order.
        alone: the number of labels without a prediction.
        class_names: of the classes.

    Raises:
        ValueError: if a path is missing, or a prediction lacks its label.
    """

    def __init__(self, predictions, labels, *, classes=None, ignore_label=VOID):
        from fcn_keras.datasets.classes import ClassTable

        self._pairs, self.alone = _pairs(Path(predictions), Path(labels))
        self._table = ClassTable(_MOST if classes is None else classes)
        self._ignore_label = ignore_label
        self.keys = list(self._pairs)
        self.class_names = self._table.names

    def scored(self, *, progress=None, on_error=None):
        """Yield a `ScoredFile` of every pair; the next ones are read meanwhile.

        Args:
            progress: called as `progress(done, total)` after each file.
            on_error: called with the `ValueError` of a pair that cannot be scored, which is then left out; by default
                it is raised.

        Raises:
            ValueError: if a prediction has another size than its label, an id is out of range, or void is predicted
                where the truth is a class.
        """
        from ..reading import attempted, read_ahead

        read = self._score if on_error is None else attempted(self._score)
        for index, found in enumerate(read_ahead(read, self.keys)):
            if isinstance(found, ValueError):
                on_error(found)
                continue
            if progress is not None:
                progress(index + 1, len(self.keys))
            yield found

    def _score(self, key):
        pair = self._pairs[key]
        LOG.debug("%s: scoring it against %s", *pair)
        predicted, truth = _read_pair(pair, self._table, self._ignore_label)
        matrix = confusion(truth, predicted, len(self.class_names), " and ".join(map(str, pair)))
        return ScoredFile(key, truth, predicted, matrix)


def evaluate_files(files, *, boundaries=None, progress=None, on_error=None):
    """Count where the pixels of every class went over `LabelFiles`.

    Args:
        boundaries: `fcn_keras.BoundaryScores` of as many classes, that every file is added to.
        progress, on_error: as for `LabelFiles.scored`.

    Returns:
        `(C, C)` int64 counts, rows truth, columns prediction; the number of files scored.

    Raises:
        ValueError: as `LabelFiles.scored`.
    """
    count, number = len(files.class_names), 0
    matrix = np.zeros((count, count), np.int64)
    for scored in files.scored(progress=progress, on_error=on_error):
        matrix += scored.matrix
        number += 1
        if boundaries is not None:
            boundaries.update(scored.truth, scored.labels)
    return matrix, number


def highest_id(matrix):
    """Return the highest class that occurs in truth or prediction of a confusion matrix; 0 if none does."""
    return int(np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1)).max(initial=0))


def _read_pair(pair, table, ignore_label):
    predicted, truth = (_read(path, table, ignore_label) for path in pair)
    if predicted.shape != truth.shape:
        raise ValueError(
            f"{pair[0]} is {predicted.shape} (height, width), {pair[1]} {truth.shape}. Score predictions at the size "
            "of their images."
        )
    return predicted, truth


def _read(path, table, ignore_label):
    """Return the `(H, W)` ids of a file, void as 255."""
    from fcn_keras.datasets.images import read_mask

    mask = read_mask(path, colored=table.colored)
    if mask.ndim == 3:
        return table.translate(mask, path)
    return np.where(mask == ignore_label, VOID, mask)


def _pairs(predictions, labels):
    """Match predictions and labels; return the pairs by stem, and how many labels are left over."""
    for path, hint in ((predictions, "Name predicted label files."), (labels, "Name the true ones with --labels.")):
        if not path.exists():
            raise ValueError(f"{path} is missing. {hint}")
    if predictions.is_file() and labels.is_file():
        return {predictions.stem: (predictions, labels)}, 0
    if labels.is_file():
        raise ValueError(f"{predictions} is a folder, {labels} a file. Name two files or two folders.")
    truths = _files(labels)
    found = {predictions.stem: predictions} if predictions.is_file() else _files(predictions)
    lacking = sorted(found.keys() - truths.keys())
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(found)} predictions have no label of the same stem in {labels}: "
            f"{', '.join(lacking[:_NAMED])}. Add the labels, or take the predictions out."
        )
    return {key: (found[key], truths[key]) for key in sorted(found)}, len(truths) - len(found)


def _files(folder):
    """Map stems, with the sub-folders before them, to the image files below a folder."""
    from fcn_keras.datasets.images import extensions

    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix.lower() not in extensions() or any(part.startswith(".") for part in place.parts):
            continue
        key = place.with_suffix("").as_posix()
        if key in found:
            raise ValueError(f"{found[key]} and {path} have one stem. Keep one of them.")
        found[key] = path
    if not found:
        raise ValueError(f"{folder} holds no label file. Expected PNGs of class ids.")
    return found
