"""Ask a trained network which masks are wrong: what it surely contradicts, and no other image explains.

What comes of it is for people to look at. It is no error, and `--fix` changes nothing because of it.
"""

import logging
from dataclasses import dataclass

import numpy as np

from fcn_keras.datasets.images import read_image, read_mask_file
from fcn_keras.scaling import nearest_reduced
from fcn_keras_console.words import counted

from ..annotations.masks import VOID
from .checks import MASK_FAULTS
from .contradictions import contradictions, judge
from .fix_masks import ids_of

LOG = logging.getLogger("fcn_keras")
TOP = 20  # images, regions and pairs of classes that are told
_FEW = 20  # images that are held against each other, of which most seem unusual if they are fewer
TOO_FEW = (
    "{} of the {} asked about are held against fewer than {} others. These are too few to tell what is unusual: what "
    "the net contradicts in them may all be listed."
)
_SHAPE = 0.5  # share of a shape in the mask from which on a region is the shape


@dataclass(frozen=True)
class Region:
    """Connected pixels of one class in a mask that the network surely takes for another.

    Attributes:
        file: the mask, relative to the data set's folder.
        kind: `shape` where they are half of a shape in the mask or more, which may be of the wrong class; else `part`,
            such as an object that the mask lacks, or a border drawn wrongly.
        labelled, predicted: ids of the classes.
        pixels: number of them, at the size at which the network saw the image.
        box: `(top, left, bottom, right)` in the image's pixels.
        score: sum of the margins, in standard deviations of what the other images have of these classes.
    """

    file: str
    kind: str
    labelled: int
    predicted: int
    pixels: int
    box: tuple[int, int, int, int]
    score: float


@dataclass(frozen=True)
class SuspectImage:
    """An image whose mask the network contradicts more than those of the others.

    Attributes:
        index: of the pair.
        file: the mask, relative to the data set's folder.
        score: as `contradictions.Judged.images`.
        contradicted: share of the labelled pixels that it surely contradicts.
        regions: its first three `Region`s.
        trained_on: whether the network was trained on the image; None where that is not known.
    """

    index: int
    file: str
    score: float
    contradicted: float
    regions: tuple[Region, ...]
    trained_on: bool | None


@dataclass(frozen=True)
class ClassPair:
    """Two classes that are contradicted in all images together.

    Attributes:
        labelled, predicted: ids of the classes.
        pixels: surely contradicted.
        images: that hold such pixels.
        share: of the labelled class's pixels.
    """

    labelled: int
    predicted: int
    pixels: int
    images: int
    share: float


@dataclass(frozen=True)
class Suspects:
    """What a network says of a data set's masks.

    Attributes:
        model: its path.
        asked: number of images.
        left_out: number of pairs with errors of their own.
        notes: sentences on what the network was trained on, and on too few images.
        images: `SuspectImage`s, the surest first.
        regions: `Region`s of all images, the surest first.
        class_pairs: `ClassPair`s, the largest first.
    """

    model: str
    asked: int
    left_out: int
    notes: tuple[str, ...]
    images: tuple[SuspectImage, ...]
    regions: tuple[Region, ...]
    class_pairs: tuple[ClassPair, ...]


def find_suspects(examination, net, *, progress=None):
    """Ask about every pair without errors, and keep of each what is contradicted, but no pixels.

    Args:
        examination: `Examination`.
        net: `asked_net.AskedNet`, or what has its `path`, `fold`, `trained_on`, `notes` and call.
        progress: called as `progress(done, total)` after each image.

    Returns:
        `Suspects`.

    Raises:
        ValueError: if a file cannot be read any more.
    """
    pairs = examination.layout.pairs
    whole = sorted(without_errors(examination), key=net.fold)
    asked, found = [], []
    for number, index in enumerate(whole, 1):
        seen = ask(examination, net, index)
        if seen is not None:
            asked.append(index)
            found.append(contradictions(*seen))
        LOG.debug("%s: %d of %d asked about", pairs[index].key, number, len(whole))
        if progress is not None:
            progress(number, len(whole))
    trained = net.trained_on([pairs[index].image for index in asked])
    scores, regions = _judged_apart(found, trained)
    names = examination.layout.files("label", "masks").names
    files = [names[index] for index in asked]
    sizes = [examination.images[index].size for index in asked]
    images = [
        SuspectImage(
            index, files[n], round(float(scores[n]), 3), float(found[n].counts.sum() / found[n].pixels), (), trained[n]
        )
        for n, index in enumerate(asked)
    ]
    return _ranked(images, [*zip(found, regions, files, sizes, strict=True)], net, len(pairs) - len(asked))


