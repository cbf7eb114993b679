"""Score label files that anything wrote against the true ones."""

from pathlib import Path

import numpy as np

from .counting import confusion

VOID = 255
_MOST = 255  # classes that 8 bits hold beside void
_NAMED = 5  # files an error names before it only counts


def evaluate_files(predictions, labels, *, classes=None, ignore_label=VOID, progress=None, on_error=None):
    """Count where the pixels of every class went over files of class ids, grey or palette.

    Args:
        predictions: path of a file, or of a folder of them with its sub-folders.
        labels: the true ones: a file, or a folder that holds a file of the same stem for every prediction.
        classes: as for `fcn_keras.datasets.folder.Folder`; with colours, palette and RGB files are translated by
            colour. Default: as many as the highest id that occurs.
        ignore_label: the void id besides 255.
        progress: called as `progress(done, total)` after each file.
        on_error: called with the `ValueError` of a pair that cannot be scored, which is then left out; by default it
            is raised.

    Returns:
        `(C, C)` int64 counts, rows truth, columns prediction; the names of the classes; the number of files scored;
        the number of labels without a prediction.

    Raises:
        ValueError: if a path is missing, a prediction lacks its label or has another size, an id is out of range, or
            void is predicted where the truth is a class.
    """
    from fcn_keras.datasets.classes import ClassTable

    from .ahead import read_ahead
    from .unreadable import attempted

    pairs, alone = _pairs(Path(predictions), Path(labels))
    table = ClassTable(_MOST if classes is None else classes)
    count = len(table.names)
    matrix = np.zeros((count, count), np.int64)

    def read(pair):
        predicted, truth = _read_pair(pair, table, ignore_label)
        return confusion(truth, predicted, count, " and ".join(map(str, pair)))

    scored = 0
    for index, found in enumerate(read_ahead(read if on_error is None else attempted(read), pairs)):
        if isinstance(found, ValueError):
            on_error(found)
            continue
        matrix += found
        scored += 1
        if progress is not None:
            progress(index + 1, len(pairs))
    if classes is None:
        count = 1 + np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1)).max(initial=0)
    return matrix[:count, :count], table.names[:count], scored, alone


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
    """Match predictions and labels; return the pairs, and how many labels are left over."""
    for path, hint in ((predictions, "Name predicted label files."), (labels, "Name the true ones with --labels.")):
        if not path.exists():
            raise ValueError(f"{path} is missing. {hint}")
    if predictions.is_file() and labels.is_file():
        return [(predictions, labels)], 0
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
    return [(found[key], truths[key]) for key in sorted(found)], len(truths) - len(found)


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
