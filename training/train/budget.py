"""Divide the minutes that a user gives among feature maps, a head, and the last block."""

import math
from dataclasses import dataclass

MINUTES = 30  # on a processor, unless given
SLACK = 0.04  # of the time is kept for what takes longer than it was measured
MAPS = 0.40  # of the time, at most, goes into maps to train on
SCORED = 0.08  # ... and into those to validate on
HEAD = 0.70  # of the time to train goes into the head alone, the rest into the last block too
SCORES = 0.06  # of the time to train, at most, goes into scores
EPOCHS = (5, 3)  # scores of the two stages
FEWEST = 10  # steps of an epoch
SIDES = (512, 384, 320, 256, 192)  # of crops, where whole images take too long
WHOLE = 1_000_000  # pixels of the largest image that may stay whole
BATCH = 700_000  # pixels of a batch, of
LARGEST_BATCH = 8  # images at most
DRAWS = 6  # views of an image, at most
FEWEST_SCORED = 8  # images, in little time too: fewer choose a model by chance
MOST_SCORED = 0.16  # ... of the time that their maps may take


@dataclass(frozen=True)
class Costs:
    """What was measured on this machine: seconds for a pixel, of each but `start`.

    Attributes:
        maps: of the frozen layers.
        head: of a step of the head.
        thawed: of a step in which the last block learns too.
        scored: of scoring an image from its maps.
        start: seconds that a stage takes before its first step and to save its models.
    """

    maps: float
    head: float
    thawed: float
    scored: float
    start: float


@dataclass(frozen=True)
class Images:
    """What there is to train on.

    Attributes:
        trained, validated: numbers of images.
        area: pixels of a middling image, its padding included.
        largest: pixels of the largest, without padding.
        reading: seconds that it takes to read one, where that counts.
    """

    trained: int
    validated: int
    area: float
    largest: float
    reading: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """How the time is used.

    Attributes:
        crop: side of the squares to train on; None for whole images.
        batch_size: views in a batch.
        views: examples that are drawn, each with its mirror image.
        validation_images: how many are scored.
        steps: of the head, and of the last block.
        seconds: expected, by what they go into.
        scoring: of them, those of one epoch's scores.
    """

    crop: int | None
    batch_size: int
    views: int
    validation_images: int
    steps: tuple[int, int]
    seconds: dict
    scoring: float

    @property
    def total(self):
        return sum(self.seconds.values())


def batch_of(area, trained):
    """Return how many images stand in a batch, by the pixels of one."""
    return max(1, min(LARGEST_BATCH, trained, round(BATCH / area)))


def crop_side(images, seconds, maps):
    """Choose what to train on: whole images, or the largest crops of which every image gives one in time.

    Args:
        images: `Images`.
        seconds: that there are.
        maps: seconds that the frozen layers take for a pixel.

    Returns:
        None for whole images, or the side of a square: the smallest, where not even those can be had in time.
    """
    computing = MAPS * (1 - SLACK) * seconds - images.reading * images.trained
    allowed = computing / (2 * maps * images.trained)  # pixels of an image, which comes with its mirror image
    if images.largest <= WHOLE and images.area <= allowed:
        return None
    sides = [side for side in SIDES if side * side <= images.area]
    return next((side for side in sides if side * side <= allowed), sides[-1] if sides else None)


def minutes_for(images, area, maps, over=0.0):
    """Return the minutes in which every image is seen once, `area` pixels of it, whole ones.

    Args:
        images: `Images`.
        area: pixels of an image's view.
        maps: seconds that the frozen layers take for a pixel.
        over: seconds that are over before.
    """
    each = images.reading + area * 2 * maps
    return math.ceil((each * images.trained / MAPS / (1 - SLACK) + over) / 60)


def schedule(images, seconds, costs, batch_size=None):
    """Divide the time.

    Args:
        images: `Images`.
        seconds: left of the budget.
        costs: `Costs`.
        batch_size: given, or None to choose it.

    Returns:
        `Schedule`, whose `total` is at most `seconds` less `SLACK`, unless that is less than the least: the smallest
        crops, and the fewest steps.
    """
    crop = crop_side(images, seconds, costs.maps)
    seconds *= 1 - SLACK
    area = images.area if crop is None else crop * crop
    batch_size = batch_size or batch_of(area, images.trained)
    read = images.reading * images.trained
    views = min(int((MAPS * seconds - read) / (2 * area * costs.maps)), DRAWS * images.trained)
    if views < 2 * images.trained:
        views = images.trained  # each image once, and not some of them twice
    each = images.area * costs.maps + images.reading  # seconds of a validation image
    fewest = max(1, min(images.validated, FEWEST_SCORED, int(MOST_SCORED * seconds / each)))
    shown = max(fewest, min(images.validated, int(SCORED * seconds / each)))
    maps = (2 * views * area + shown * images.area) * costs.maps + read + shown * images.reading
    rest = max(0.0, seconds - maps - 2 * costs.start)
    score = sum(EPOCHS) * images.area * costs.scored  # seconds of one image
    shown = max(fewest, min(shown, int(SCORES * rest / score)))
    rest = max(0.0, rest - shown * score)
    steps, spent = [], []
    for share, cost, epochs in zip((HEAD, 1 - HEAD), (costs.head, costs.thawed), EPOCHS, strict=True):
        step = cost * batch_size * area
        steps.append(max(FEWEST, int(rest * share / step / epochs)) * epochs)
        spent.append(steps[-1] * step)
    parts = {"feature maps": maps, "head": spent[0], "last block": spent[1], "scores": shown * score}
    return Schedule(
        crop, batch_size, views, shown, tuple(steps), parts | {"start": 2 * costs.start}, shown * score / sum(EPOCHS)
    )
