"""Label a split image by image, count where the pixels of every class went, and add the counts up."""

import logging
import time
from dataclasses import dataclass, field

import numpy as np

import fcn_keras as fcn
from fcn_keras.confusion import confusion
from fcn_keras.examples import as_arrays, flatten, nest, signature
from fcn_keras.interface import class_counts, heads_of, modality_of, pixels_of
from fcn_keras.scaled_inference import photographs_of

from ..reading import attempted, read_each
from .image_sums import sums_of
from .scale_options import usual_scale
from .tta_options import copies_predictor

LOG = logging.getLogger("fcn_keras")
USUAL = "usual"  # scale of `label_images` that is the model's affair


@dataclass(frozen=True)
class LabelledImage:
    """The pixels of one image; dicts by head, whose only one is `""` for most models.

    Attributes:
        index: in the data set.
        name: what people call it: its id, or its number.
        example: as read, its pixels checked; empty where there are label files alone.
        truth: `(H, W)` class ids, 255 void.
        labels: `(H, W)` class ids: what a model or a label file says.
        matrices: `(C, C)` int64, rows truth, columns prediction.
        scores: `(H, W, C)` float32, where they were asked for; else empty.
    """

    index: int
    name: str
    example: dict
    truth: dict
    labels: dict
    matrices: dict
    scores: dict = field(default_factory=dict)


@dataclass(frozen=True)
class ScoredImage:
    """How well one image came out.

    Attributes:
        index: in the data set.
        name: what people call it.
        size: `(H, W)`.
        mean_iu: 0..1, over the classes in its truth or prediction, and over the heads; None if all of it is void.
    """

    index: int
    name: str
    size: tuple
    mean_iu: float | None


@dataclass
class SplitScores:
    """What one pass over a split adds up to; dicts by head, whose only one is `""` for most models.

    Attributes:
        matrices: `(C, C)` int64, rows truth, columns prediction; `fcn_keras.scores` turns one into metrics.
        holding: `(C,)` int64, the images whose truth holds each class.
        boundaries: `fcn_keras.BoundaryScores`; empty if they were not asked for.
        sums: list of what `image_sums.sums_of` keeps of each image.
        images: `ScoredImage`, in the data set's order.
        seconds: that it took, reading included.
    """

    matrices: dict = field(default_factory=dict)
    holding: dict = field(default_factory=dict)
    boundaries: dict = field(default_factory=dict)
    sums: dict = field(default_factory=dict)
    images: list = field(default_factory=list)
    seconds: float = 0.0


def label_images(
    model, examples, *, indices=None, scales=None, scale=USUAL, with_scores=False, unreadable=None, progress=None
):
    """Label the images of a data set; the next ones are read meanwhile.

    Args:
        model: a network of this package.
        examples: data set of `fcn_keras.datasets`, or any sequence of such examples with `num_classes`. Labels hold
            class ids, or 255 for void.
        indices: of the images to label, in their order; default all.
        scales: of the mirrored and plain copies that decide together, as for `fcn_keras.predict_augmented`; None for
            the image alone.
        scale: at which images are scored, as for `fcn_keras.predict_scaled`: 1 is their own size, None the model's.
            By default, that of `scale_options.usual_scale`.
        with_scores: whether the scores are kept; not of copies.
        unreadable: called with the `ValueError` of an example that cannot be read, which is then left out; by default
            it is raised.
        progress: called as `progress(done, total)` after each image.

    Yields:
        `LabelledImage`.

    Raises:
        ValueError: if the data set has other classes than the model, lacks what the model takes, holds a label out
            of range, or holds no image; if the scores of an image are no numbers, naming it.
    """
    scale = usual_scale(photographs_of(model)) if scale == USUAL else scale
    predictor = None if scales is None else copies_predictor(scales)

    def label(pixels):
        if with_scores:
            return labels_of(heads_of(fcn.predict_scaled(model, pixels, scale=scale, output="scores")))
        return heads_of(fcn.predict_scaled(model, pixels, scale=scale, predictor=predictor)), {}

    options = {"indices": indices, "unreadable": unreadable, "progress": progress}
    yield from label_by(label, class_counts(model), modality_of(model), examples, **options)


