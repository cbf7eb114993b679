"""Refuse images on which a network can hardly have been trained: int8's ranges would be those of something else."""

from statistics import median
from typing import NamedTuple

import numpy as np

# The bounds are wide: they are to catch a wrong folder, not to judge a data set.
EXCEPTIONS = 0.1  # share of the images that may be flat, or drawn
FLAT = 2.0  # standard deviation in grey levels; photographs of fog and night have more, blank images next to none
COLORS = 48  # in a sample of pixels; masks hold a colour a class, a photograph hundreds, a grey one over a hundred
GREY = 0.9  # share of grey images that makes a folder grey
MEAN_DISTANCE = 80  # grey levels in a channel; VOC's and Cityscapes' means differ by 50, masks lie 100 and more away
SMALLEST = 32  # pixels a side: one pixel of the coarsest map
AREA_FACTOR = 16  # four times the height and width: no training here scales that far
SAMPLE = 20_000  # pixels of an image to look at

ADVICE = (
    "Name a folder of the photographs that the network was trained on or will see. If these are they, say "
    "--any-images (`any_images=True`)."
)


class ImageFacts(NamedTuple):
    """What is looked at in one image."""

    size: tuple  # (H, W)
    mean: np.ndarray  # (3,) grey levels
    spread: float  # standard deviation within the channels, the largest
    colors: int  # different ones in a sample
    is_grey: bool


def require_alike(images, folder, *, mean, modality, sizes):
    """Look at all images and raise a `ValueError` if together they look unlike a training's.

    Args:
        images: `(H, W, 3)` uint8 arrays.
        folder: where they are from, for the message.
        mean: three numbers that the network subtracts, in the order of the channels.
        modality: `"rgb"` or `"hha"`.
        sizes: (H, W)s of the training; may be empty.
    """
    facts = [_facts_of(image) for image in images]
    checks = (_flat(facts), _drawn(facts), modality == "rgb" and _grey(facts, mean), _far(facts, mean))
    wrong = next(filter(None, (*checks, _sized(facts, sizes))), None)
    if wrong:
        raise ValueError(f"The images in {folder} look unlike those of the training: {wrong}. {ADVICE}")


def _facts_of(image):
    """Look at one image: `(H, W, 3)` uint8."""
    pixels = image.reshape(-1, 3)
    sample = pixels[:: max(1, len(pixels) // SAMPLE)].astype(np.int64)
    return ImageFacts(
        image.shape[:2],
        sample.mean(axis=0),
        float(sample.std(axis=0).max()),
        len(np.unique(sample @ (65536, 256, 1))),
        bool(np.ptp(sample, axis=1).mean() < 1),
    )


def _flat(facts):
    flat = sum(one.spread < FLAT for one in facts)
    return flat > EXCEPTIONS * len(facts) and f"{flat} of {len(facts)} are of a single colour"


def _drawn(facts):
    # A tiny photograph has no more colours than pixels.
    drawn = sum(one.colors < min(COLORS, one.size[0] * one.size[1] / 2) for one in facts)
    return drawn > EXCEPTIONS * len(facts) and (
        f"{drawn} of {len(facts)} hold fewer than {COLORS} colours, as masks do"
    )


def _grey(facts, mean):
    """A network that subtracts one number from all channels may well have been trained on grey images."""
    grey = sum(one.is_grey for one in facts)
    return grey > GREY * len(facts) and np.ptp(mean) > 1 and f"{grey} of {len(facts)} are grey, the network's are not"


def _far(facts, mean):
    color = np.mean([one.mean for one in facts], axis=0)
    if np.abs(color - mean).max() <= MEAN_DISTANCE:
        return None
    theirs, ours = (" ".join(f"{value:.0f}" for value in values) for values in (color, mean))
    return f"their mean colour is {theirs}, the network subtracts {ours}; {MEAN_DISTANCE} grey levels may lie between"


def _sized(facts, sizes):
    height, width = (median(one.size[axis] for one in facts) for axis in (0, 1))
    if min(height, width) < SMALLEST:
        return f"their median size is {height:g}x{width:g}; {SMALLEST} pixels a side are the least"
    area, trained = height * width, median(h * w for h, w in sizes) if sizes else height * width
    if max(area / trained, trained / area) <= AREA_FACTOR:
        return None
    listed = ", ".join(f"{h}x{w}" for h, w in sizes)
    return f"their median size is {height:g}x{width:g}, the training's sizes are {listed}"
