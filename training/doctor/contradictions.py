"""Where a network surely contradicts a mask, and which contradictions are unusual for their data set.

A network confuses some classes everywhere. So what counts is not how much of a mask it contradicts, but how much more
than it contradicts other images for the same two classes. docs/doctor.md tells how often this finds planted errors.
"""

from typing import NamedTuple

import numpy as np

from ..annotations.masks import VOID

SURE = 0.5  # by how much the probability of the network's class is above the mask's, from which on it is sure
_LEAST, _LEAST_SHARE = 16, 1e-4  # pixels of a region, and their share of the labelled ones
_FLOOR = 1e-4  # standard deviation, as a share of the labelled pixels, below which no two classes are taken to vary
_FEW, _FEW_LABELLED = 1e-5, 1e-3  # what classes that are nowhere confused, or hardly there, are taken to have
# `weight` is the sum of margins by the image's labelled pixels; `share` what part of its shape in the mask it covers.
REGION = np.dtype(
    [(name, np.int32) for name in ("labelled", "predicted", "pixels", "top", "left", "bottom", "right")]
    + [("weight", np.float64), ("share", np.float64)]
)


class Contradictions(NamedTuple):
    """What a network contradicts in one mask.

    Attributes:
        size: `(H, W)`.
        pixels: that are labelled.
        classes: `(C,)` share of them that each class has in the mask.
        pairs: `(K,)` ids of the pairs of classes that are contradicted: labelled * C + predicted.
        weights: `(K,)` sums of the margins of each pair's sure pixels, by the labelled pixels.
        counts: `(K,)` sure pixels of each pair.
        regions: `(N,)` of `REGION`: connected sure pixels of one pair, the small ones left out.
    """

    size: tuple[int, int]
    pixels: int
    classes: np.ndarray
    pairs: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    regions: np.ndarray


class Judged(NamedTuple):
    """How unusual contradictions are.

    Attributes:
        images: `(images,)`: sum over pairs of classes of how far an image's weight is above that of the others for as
            many pixels of the class, in standard deviations of the others.
        regions: by image, `(N,)`: the weight of each region in those standard deviations.
    """

    images: np.ndarray
    regions: list


def margins(probabilities, ids):
    """Say of every pixel what a network takes it for, and how much surer it is of that than of the mask's class.

    Args:
        probabilities: `(H, W, C)` floats.
        ids: `(H, W)` class ids, 255 void.

    Returns:
        `(H, W)` class ids, and `(H, W)` float32 from 0 on, 0 where both agree or the mask is void.
    """
    labels = probabilities.argmax(axis=-1)
    void = ids == VOID
    given = np.where(void, labels, ids)
    rows, columns = np.ogrid[: ids.shape[0], : ids.shape[1]]
    return labels, probabilities[rows, columns, labels] - probabilities[rows, columns, given]


def contradictions(probabilities, ids):
    """Find what a network contradicts in a mask.

    Args:
        probabilities: `(H, W, C)` floats.
        ids: `(H, W)` class ids, 255 void.

    Returns:
        `Contradictions`.
    """
    number = probabilities.shape[-1]
    labels, margin = margins(probabilities, ids)
    labelled = np.bincount(ids[ids != VOID], minlength=number)
    total = max(1, int(labelled.sum()))
    sure = margin > SURE
    codes = ids[sure].astype(np.int64) * number + labels[sure]
    pairs, place = np.unique(codes, return_inverse=True)
    weights = np.bincount(place, margin[sure], len(pairs)) / total
    numbered = np.zeros(ids.shape, np.int32)  # from 1 on, by pair
    numbered[sure] = place + 1
    regions = _regions(numbered, pairs, margin, _Shapes(ids), total, number)
    counts = np.bincount(place, minlength=len(pairs))
    return Contradictions(ids.shape, total, labelled / total, pairs, weights, counts, regions)


def _regions(numbered, pairs, margin, shapes, total, number):
    """List the connected pixels of each pair as `REGION`s."""
    from scipy import ndimage

    least, rows = max(_LEAST, _LEAST_SHARE * total), []
    for pair, box in enumerate(ndimage.find_objects(numbered)):
        parts, count = ndimage.label(numbered[box] == pair + 1)
        sizes, weights = np.bincount(parts.ravel()), np.bincount(parts.ravel(), margin[box].ravel())
        boxes = ndimage.find_objects(parts)
        labelled, predicted = divmod(int(pairs[pair]), number)
        for part in range(1, count + 1):
            if sizes[part] < least:
                continue
            down, across = boxes[part - 1]
            inside = np.argmax(parts[down.start, across] == part)
            top, left = box[0].start + down.start, box[1].start + across.start
            share = sizes[part] / shapes.size(labelled, top, left + int(inside))
            bottom, right = box[0].start + down.stop, box[1].start + across.stop
            place = (top, left, bottom, right)
            rows.append((labelled, predicted, sizes[part], *place, weights[part] / total, share))
    return np.array(rows, REGION)


class _Shapes:
    """The connected regions of each class in a mask, found when a class is asked for."""

    def __init__(self, ids):
        self._ids, self._of_class = ids, {}

    def size(self, of_class, row, column):
        """Return the pixels of the region of a class that holds a pixel."""
        from scipy import ndimage

        if of_class not in self._of_class:
            parts = ndimage.label(self._ids == of_class)[0]
            self._of_class[of_class] = parts, np.bincount(parts.ravel())
        parts, sizes = self._of_class[of_class]
        return int(sizes[parts[row, column]])


def judge(found):
    """Compare each image's contradictions with those of the others.

    Args:
        found: list of `Contradictions` of one network, of images that it knows equally well.

    Returns:
        `Judged`.
    """
    number = len(found[0].classes) if found else 0
    weights, squares = np.zeros(number**2), np.zeros(number**2)
    classes = np.zeros(number)
    for image in found:
        weights[image.pairs] += image.weights
        squares[image.pairs] += image.weights**2
        classes += image.classes
    others, images, regions = max(1, len(found) - 1), [], []
    for image in found:
        rest = weights[image.pairs] - image.weights
        variance = (squares[image.pairs] - image.weights**2) / others - (rest / others) ** 2
        deviations = np.sqrt(np.maximum(0, variance) + _FLOOR**2)
        own = image.classes[image.pairs // number]
        usual = own * (rest + _FEW) / (classes[image.pairs // number] - own + _FEW_LABELLED)
        images.append(float((np.maximum(0, image.weights - usual) / deviations).sum()))
        codes = image.regions["labelled"].astype(np.int64) * number + image.regions["predicted"]
        regions.append(image.regions["weight"] / deviations[np.searchsorted(image.pairs, codes)])
    return Judged(np.array(images), regions)