def label_by(label, counts, modality, examples, *, indices=None, unreadable=None, progress=None):
    """Label the images of a data set by any function.

    Args:
        label: function from what a network takes to labels by head, and to scores by head or an empty dict.
        counts: number of classes by head.
        modality: what `label` takes, as `fcn_keras.interface.modality_of` names it.
        examples, indices, unreadable, progress: as for `label_images`, and so is what it yields and raises.
    """
    require_same_classes(counts, examples)
    total = len(examples)
    indices = range(total) if indices is None else indices
    read = _reader(examples, indices, modality, unreadable is not None)
    for index, example in read_each(read, indices, unreadable=unreadable, progress=progress):
        name, truth = name_of(examples, index), heads_of(example["label"])
        pixels = pixels_of(example, modality)
        try:
            labels, scores = label(pixels)
        except ValueError as error:  # such as scores that are no numbers
            raise ValueError(f"{name}: {error}") from error
        matrices = {head: confusion(truth[head], labels[head], counts[head], name) for head in truth}
        LOG.debug("%s: %d of %d scored", name, index + 1, total)
        yield LabelledImage(index, name, example, truth, labels, matrices, scores)


def labels_of(scores):
    """Return the labels by head, of scores by head, and the scores."""
    types = {head: np.uint8 if x.shape[-1] <= 256 else np.uint16 for head, x in scores.items()}
    return {head: x.argmax(axis=-1).astype(types[head]) for head, x in scores.items()}, scores


def score_split(images, *, boundaries=False, calibrations=None):
    """Add up the counts of a split's images, and keep how well each came out, but no pixels.

    Args:
        images: of one split, as `label_images` and `LabelFiles.labelled` yield them.
        boundaries: whether trimaps, boundary F1 and Boundary IoU are to be had as well.

        calibrations: `SplitCalibration` by head, to which the images' scores are added; None where there are none.

    Returns:
        `SplitScores`.
    """
    scores = SplitScores()
    began = time.monotonic()
    for image in images:
        for head, matrix in image.matrices.items():
            scores.matrices[head] = scores.matrices.get(head, 0) + matrix
            scores.holding[head] = scores.holding.get(head, 0) + matrix.any(axis=1).astype(np.int64)
            found = None
            if boundaries:
                of_head = scores.boundaries.setdefault(head, fcn.BoundaryScores(len(matrix)))
                found = of_head.measured(image.truth[head], image.labels[head])
                of_head.add(found)
            scores.sums.setdefault(head, []).append(sums_of(matrix, found))
            if calibrations is not None:
                calibrations[head].add(image.scores[head], image.truth[head])
        size = next(iter(image.truth.values())).shape
        scores.images.append(ScoredImage(image.index, image.name, size, mean_iu(image.matrices)))
        LOG.debug("%s: %d x %d pixels, mean IU %s", image.name, size[1], size[0], scores.images[-1].mean_iu)
    scores.seconds = time.monotonic() - began
    return scores


def mean_iu(matrices):
    """Return one image's mean IU, over its heads; None if all of its pixels are void."""
    values = [float(fcn.scores(matrix)["mean_iu"]) for matrix in matrices.values() if matrix.any()]
    return sum(values) / len(values) if values else None


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


def require_scored(scores, unreadable):
    """Make sure that there was something to score.

    Args:
        scores: `SplitScores`.
        unreadable: `Unreadable`, of the images that were left out.

    Raises:
        ValueError: if no image is left, or a head has no pixel that is not void.
    """
    unreadable.require_some(len(scores.images))
    if not all(matrix.any() for matrix in scores.matrices.values()):
        raise ValueError("Every pixel of the split is void (255): there is nothing to score.")


def name_of(examples, index):
    """Return what people call an example: its id, or its number."""
    return f"image {examples.ids[index]}" if hasattr(examples, "ids") else f"example {index}"


def _reader(examples, indices, modality, skips):
    """Return a thread-safe function from an index to a checked example.

    All examples are read in the types of the first one; where some may be left out (`skips`), of the first readable.
    """
    get = attempted(examples.__getitem__) if skips else examples.__getitem__
    first = next((example for example in map(get, indices) if not isinstance(example, ValueError)), None)
    if first is None:
        return examples.__getitem__
    first = {name: np.asarray(value) for name, value in flatten(first).items()}
    dtypes = signature(first, modality, all_keys=False)

    def read(index):
        example = examples[index]
        return {**example, **nest(dict(zip(dtypes, as_arrays(example, dtypes, index), strict=True)))}

    return read
