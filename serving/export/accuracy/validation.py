"""Mean IU of a file and of the model that it was made of, on labelled images."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import fcn_keras as fcn
from fcn_keras.confusion import confusion
from fcn_keras.datasets.folder import Folder
from fcn_keras.datasets.layouts import find_place
from fcn_keras.examples import VOID


class Validation(NamedTuple):
    """Mean IUs, from 0 to 1, over the same images."""

    model: float
    file: float
    images: int


def open_examples(model, folder, split, ignore_label=VOID):
    """Open images and masks to validate on.

    Args:
        model: a network of one head that takes one image file.
        folder: of a data set, as `fcn_keras.datasets.folder.Folder` reads it. Its `classes.txt` counts, and otherwise
            as many classes as the model has.
        split: `"val"`, ... or None where the folder is not divided.
        ignore_label: void id besides 255.

    Returns:
        `Folder`.

    Raises:
        ValueError: if the folder, or its number of classes, does not fit.
    """
    if isinstance(model.output, dict) or isinstance(model.input, dict) or model.input.shape[-1] != 3:
        raise ValueError(
            "Validation reads folders of images and masks: one image file and one kind of labels a scene. "
            "Received: a network of several inputs or heads. Leave --validate out."
        )
    count = model.output.shape[-1]
    listed = (Path(folder) / "classes.txt").is_file()
    examples = Folder(folder, split, classes=None if listed else count, ignore_label=ignore_label)
    if examples.num_classes != count:
        raise ValueError(
            f"The model has {count} classes, {examples.directory} {examples.num_classes}. Validate on the classes that "
            "it was trained on."
        )
    return examples


def usual_split(folder):
    """Return the split to validate on where none is named: `"val"`, or None for a folder that is not divided."""
    folder = Path(folder)
    divided = any(find_place(folder, split) for split in ("train", "val", "test"))
    return "val" if divided or not (folder / "images").is_dir() else None


def validate(model, answer, examples, progress=None):
    """Label every image with the model and with the file, and compare both with the masks.

    Args:
        model: a network of one head.
        answer: function from an image to `{"": array}`, scores (H, W, K) or labels (H, W).
        examples: as `open_examples` returns them.
        progress: called as `progress(done, total)` after each image.

    Returns:
        `Validation`.

    Raises:
        ValueError: if every pixel is void.
    """
    count = examples.num_classes
    ours, theirs = (np.zeros((count, count), np.int64) for _ in range(2))
    for index in range(len(examples)):
        example, place = examples[index], f"example {index}"
        try:
            predicted = fcn.predict(model, example["image"])
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        theirs += confusion(example["label"], predicted, count, place)
        labels = answer(example["image"])[""]
        if labels.ndim == 3 and not np.isfinite(labels).all():
            raise ValueError(f"The file gives scores that are NaN or infinite of {place} of {examples.directory}.")
        labels = labels.argmax(axis=-1) if labels.ndim == 3 else labels
        ours += confusion(example["label"], labels, count, place)
        if progress is not None:
            progress(index + 1, len(examples))
    if not theirs.any():
        raise ValueError(f"Every pixel of {examples.directory} is void (255): there is nothing to validate on.")
    return Validation(*(float(fcn.scores(matrix)["mean_iu"]) for matrix in (theirs, ours)), len(examples))
