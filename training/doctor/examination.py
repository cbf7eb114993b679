"""Look a data set over, and make a report of everything that is wrong with it and worth knowing."""

import logging
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from fcn_keras.colors import DISTINCT, class_colors
from fcn_keras.datasets.classes import ClassTable

from ..annotations.masks import VOID, Mask
from ..reading import read_each
from .buckets import choose_buckets
from .checks import MASK_FAULTS, ImageFacts, check_pair_sizes, check_reading, read_pair, with_digests
from .class_balance import balancing_weights, check_classes, class_pixels
from .class_shares import check_scarcity, check_shares
from .duplicates import check_duplicates, near_groups
from .findings import Finding, Findings
from .folder_layout import Layout, find_layout
from .heat_maps import HeatMaps
from .hha import check_hha
from .mask_ids import Reading, note_files, read_ids, settle_greys
from .photographs import check_photographs
from .resized import settle_resized
from .slivers import check_slivers
from .unchanged import Stamps

LOG = logging.getLogger("fcn_keras")
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Report:
    """What the doctor says of a data set; `dataclasses.asdict` of it is JSON.

    Where it has no errors, every image and mask was decoded, and `fcn_keras.datasets.folder.Folder` reads each.

    Attributes:
        directory: of the data set.
        num_classes: void not counted.
        classes_from: where that number comes from.
        class_names: tuple.
        ignore_label: the void id besides 255.
        images: number of images by split.
        findings: errors first.
        counted: number of pairs by split whose pixels the following counts, those without faults of the mask.
        class_frequencies: by split, the share of the labelled pixels that each class has, 0..1.
        class_images: by split, the number of images that hold each class.
        class_weights: median frequency balancing of the split `train` (or of all), for
            `fcn_keras.PixelCrossentropy(class_weights=)`; 0 for a class that never occurs.
        sizes: `(H, W, count)` of all images, most frequent first.
        buckets: `(H, W)` for `fcn_keras.batches(buckets=)`, at most 4, smallest first.
        padding: share of the pixels padded to these buckets that is padding.
        left_alone: number of files that are not read, by kind.
    """

    directory: str
    num_classes: int
    classes_from: str
    class_names: tuple[str, ...]
    ignore_label: int
    images: dict[str, int]
    findings: tuple[Finding, ...]
    counted: dict[str, int]
    class_frequencies: dict[str, tuple[float, ...]]
    class_images: dict[str, tuple[int, ...]]
    class_weights: tuple[float, ...]
    sizes: tuple[tuple[int, int, int], ...]
    buckets: tuple[tuple[int, int], ...]
    padding: float
    left_alone: dict[str, int] = field(default_factory=dict)

    @property
    def errors(self):
        return tuple(finding for finding in self.findings if finding.severity == "error")


@dataclass(frozen=True)
class Examination:
    """A report with what it was made from, which `--fix`, the picture and `fcn-train` need.

    Attributes:
        images: `ImageFacts` by index of the pair, of those that can be read.
        heat: where the classes lie.
        stamps: tell whether the files are still what they were.
    """

    report: Report
    layout: Layout
    reading: Reading
    findings: Findings
    table: ClassTable | None
    images: dict[int, ImageFacts]
    heat: HeatMaps
    stamps: Stamps

    @cached_property
    def colors(self):
        """Of all ids that masks may hold, `(256, 3)` uint8: the classes', and others' for those of no class."""
        names, own = self.report.class_names, self.table.colors if self.table is not None else None
        known = class_colors(names, own) if names else DISTINCT[:0]
        return np.concatenate([known, DISTINCT[len(known) :]])

    def near_duplicates(self, keys):
        """Find which of these images show nearly the same, without reading them again.

        Args:
            keys: ids of pairs.

        Returns:
            lists of two ids or more, as `hold_out.divide` keeps them together.
        """
        keys = set(keys)
        chosen = [(pair.key, self.images[i]) for i, pair in enumerate(self.layout.pairs) if i in self.images]
        chosen = [(key, image) for key, image in chosen if key in keys]
        return [[chosen[i][0] for i in group] for group in near_groups([image for _, image in chosen])]


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


