"""Count the classes: how often each occurs, which never do, and weights that balance them."""

import numpy as np

from fcn_keras_console.words import some

from ..annotations.masks import VOID


def class_pixels(masks, num_classes, ignore_label=VOID):
    """Count the pixels of each class in each mask.

    Returns:
        `(N, C)` int64, and `(N,)` int64, all pixels of each mask.
    """
    pixels = np.zeros((len(masks), num_classes), np.int64)
    totals = np.zeros(len(masks), np.int64)
    for row, mask in enumerate(masks):
        kept = (mask.values >= 0) & (mask.values < num_classes) & (mask.values != ignore_label)
        pixels[row, mask.values[kept]] = mask.counts[kept]
        totals[row] = mask.size[0] * mask.size[1]
    return pixels, totals


def balancing_weights(pixels, totals):
    """Compute the median frequency balancing weights of the classes.

    `weight(c) = median(f) / f(c)`, where `f(c)` is the pixels of `c` divided by all pixels of the images in which `c`
    occurs. A class that never occurs has weight 0, which changes nothing.

    Args:
        pixels: `(N, C)` pixels of each class in each image.
        totals: `(N,)` pixels of each image.

    Returns:
        `(C,)` floats.

    Reference: Eigen, Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale
    Convolutional Architecture", ICCV 2015.
    """
    where = ((pixels > 0) * totals[:, None]).sum(axis=0)
    occurs = where > 0
    frequency = np.divide(pixels.sum(axis=0), where, out=np.zeros(len(where)), where=occurs)
    middle = np.median(frequency[occurs]) if occurs.any() else 0.0
    return np.divide(middle, frequency, out=np.zeros(len(where)), where=occurs)


def check_classes(pixels, names, members, masks):
    """Say which classes never occur in a split, and which masks are void all over.

    Args:
        pixels: by split, `(N, C)` pixels of each class in each mask that can be counted.
        names: of the classes.
        members: by split, the indices of those N pairs.
        masks: `Files`.
    """
    absent = {split: counts.sum(axis=0) == 0 for split, counts in pixels.items()}
    for split, counts in pixels.items():
        if not len(counts):
            continue
        empty = [index for index, row in zip(members[split], counts, strict=True) if not row.any()]
        if len(empty) == len(counts):
            masks.findings.error(
                "nothing-labelled",
                f"Every mask of {split} is void all over: there is nothing to learn from or to score.",
                "Check the masks, and which id is void.",
            )
            continue
        if empty:
            masks.findings.note(
                "mask-all-void",
                f"{len(empty)} of {len(counts)} masks of {split} are void all over.",
                "They teach nothing and cost time. Label them, or take them out.",
                files=[masks.names[index] for index in empty],
                pairs=empty,
            )
        _check_absent(split, names, absent, masks.findings)


def _check_absent(split, names, absent, findings):
    missing = [index for index, never in enumerate(absent[split]) if never]
    if missing:
        others = [other for other, never in absent.items() if not never[missing].all()]
        there = f" (in {' and '.join(others)} some of them do)" if others else ""
        findings.note(
            "class-absent",
            f"{len(missing)} of {len(names)} classes never occur in {split}{there}: "
            f"{some([names[index] for index in missing], 8)}.",
            "A class that is never seen cannot be learned." if split in ("train", "all") else "It is not scored.",
        )
