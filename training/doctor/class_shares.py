"""Name the classes of which there is too little, and those whose share differs from split to split."""

import numpy as np

from fcn_keras_console.words import some

FEW_IMAGES = {"train": 10, "all": 10}  # and of the splits that are only scored, five
_FEW_SCORED = 5
_FEW_SHARE = 0.1  # of a split's images; a small data set is not blamed for being small
FEW_PIXELS, _FEW_PIXEL_SHARE = 1_000, 1e-3
FACTOR = 2.0  # between two shares, before they are worth a word
CHANCE = 0.01  # that any class of two splits is named although images were dealt out by chance
_DIVISIONS = 999
_MOST = 4_000  # images of a split that are divided anew, for time and memory
_NAMED = 8


def check_scarcity(pixels, names, masks):
    """Name the classes that few images hold, or that have few pixels.

    Args:
        pixels: by split, `(N, C)` pixels of each class in each mask that can be counted.
        names: of the classes.
        masks: `Files`.
    """
    for split, counts in pixels.items():
        holding, total = (counts > 0).sum(axis=0), counts.sum(axis=0)
        few = (holding < FEW_IMAGES.get(split, _FEW_SCORED)) & (holding < _FEW_SHARE * len(counts))
        few |= (total < FEW_PIXELS) & (total < _FEW_PIXEL_SHARE * total.sum())
        scarce = np.flatnonzero(few & (total > 0))
        if not len(scarce):
            continue
        scarce = scarce[np.argsort(total[scarce], kind="stable")]
        shown = [f"{names[i]} ({_images(holding[i])}, {total[i]:,} pixels)" for i in scarce]
        masks.findings.note(
            "class-scarce",
            f"Of {len(scarce)} of {len(names)} classes there is little in {split}, which has {_images(len(counts))}: "
            f"{some(shown, _NAMED)}.",
            "Label more images that hold them, or join them with another class."
            if split in FEW_IMAGES
            else "What is scored of them is the score of these few images.",
        )


def check_shares(pixels, names, masks):
    """Name the classes whose share of the labelled pixels differs from that in `train` by more than images explain.

    Args:
        pixels, names, masks: as for `check_scarcity`.
    """
    for split in ("val", "test"):
        if "train" not in pixels or split not in pixels:
            continue
        mine, theirs = pixels["train"], pixels[split]
        if not (mine.any() and theirs.any()):
            continue
        shares = [counts.sum(axis=0) / counts.sum() for counts in (mine, theirs)]
        low, high = np.minimum(*shares), np.maximum(*shares)
        differing = (low > 0) & (high >= FACTOR * low)
        if not differing.any():
            continue
        differing = np.flatnonzero(differing & (chances(mine, theirs) <= CHANCE))
        if not len(differing):
            continue
        ratio = high[differing] / low[differing]
        differing = differing[np.argsort(-ratio, kind="stable")]
        shown = [f"{names[i]} ({_percent(shares[0][i])} and {_percent(shares[1][i])} %)" for i in differing]
        masks.findings.note(
            "class-share-differs",
            f"{len(differing)} of {len(names)} classes have another share of the labelled pixels in {split} than in "
            f"train, twice as large or more, and chance does not explain it: {some(shown, _NAMED)}.",
            "Nothing to do if the images were divided by place or time on purpose; else divide all of them anew by "
            "chance, as fcn-doctor --fix OUT --val 0.2 does with a folder that is not divided.",
        )


def chances(mine, theirs, *, seed=0):
    """Tell how often images that are dealt out to two splits by chance differ as much as these do.

    A class's share in a split is its pixels of all images by their labelled pixels. The images of both are divided
    anew 999 times, whole images, into splits of these sizes. A class's difference counts in standard deviations over
    these divisions, and is compared with the largest difference of any class in each: so many classes are no excuse.

    Args:
        mine, theirs: `(N, C)` and `(M, C)` pixels of each class in each image; of more than 4,000 images of a split,
            so many chosen by chance.
        seed: of the divisions.

    Returns:
        `(C,)` from 0.001 to 1: the share of the divisions, the given one included, in which a class differs as much.

    Reference: Westfall, Young, "Resampling-Based Multiple Testing", 1993 (single-step maxT).
    """
    generator = np.random.default_rng(seed)
    mine, theirs = (
        counts if len(counts) <= _MOST else counts[generator.choice(len(counts), _MOST, replace=False)]
        for counts in (mine, theirs)
    )
    images = np.concatenate([mine, theirs]).astype(np.float64)
    first = np.zeros((_DIVISIONS + 1, len(images)), bool)
    first[:, : len(mine)] = True
    generator.permuted(first[1:], axis=1, out=first[1:])
    whole = images.sum(axis=0)
    part = np.concatenate([block @ images for block in np.array_split(first, 10)])  # (divisions, C)
    gap = np.abs(_shares(part) - _shares(whole - part))
    spread = gap.std(axis=0)
    gap = np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)
    largest = gap.max(axis=1)
    return (largest[:, None] >= gap[0] - 1e-9).mean(axis=0)


def _shares(pixels):
    return pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)


def _images(number):
    return f"{number:,} image{'' if number == 1 else 's'}"


def _percent(share):
    return f"{100 * share:.2g}" if share < 0.1 else f"{100 * share:.0f}"