def examination(directory, *, classes=None, ignore_label=VOID, progress=None):
    """Do what `examine` does, and return the report with what it was made from."""
    directory = Path(directory)
    layout = find_layout(directory)
    own = directory / "classes.txt"
    origin = "given" if classes is not None else "classes.txt"
    classes = own if classes is None and own.is_file() else classes
    table = None if classes is None else ClassTable(classes)
    if table is not None:
        table.require_no_void(classes)
    class_file = [classes] if isinstance(classes, (str, os.PathLike)) else [own]
    stamps = Stamps(class_file + layout.all_files(), lambda: class_file + find_layout(directory).all_files(), directory)
    images, masks = layout.files("image", "images"), layout.files("label", "masks")

    heat = HeatMaps()
    pairs = _read(layout.pairs, table, ignore_label, progress, heat)
    check_reading(pairs, images, masks, directory)
    readable = {i: pair.mask for i, pair in enumerate(pairs) if isinstance(pair.mask, Mask)}
    readable, taken = settle_resized(readable, masks, table=table, ignore_label=ignore_label)
    for i, mask in taken.items():
        heat.add(replace(pairs[i], mask=mask))
    readable, greys = settle_greys(readable, table, ignore_label)
    reading = read_ids(readable, masks, table=table, origin=origin, ignore_label=ignore_label, greys=greys)
    note_files(readable, reading, table, masks)
    check_pair_sizes(pairs, images)
    with_image = {i: pair for i, pair in enumerate(pairs) if isinstance(pair.image, ImageFacts)}
    check_hha(layout, images, {i: pair.image for i, pair in with_image.items()}, directory)
    seen = {index: pair.image for index, pair in with_image.items()}
    check_photographs(seen, images)
    check_duplicates(with_image, layout.splits, images.names, layout.findings)
    wrong = set(layout.findings.pairs_with(*MASK_FAULTS))
    sound = {i: mask for i, mask in readable.items() if i not in wrong and layout.pairs[i].image}
    counts = _by_split(sound, reading.names, ignore_label, masks)
    check_slivers(sound, reading.names, masks)
    report = _report(str(directory), reading, layout, counts, with_image.values(), ignore_label)
    stamps.require_same()
    return Examination(report, layout, reading, layout.findings, table, seen, heat, stamps)


def _read(pairs, table, ignore_label, progress, heat):
    """Return the `PairFacts` of every pair, and count in `heat` where their classes lie."""

    def read(item):
        number, pair = item
        LOG.debug("%s: reading its image and mask, %d of %d", pair.key, number, len(pairs))
        return read_pair(pair.image, pair.label, table=table, ignore_label=ignore_label)

    numbered = list(enumerate(pairs, 1))
    facts = [heat.add(facts) for _, facts in read_each(read, numbered, progress=progress, threads=_THREADS)]
    return with_digests([(pair.image, pair.label) for pair in pairs], facts)


def _by_split(masks, names, ignore_label, files):
    """Count the classes: by split, pixels `(N, C)` and totals `(N,)` of the masks that can be counted."""
    members = {split: [i for i in indices if i in masks] for split, indices in files.splits.items()}
    counts = {s: class_pixels([masks[i] for i in indices], len(names), ignore_label) for s, indices in members.items()}
    pixels = {split: of_split for split, (of_split, _) in counts.items()}
    check_classes(pixels, names, members, files)
    check_scarcity(pixels, names, files)
    check_shares(pixels, names, files)
    return counts


def _report(directory, reading, layout, counts, pairs, ignore_label):
    sizes, numbers = np.unique(
        np.array([pair.image.size for pair in pairs], int).reshape(-1, 2), axis=0, return_counts=True
    )
    buckets, padding = choose_buckets(sizes, numbers)
    order = np.argsort(-numbers, kind="stable")
    trained = "train" if "train" in counts else next(iter(counts))
    return Report(
        directory=directory,
        num_classes=reading.num_classes,
        classes_from=reading.origin,
        class_names=reading.names,
        ignore_label=ignore_label,
        images={split: len(members) for split, members in layout.splits.items()},
        findings=tuple(sorted(layout.findings.all, key=lambda finding: finding.severity != "error")),
        counted={split: len(pixels) for split, (pixels, _) in counts.items()},
        class_frequencies={split: _shares(pixels) for split, (pixels, _) in counts.items()},
        class_images={split: tuple((pixels > 0).sum(axis=0).tolist()) for split, (pixels, _) in counts.items()},
        class_weights=tuple(balancing_weights(*counts[trained]).round(6).tolist()),
        sizes=tuple((*map(int, sizes[i]), int(numbers[i])) for i in order),
        buckets=buckets,
        padding=padding,
        left_alone=layout.left_alone(),
    )


def _shares(pixels):
    pixels = pixels.sum(axis=0)
    return tuple((pixels / max(1, pixels.sum())).tolist())