def without_errors(examination):
    """List the indices of the pairs whose masks have no error."""
    wrong = set(examination.findings.pairs_with(*MASK_FAULTS))
    return [i for i, pair in enumerate(examination.layout.pairs) if pair.image and pair.label and i not in wrong]


def ask(examination, net, index):
    """Return the probabilities and the ids of a pair, at one size; None where the mask's ids are not known."""
    pair = examination.layout.pairs[index]
    ids, _ = ids_of(read_mask_file(pair.label), index, examination.reading, examination)
    if ids is None:
        return None
    void = (ids < 0) | (ids >= examination.report.num_classes) | (ids == examination.reading.ignore_label)
    ids = np.where(void, VOID, ids).astype(np.uint8)
    probabilities = net(read_image(pair.image), index)
    size = probabilities.shape[:2]
    return probabilities, ids if ids.shape == size else nearest_reduced(ids, size)


def _judged_apart(found, trained):
    """Judge the images that the network was trained on, and the others, each among themselves."""
    scores, regions = np.zeros(len(found)), [None] * len(found)
    for kind in set(trained):
        members = [n for n, of in enumerate(trained) if of is kind]
        judged = judge([found[n] for n in members])
        scores[members] = judged.images
        for n, row in zip(members, judged.regions, strict=True):
            regions[n] = row
    return scores, regions


def _ranked(images, parts, net, left_out):
    """Put the first of everything in order."""
    trained = [image.trained_on for image in images]
    few = sum(number for kind in set(trained) if (number := trained.count(kind)) < _FEW)
    notes = [TOO_FEW.format(f"{few:,}", counted(len(images), "image"), _FEW - 1)] if few else []
    first = sorted(range(len(images)), key=lambda n: -images[n].score)[:TOP]
    shown = [
        SuspectImage(**{**vars(images[n]), "regions": tuple(_regions(parts[n])[:3])}) for n in first if images[n].score
    ]
    regions = sorted((region for part in parts for region in _regions(part)[:TOP]), key=lambda r: -r.score)[:TOP]
    return Suspects(
        model=str(net.path),
        asked=len(images),
        left_out=left_out,
        notes=(*net.notes(trained), *notes),
        images=tuple(shown),
        regions=tuple(regions),
        class_pairs=tuple(_class_pairs([found for found, *_ in parts])),
    )


def _regions(part):
    found, scores, file, (height, width) = part
    made = []
    for n in np.argsort(-scores, kind="stable")[:TOP]:
        row = found.regions[n]
        down, across = height / found.size[0], width / found.size[1]
        box = (row["top"] * down, row["left"] * across, row["bottom"] * down, row["right"] * across)
        kind = "shape" if row["share"] >= _SHAPE else "part"
        classes = int(row["labelled"]), int(row["predicted"])
        made.append(
            Region(file, kind, *classes, int(row["pixels"]), tuple(map(round, box)), round(float(scores[n]), 3))
        )
    return made


def _class_pairs(found):
    number = len(found[0].classes) if found else 0
    pixels, images, labelled = np.zeros(number**2, np.int64), np.zeros(number**2, np.int64), np.zeros(number)
    for image in found:
        pixels[image.pairs] += image.counts
        images[image.pairs] += 1
        labelled += image.classes * image.pixels
    for pair in np.argsort(-pixels, kind="stable")[:TOP].tolist():
        if pixels[pair]:
            share = float(pixels[pair] / labelled[pair // number])
            yield ClassPair(pair // number, pair % number, int(pixels[pair]), int(images[pair]), share)
