"""Divide the minutes that a user gives among maps of frozen layers, a head, and the last blocks."""

import math
from dataclasses import dataclass

MINUTES = 30  # on a processor, unless given
LEAST = 2  # minutes: below, starting takes most of the time
MAPS = 0.40  # of the time, at most, goes into maps to train on
SCORED = 0.08  # ... and into those to validate on
HEAD = 0.40  # of the time to train goes into the head alone, the rest into the last blocks too
SCORES = 0.06  # of the time to train, at most, goes into scores
EPOCHS = (4, 5)  # scores of the two stages
FEWEST = 40  # steps of a stage
SIDES = (512, 384, 320, 256, 192)  # of crops, where whole images take too long
DRAWS = 6  # views of an image, at most: more teach less than steps do


@dataclass(frozen=True)
class Costs:
    """What was measured on this machine, in seconds.

    Attributes:
        pixel: the frozen layers, for one pixel of an image.
        head: a step of the head.
        thawed: a step in which the last blocks learn too.
        scored: to score one image to validate on from its maps.
        start: what every stage takes before its first step, and to save its models.
    """

    pixel: float
    head: float
    thawed: float
    scored: float
    start: float


@dataclass(frozen=True)
class Folder:
    """What there is to train on.

    Attributes:
        trained, validated: numbers of images.
        area: pixels of a middling image.
        largest: pixels of the largest.
    """

    trained: int
    validated: int
    area: float
    largest: float


@dataclass(frozen=True)
class Schedule:
    """How the time is used.

    Attributes:
        crop: side of the squares to train on; None for whole images.
        draws: examples that views are made of, each with its mirror image.
        validation_images: how many are scored.
        steps: of the head, and of the last blocks.
        seconds: expected, by what they go into: `maps`, `head`, `thawed`, `scores`, `start`.
    """

    crop: int | None
    draws: int
    validation_images: int
    steps: tuple[int, int]
    seconds: dict

    @property
    def total(self):
        return sum(self.seconds.values())


def view_side(folder, seconds, pixel, whole=1_000_000):
    """Choose what to train on: whole images, or the largest crops of which every image gives one in time.

    Args:
        folder: `Folder`.
        seconds: that there are.
        pixel: seconds that the frozen layers take for one.
        whole: pixels of the largest image that is not cut.

    Returns:
        None for whole images, or the side of a square.

    Raises:
        ValueError: if not even the smallest crops can be had in time; it says how long they take.
    """
    allowed = MAPS * seconds / (2 * pixel * folder.trained)  # pixels of an image, which comes with its mirror image
    if folder.largest <= whole and folder.area <= allowed:
        return None
    for side in SIDES:
        if side * side <= min(allowed, folder.area if folder.largest <= whole else math.inf):
            return side
    needed = SIDES[-1] ** 2 * 2 * pixel * folder.trained / MAPS / 60
    raise ValueError(
        f"{folder.trained} images cannot be trained on in {seconds / 60:.0f} minutes on this machine: their feature "
        f"maps alone take {needed * MAPS:.0f}. Give --minutes {math.ceil(needed)} or more, or fewer images."
    )


def schedule(folder, seconds, costs):
    """Divide the time.

    Args:
        folder: `Folder`.
        seconds: left of the budget.
        costs: `Costs`.

    Returns:
        `Schedule`, whose `total` is at most `seconds` but where a stage has its fewest steps.

    Raises:
        ValueError: if the images are too many for the time.
    """
    crop = view_side(folder, seconds, costs.pixel)
    area = folder.area if crop is None else crop * crop
    draws = int(MAPS * seconds / (2 * area * costs.pixel))
    draws = min(max(draws, folder.trained), DRAWS * folder.trained)
    if draws < 2 * folder.trained:
        draws = folder.trained  # each image once, and not some of them twice
    validated = max(1, min(folder.validated, int(SCORED * seconds / (folder.area * costs.pixel))))
    spent = {
        "maps": draws * 2 * area * costs.pixel + validated * folder.area * costs.pixel,
        "start": 2 * costs.start,
    }
    rest = max(0.0, seconds - sum(spent.values()))
    scores = min(rest * SCORES, sum(EPOCHS) * validated * costs.scored)
    validated = max(1, min(validated, int(scores / sum(EPOCHS) / costs.scored)))
    scores = sum(EPOCHS) * validated * costs.scored
    rest = max(0.0, rest - scores)
    steps = tuple(
        max(FEWEST // epochs, int(rest * share / cost / epochs)) * epochs
        for share, cost, epochs in zip((HEAD, 1 - HEAD), (costs.head, costs.thawed), EPOCHS, strict=True)
    )
    spent |= {"head": steps[0] * costs.head, "thawed": steps[1] * costs.thawed, "scores": scores}
    return Schedule(crop, draws, validated, steps, spent)
