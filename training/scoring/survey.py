"""Score a split once: the matrices, how well every image came out, which images to show."""

import logging
import time
from dataclasses import dataclass, field

import numpy as np

from fcn_keras import BoundaryScores
from fcn_keras.interface import class_counts
from fcn_keras.metrics import scores

from .images import score_images

LOG = logging.getLogger("fcn-report")
GROUPS = ("best", "median", "worst")


@dataclass(frozen=True)
class Scored:
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
class Survey:
    """What one pass over a split found; dicts by head, whose only one is `""` for most models.

    Attributes:
        matrices: `(C, C)` int64, rows truth, columns prediction.
        images: `Scored`, in the data set's order.
        holding: `(C,)` int64, the images whose truth holds each class.
        boundaries: `fcn_keras.BoundaryScores`.
        seconds: that it took, reading included.
    """

    matrices: dict
    holding: dict
    boundaries: dict
    images: list = field(default_factory=list)
    seconds: float = 0.0


def survey(model, examples, *, progress=None, on_error=None):
    """Score every image of a data set once; keep no pixels.

    Args:
        model, examples, progress, on_error: as for `score_images`.
    """
    counts = class_counts(model)
    found = Survey(
        {head: np.zeros((count, count), np.int64) for head, count in counts.items()},
        {head: np.zeros(count, np.int64) for head, count in counts.items()},
        {head: BoundaryScores(count) for head, count in counts.items()},
    )
    began = time.monotonic()
    for scored in score_images(model, examples, progress=progress, on_error=on_error):
        for head, matrix in scored.matrices.items():
            found.matrices[head] += matrix
            found.holding[head] += matrix.any(axis=1)
            found.boundaries[head].update(scored.truth[head], scored.labels[head])
        value = mean_iu(scored.matrices)
        size = scored.example["image"].shape[:2]
        LOG.debug("%s: %d x %d pixels, mean IU %s", scored.name, size[1], size[0], value)
        found.images.append(Scored(scored.index, scored.name, size, value))
    found.seconds = time.monotonic() - began
    return found


def mean_iu(matrices):
    """Return one image's mean IU, over its heads; None if all of its pixels are void."""
    values = [float(scores(matrix)["mean_iu"]) for matrix in matrices.values() if matrix.any()]
    return sum(values) / len(values) if values else None


def choose(images, count):
    """Choose the images to show, each once: those of the highest mean IU, around the median, of the lowest.

    Args:
        images: `Scored`.
        count: how many of each group; fewer where a split has fewer than three times as many.

    Returns:
        dict by the names in `GROUPS` of lists, the best first, the lowest last.
    """
    ranked = sorted((image for image in images if image.mean_iu is not None), key=lambda image: -image.mean_iu)
    count = min(count, max(1, len(ranked) // 3))
    best, rest = ranked[:count], ranked[count:]
    worst = rest[max(0, len(rest) - count) :] if count else []
    rest = rest[: len(rest) - len(worst)]
    start = max(0, (len(rest) - count) // 2)
    return dict(zip(GROUPS, (best, rest[start : start + count], worst), strict=True))
