"""Look a data set over, and make a report of everything that is wrong with it and worth knowing."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.datasets.classes import ClassTable

from ..annotations.masks import VOID, Mask
from .buckets import choose_buckets
from .checks import (
    MASK_FAULTS,
    Picture,
    Where,
    check_duplicates,
    check_pair_sizes,
    check_reading,
    look_at,
    look_at_example,
    read_all,
)
from .class_balance import balancing_weights, check_classes, class_pixels
from .findings import Finding, Ledger
from .folder_layout import Layout, find_layout
from .mask_ids import Reading, read_ids

LOG = logging.getLogger("fcn_keras")


@dataclass(frozen=True)
class Report:
    """What the doctor says of a data set; `dataclasses.asdict` of it is JSON.

    Where a data set has several heads, what goes by class is a dict by head.

    Attributes:
        directory: of the data set, or None.
        num_classes: void not counted.
        classes_from: where that number comes from.
        class_names: tuple.
        ignore_label: the void id besides 255.
        images: number of images by split.
        findings: errors first.
        counted: number of pairs by split whose pixels the following counts, those without faults of the mask.
        class_frequencies: by split, the share of the labelled pixels that each class has, 0..1.
        class_weights: median frequency balancing of the split `train` (or of all), for
            `fcn_keras.PixelCrossentropy(class_weights=)`; 0 for a class that never occurs.
        sizes: `(H, W, count)` of all images, most frequent first.
        buckets: `(H, W)` for `fcn_keras.batches(buckets=)`, at most 4, smallest first.
        padding: share of the pixels padded to these buckets that is padding.
    """

    directory: str | None
    num_classes: int | dict
    classes_from: str
    class_names: tuple | dict
    ignore_label: int
    images: dict[str, int]
    findings: tuple[Finding, ...]
    counted: dict[str, int]
    class_frequencies: dict
    class_weights: tuple | dict
    sizes: tuple[tuple[int, int, int], ...]
    buckets: tuple[tuple[int, int], ...]
    padding: float

    @property
    def errors(self):
        return tuple(finding for finding in self.findings if finding.severity == "error")


@dataclass(frozen=True)
class Examination:
    """A report with what it was made from, which `--fix` and the picture need."""

    report: Report
    layout: Layout
    reading: Reading
    ledger: Ledger
    table: ClassTable | None


def examine(directory, *, classes=None, ignore_label=VOID, progress=None):
    """Look a folder over that `fcn_keras.datasets.folder.Folder` reads, or should.

    Reads every file once, on all cores; does not stop at a bad one.

    Args:
        directory: of the data set.
        classes: number, names or path of a class file, as for `Folder`; default `<directory>/classes.txt`, else the
            number is inferred from the ids.
        ignore_label: void id besides 255.
        progress: called as `progress(done, total)` after each pair.

    Returns:
        `Report`.

    Raises:
        ValueError: if the folder holds no data set, or the class file is wrong.
    """
    return examination(directory, classes=classes, ignore_label=ignore_label, progress=progress).report


def examine_examples(splits, *, progress=None):
    """Look over data sets of `fcn_keras.datasets`: duplicates, classes, sizes, and examples that cannot be read.

    Args:
        splits: dict of split name -> sequence of examples with `num_classes` and `class_names`.
        progress: called as `progress(done, total)` after each example.

    Returns:
        `Report`.

    Raises:
        ValueError: if there is no split.
    """
    from fcn_keras.interface import heads_of

    if not splits:
        raise ValueError("`splits` holds no data set. Expected such as {'train': examples}.")
    first, ledger = next(iter(splits.values())), Ledger()
    places = [(split, index) for split, examples in splits.items() for index in range(len(examples))]
    looks = read_all(lambda i: look_at_example(splits[places[i][0]], places[i][1]), len(places), progress)
    members = {split: [i for i, (s, _) in enumerate(places) if s == split] for split in splits}
    names = [f"{split}: {getattr(splits[split], 'ids', range(index + 1))[index]}" for split, index in places]
    images, masks = Where(members, names, "images"), Where(members, names, "masks")
    check_reading(looks, images, masks, "", ledger)
    heads = {}
    for head, known in heads_of(first.class_names).items():
        found = {
            i: look.mask[head] for i, look in enumerate(looks) if isinstance(look.mask, dict) and head in look.mask
        }
        heads[head] = (tuple(known), found)
        _check_examples(found, looks, len(known), masks, ledger, head)
    check_duplicates(looks, members, names, ledger)
    results = {h: _by_class(masks, n, VOID, members, names, ledger, h) for h, (n, masks) in heads.items()}
    return _report(None, {h: n for h, (n, _) in heads.items()}, "the data set", VOID, members, results, looks, ledger)


def examination(directory, *, classes=None, ignore_label=VOID, progress=None):
    """Do what `examine` does, and return the report with what it was made from."""
    directory = Path(directory)
    layout = find_layout(directory)
    own = directory / "classes.txt"
    origin = "given" if classes is not None else "classes.txt"
    classes = own if classes is None and own.is_file() else classes
    table = None if classes is None else ClassTable(classes)
    pairs, ledger = layout.pairs, layout.ledger

    def look(index):
        LOG.debug("%s: reading its image and mask, %d of %d", pairs[index].key, index + 1, len(pairs))
        return look_at(pairs[index].image, pairs[index].label, table=table, ignore_label=ignore_label)

    looks = read_all(look, len(pairs), progress)
    images = Where(layout.splits, [layout.name(p.image) if p.image else p.key for p in pairs], "images")
    masks = Where(layout.splits, [layout.name(p.label) if p.label else p.key for p in pairs], "masks")
    check_reading(looks, images, masks, directory, ledger)
    readable = {i: look.mask for i, look in enumerate(looks) if isinstance(look.mask, Mask)}
    reading = read_ids(readable, masks, ledger, table=table, origin=origin, ignore_label=ignore_label)
    check_pair_sizes(looks, images, ledger)
    check_duplicates(looks, layout.splits, images.names, ledger)
    good = {i: mask for i, mask in readable.items() if not ledger.has(i, MASK_FAULTS) and pairs[i].image}
    by_class = _by_class(good, reading.names, ignore_label, layout.splits, masks.names, ledger)
    report = _report(
        str(directory), {"": reading.names}, reading.origin, ignore_label, layout.splits, {"": by_class}, looks, ledger
    )
    return Examination(report, layout, reading, ledger, table)


def _check_examples(found, looks, num_classes, where, ledger, head):
    """Compare an example's ids with its classes, and its label's size with its image's."""
    outside = [
        i
        for i, mask in found.items()
        if ((mask.values < 0) | (mask.values >= num_classes) & (mask.values != VOID)).any()
    ]
    if outside:
        ledger.error(
            "ids-out-of-range",
            f"{where(outside)} hold ids outside 0 to {num_classes - 1}{f' (head {head})' if head else ''}.",
            "Renumber them, or make them void (255).",
            files=where.files(outside),
            pairs=outside,
        )
    wrong = [i for i, mask in found.items() if mask.size != looks[i].picture.size]
    if wrong:
        ledger.error(
            "size-mismatch",
            f"{where(wrong)} differ from their images in size.",
            "Resize the labels with nearest neighbour.",
            files=where.files(wrong),
            pairs=wrong,
        )


