"""Divide the minutes that a user gives among feature maps, a head, and the last block."""

from dataclasses import dataclass

MINUTES = 30  # on a processor, unless given
SLACK = 0.04  # of the time is kept for what takes longer than it was measured
MAPS = 0.40  # of the time, at most, goes into maps to train on
SCORED = 0.08  # ... and into those to validate on
HEAD = 0.70  # of the time to train goes into the head alone, the rest into the last block too
SCORES = 0.06  # of the time to train, at most, goes into scores
EPOCHS = ((5, 3), (3, 2), (2, 1))  # scores of the two stages: fewer where the fewest steps are too many
FEWEST = 10  # steps of an epoch
SIDES = (512, 384, 320, 256, 192)  # of crops, where whole images take too long
WHOLE = 1_000_000  # pixels of the largest image that may stay whole
BATCH = 700_000  # pixels of a batch, of
LARGEST_BATCH = 8  # images at most
DRAWS = 6  # views of an image, at most
FEWEST_SCORED = 8  # images, in little time too: fewer choose a model by chance
MOST_SCORED = 0.16  # ... of the time that their maps may take
WEEK = 10_000  # minutes, the most that can be given
MARGIN = 1.25  # what comes before the training may take so much more the next time


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
        epochs: of these, at whose end they are scored.
        seconds: expected, by what they go into.
        scoring: of them, those of one epoch's scores.
    """

    crop: int | None
    batch_size: int
    views: int
    validation_images: int
    steps: tuple[int, int]
    epochs: tuple[int, int]
    seconds: dict
    scoring: float

    @property
    def total(self):
        return sum(self.seconds.values())

    @property
    def is_least(self):
        """Whether a stage has the fewest steps."""
        return any(steps == FEWEST * epochs for steps, epochs in zip(self.steps, self.epochs, strict=True))


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


def schedule(images, seconds, costs, batch_size=None):
    """Divide the time.

    Args:
        images: `Images`.
        seconds: left of the budget.
        costs: `Costs`.
        batch_size: given, or None to choose it.

    Returns:
        `Schedule`, whose `total` is at most `seconds` less `SLACK`, unless that is less than the least: the smallest
        crops, and the fewest steps and scores.
    """
    made = (_schedule(images, seconds, costs, batch_size, epochs) for epochs in EPOCHS)
    return next((each for each in made if each.total <= seconds), None) or _schedule(
        images, seconds, costs, batch_size, EPOCHS[-1]
    )


def _schedule(images, seconds, costs, batch_size, epochs):
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
    score = sum(epochs) * images.area * costs.scored  # seconds of one image
    shown = max(fewest, min(shown, int(SCORES * rest / score)))
    rest = max(0.0, rest - shown * score)
    last, of_last = _steps((1 - HEAD) * rest, costs.thawed * batch_size * area, epochs[1])
    head, of_head = _steps(min(HEAD * rest, rest - of_last), costs.head * batch_size * area, epochs[0])
    parts = {"feature maps": maps, "head": of_head, "last block": of_last, "scores": shown * score}
    parts["start"] = 2 * costs.start
    return Schedule(crop, batch_size, views, shown, (head, last), epochs, parts, shown * score / sum(epochs))


def _steps(seconds, each, epochs):
    """Return how many steps of whole epochs fit into the seconds, the fewest if none do, and what they take."""
    steps = max(FEWEST, int(seconds / each / epochs)) * epochs
    return steps, steps * each


def fewest_minutes(images, costs, over, batch_size=None, *, whole=False):
    """Return the fewest whole minutes into which the plan for them fits; None if a week is too little.

    Args:
        images, costs, batch_size: as for `schedule`.
        over: seconds that are over before.
        whole: whether whole images are to be trained on.
    """
    for minutes in range(1, WEEK + 1):
        seconds = 60 * minutes - MARGIN * over
        made = schedule(images, seconds, costs, batch_size)
        if made.total <= seconds and not (whole and made.crop):
            return minutes
    return None
