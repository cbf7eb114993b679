"""Score a model image by image: what is summed over a split, compared, or shown."""

import logging
from dataclasses import dataclass

import numpy as np

import fcn_keras as fcn
from fcn_keras.confusion import confusion
from fcn_keras.examples import as_arrays, flatten, nest, signature
from fcn_keras.interface import class_counts, heads_of, modality_of, pixels_of

from ..reading import attempted, read_ahead

LOG = logging.getLogger("fcn_keras")


@dataclass(frozen=True)
class Scored:
    """One image with what a model made of it; dicts by head, whose only one is `""` for most models.

    Attributes:
        index: in the data set.
        name: what people call it: its id, or its number.
        example: as read, checked.
        truth: `(H, W)` class ids, 255 void.
        labels: `(H, W)` what the model says.
        matrices: `(C, C)` int64, rows truth, columns prediction.
    """

    index: int
    name: str
    example: dict
    truth: dict
    labels: dict
    matrices: dict


def score_images(model, examples, *, progress=None, on_error=None, scales=None):
    """Label every image of a data set at its own size, and count where its pixels of every class went.

    Args:
        model: a network of this package.
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`. Labels hold
            class ids, or 255 for void.
        progress: called as `progress(done, total)` after each image.
        on_error: called with the `ValueError` of an example that cannot be read, which is then left out; by default it
            is raised.
        scales: of the mirrored and plain copies that decide together, as for `fcn_keras.predict_augmented`; None for
            the image alone.

    Yields:
        `Scored`, in the data set's order; the next images are read meanwhile.

    Raises:
        ValueError: if the data set has other classes than the model, lacks what the model eats, holds a label out
            of range, or holds no image.
    """
    counts, modality = class_counts(model), modality_of(model)
    require_same_classes(counts, examples)
    read, total = _reader(examples, modality, on_error is not None), len(examples)
    for index, example in enumerate(read_ahead(read, range(total))):
        if isinstance(example, ValueError):
            on_error(example)
            continue
        name, truth = name_of(examples, index), heads_of(example["label"])
        pixels = pixels_of(example, modality)
        found = fcn.predict(model, pixels) if scales is None else fcn.predict_augmented(model, pixels, scales=scales)
        labels = heads_of(found)
        matrices = {head: confusion(truth[head], labels[head], counts[head], name) for head in truth}
        LOG.debug("%s: %d of %d scored", name, index + 1, total)
        if progress is not None:
            progress(index + 1, total)
        yield Scored(index, name, example, truth, labels, matrices)


def require_same_classes(counts, examples):
    """Refuse a data set whose classes are not those of the model, by head, or that is empty."""
    if not len(examples):
        raise ValueError("The data set holds no image: there is nothing to score. Check its path and split.")
    theirs = heads_of(examples.num_classes)
    if theirs != counts:
        mine, theirs = (", ".join(f"{n} {head}".strip() for head, n in x.items()) for x in (counts, theirs))
        raise ValueError(
            f"The model has {mine} classes, the data set {theirs}. Score a model on the classes it was trained on: "
            "check the model, --data and --classes."
        )


def name_of(examples, index):
    """Return what people call an example: its id, or its number."""
    return f"image {examples.ids[index]}" if hasattr(examples, "ids") else f"example {index}"


def _reader(examples, modality, skips):
    """Return a thread-safe function from an index to a checked example, or to its `ValueError` where it `skips`."""
    get = attempted(examples.__getitem__) if skips else examples.__getitem__
    first = next((example for example in map(get, range(len(examples))) if not isinstance(example, ValueError)), None)
    if first is None:
        return get
    first = {name: np.asarray(value) for name, value in flatten(first).items()}
    dtypes = signature(first, modality, all_keys=False)

    def read(index):
        return nest(dict(zip(dtypes, as_arrays(examples[index], dtypes, index), strict=True)))

    return attempted(read) if skips else read