def _by_class(masks, names, ignore_label, splits, files, ledger, head=""):
    """Count classes in the masks that can be counted: by split the indices, pixels `(N, C)` and totals `(N,)`."""
    counted = {split: [i for i in members if i in masks] for split, members in splits.items()}
    results = {s: class_pixels([masks[i] for i in members], len(names), ignore_label) for s, members in counted.items()}
    places = {split: (members, [files[i] for i in members]) for split, members in counted.items()}
    check_classes({split: pixels for split, (pixels, _) in results.items()}, names, places, ledger, head)
    return {split: (counted[split], *results[split]) for split in splits}


def _report(directory, names, origin, ignore_label, splits, by_head, looks, ledger):
    def plain(values):
        return values[""] if list(values) == [""] else values

    sizes, counts = np.unique(
        np.array([look.picture.size for look in looks if isinstance(look.picture, Picture)], int).reshape(-1, 2),
        axis=0,
        return_counts=True,
    )
    buckets, padding = choose_buckets(sizes, counts)
    order = np.argsort(-counts, kind="stable")
    trained = "train" if "train" in splits else next(iter(splits))
    results = next(iter(by_head.values()))
    return Report(
        directory=directory,
        num_classes=plain({head: len(known) for head, known in names.items()}),
        classes_from=origin,
        class_names=plain(names),
        ignore_label=ignore_label,
        images={split: len(members) for split, members in splits.items()},
        findings=tuple(sorted(ledger.findings, key=lambda finding: finding.severity != "error")),
        counted={split: len(members) for split, (members, _, _) in results.items()},
        class_frequencies={
            split: plain({head: _shares(found[split][1]) for head, found in by_head.items()}) for split in splits
        },
        class_weights=plain(
            {h: tuple(balancing_weights(*found[trained][1:]).round(6).tolist()) for h, found in by_head.items()}
        ),
        sizes=tuple((*map(int, sizes[i]), int(counts[i])) for i in order),
        buckets=buckets,
        padding=padding,
    )


def _shares(pixels):
    pixels = pixels.sum(axis=0)
    return tuple((pixels / max(1, pixels.sum())).tolist())
