"""Choose how small the photographs may become that a network is trained on: as small as their masks allow."""

import time
from dataclasses import dataclass

import numpy as np

from ..bound.coarse_labels import bound, mean_iu
from .plan import SEES_LITTLE, most_pixels_of
from .sources import spaced

CELL = 8  # pixels: the stride of the finest scores
FACTOR = 0.5  # on the sides
LEAST = 0.9  # of the bound on mean IU that is to be left: docs/training.md has what was measured
SAMPLE = 100  # masks that are looked at
TIMED = 3  # images


@dataclass(frozen=True)
class Detail:
    """What was chosen.

    Attributes:
        most_pixels: that larger images are reduced to, or None where they keep their size.
        reason: why, as text.
        reading: seconds that it takes to read and reduce an image; 0 where that counts for nothing.
    """

    most_pixels: int | None
    reason: str = SEES_LITTLE
    reading: float = 0.0


def choose_detail(open_folder, sizes, progress=None):
    """Choose to how many pixels larger images are to be reduced.

    Half the side is a quarter of the work, and a network sees twice as far. What it loses are thin things. The bound of
    `fcn-bound` tells how much of the masks is left at the finest stride of the smaller image.

    Args:
        open_folder: function from `most_pixels` to the data set to train on.
        sizes: list of `(H, W, count)`.
        progress: as for `bound`.

    Returns:
        `Detail`.
    """
    areas = np.repeat([height * width for height, width, _ in sizes], [count for *_, count in sizes])
    most = most_pixels_of(sizes)
    reading = 0.0 if most is None else seconds_to_read(open_folder(most))
    cell = round(CELL / FACTOR)
    (matrices,) = bound(spaced(open_folder(most), SAMPLE), [cell], progress=progress).values()
    left = mean_iu(matrices[cell])[0]
    if left < LEAST:
        return Detail(most, reading=reading)
    middling = float(np.median(np.minimum(areas, most or areas.max())))
    return Detail(round(FACTOR**2 * middling), f"masks keep {left:.0%} of mean IU at half the side", reading)


def seconds_to_read(examples):
    """Return how long it takes to read an example, the mean of a few."""
    timed = spaced(examples, TIMED)
    began = time.perf_counter()
    for index in range(len(timed)):
        timed[index]
    return (time.perf_counter() - began) / len(timed)
