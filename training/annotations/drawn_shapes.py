"""Draw the shapes of an image, one over the other, and join what several files or annotators say of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcn_keras_console.image_files import files_below
from fcn_keras_console.words import some

from .annotations import (
    VOID,
    AnnotatedImage,
    Annotations,
    ImageAndLabel,
    choose_classes,
    fitting_size,
    notes_on_names,
    unique_keys,
)
from .runs import Runs
from .shape_tally import NOTHING, ShapeFault

BY_LEVEL = "of shapes that overlap, the one of the higher z_order is on top"


class Patch(NamedTuple):
    """A region within a box.

    Attributes:
        top: of the box, in pixels, and `left`; the box may reach out of the image.
        left: see `top`.
        mask: `(h, w)` bool.
    """

    top: int
    left: int
    mask: np.ndarray

    @property
    def area(self):
        """Number of pixels."""
        return int(self.mask.sum())

    def paint(self, label, value):
        """Set the region's pixels in `(H, W)`; return whether there were any."""
        top, left = max(0, self.top), max(0, self.left)
        mask = self.mask[top - self.top :, left - self.left :]
        part = label[top : top + mask.shape[0], left : left + mask.shape[1]]
        mask = mask[: part.shape[0], : part.shape[1]]
        part[mask] = value
        return bool(mask.any())


@dataclass(frozen=True)
class Shape:
    """A shape as its file has it.

    Attributes:
        label: name of its class.
        place: file, image and number, for messages.
        region: `(size) -> Runs or Patch` in an image of `size` (H, W); raises a `ShapeFault`.
        level: of two shapes, the one of the higher level is on top; of the same, the later one. None: the smaller one.
        box: whether it is the rectangle of a box, of which `--boxes` decides.
    """

    label: str
    place: str
    region: Callable[[tuple[int, int]], Runs | Patch]
    level: float | None = 0
    box: bool = False


@dataclass
class ShapedImage:
    """What one file, or one annotator, says of an image.

    Attributes:
        image: its file.
        key: its id.
        place: what messages call it.
        size: `(H, W)` that is stated, or None.
        shapes: in the order of the file.
        split: its name; `all` or None if it is in none.
    """

    image: Path
    key: str
    place: str
    size: tuple[int, int] | None = None
    shapes: list[Shape] = field(default_factory=list)
    split: str | None = "all"


def labels_of(entries):
    """Return dict of label -> the place of its first shape, in alphabetical order."""
    labels = {}
    for entry in entries:
        for shape in entry.shapes:
            labels.setdefault(shape.label, shape.place)
    return dict(sorted(labels.items()))


def finished(entries, labels, *, given, origin, unlabelled, boxes, decisions, left_out, tally):
    """Choose the classes, and make `Annotations` of `ShapedImage`s: not divided, if some of them are in no split.

    Args:
        labels: dict of label -> the file that lists it, in the order of the ids; those of shapes that it lacks follow.
        given: names of a class file, or None, and `origin`, that file.
        origin: see `given`.
        unlabelled: what pixels are that no shape covers, `background` or `void`.
        boxes: as for `annotated`.
        decisions: what else was decided.
        left_out: names of what is not taken over, by reason.
        tally: `ShapeTally`.

    Raises:
        ValueError: as `choose_classes` does.
    """
    decisions = [*decisions, *whole_although({entry.place: entry.split for entry in entries})]
    if any(entry.split in (None, "all") for entry in entries):
        entries = [replace(entry, split="all") for entry in entries]
    labels = labels | {name: place for name, place in labels_of(entries).items() if name not in labels}
    names, ids, rest = choose_classes(labels, given, unlabelled, origin)
    told = [*decisions, f"pixels of no shape: {unlabelled}", *notes_on_names(labels), *empty_images(entries)]
    return Annotations(names, annotated(entries, ids, rest, tally, boxes), told, left_out, tally)


def whole_although(splits):
    """Return a list of a sentence on why a set is not divided although some of it is in splits, or of none.

    Args:
        splits: dict of place -> split, `all` or None of what is in none.
    """
    alone = [place for place, split in splits.items() if split in (None, "all")]
    named = sorted(set(splits.values()) - {None, "all"})
    if not alone or not named:
        return []
    return [
        f"in no split: {len(alone):,} of {len(splits):,} ({some(alone)}), so that no split is kept ({', '.join(named)})"
    ]


def annotated(entries, ids, rest, tally, boxes="rectangle"):
    """Return the `AnnotatedImage`s by split of `ShapedImage`s, of which several may be of one image.

    Args:
        ids: dict of label -> class id.
        rest: class id of what no shape covers.
        tally: `ShapeTally`.
        boxes: `rectangle`, `void` (below all that is drawn) or `leave`: what becomes of boxes.
    """
    by_split, draw = {}, partial(_draw, ids=ids, rest=rest, tally=tally, boxes=boxes)
    for entry in entries:
        by_split.setdefault(entry.split, {}).setdefault(entry.image, []).append(entry)
    if len(by_split) == 1:
        by_split = {"all": next(iter(by_split.values()))}
    return {
        split: [
            AnnotatedImage(key, partial(ImageAndLabel, image, partial(draw, of_image)))
            for key, (image, of_image) in zip(
                unique_keys([of_image[0].key for of_image in by_image.values()]), by_image.items(), strict=True
            )
        ]
        for split, by_image in by_split.items()
    }


def empty_images(entries):
    """Return a list of a sentence that counts the images without a shape, or of none."""
    images = {entry.image for entry in entries} - {entry.image for entry in entries if entry.shapes}
    return [f"images without a shape, all of what no shape covers: {len(images):,}"] if images else []


def unused(source, *known):
    """Return the names of the files below a folder that are not among the known ones; none if it is a file itself.

    Args:
        known: collections of paths.
    """
    if not source.is_dir():
        return []
    used = {path for paths in known for path in paths}
    return [path.relative_to(source).as_posix() for path in files_below(source) if path not in used]


def _draw(entries, sizes, *, ids, rest, tally, boxes):
    """Draw a label of `(H, W)` uint8."""
    stated = {fitting_size(entry.size, sizes, entry.place) for entry in entries}
    if len(stated) > 1:
        raise ValueError(f"{entries[0].place} and {entries[1].place} give the image two sizes. Take one of them out.")
    size = stated.pop()
    canvases = [_painted(entry.shapes, ids, size, tally, boxes) for entry in entries]
    if len(entries) > 1:
        tally.join(entries[0].key, [entry.place for entry in entries], canvases)
    label = np.full(size, rest, np.uint8)
    for canvas in canvases:
        np.copyto(label, canvas.astype(np.uint8), where=canvas != NOTHING)
    return label


def _painted(shapes, ids, size, tally, boxes):
    """Paint shapes on a canvas of `(H, W)` int16, `NOTHING` where there are none."""
    columns = np.full(size[0] * size[1], NOTHING, np.int16)
    canvas = columns.reshape(size[::-1]).T  # the same memory: runs go down the columns
    if boxes == "leave":
        for shape in shapes:
            if shape.box:
                tally.leave_out("box (--boxes rectangle or void draws it)", shape.place)
        shapes = [shape for shape in shapes if not shape.box]
    below = [shape for shape in shapes if shape.box and boxes == "void"]
    for shape, region in _regions(below, size, tally):
        _put(region, canvas, columns, VOID, shape, tally)
    for shape, region in _regions([shape for shape in shapes if shape not in below], size, tally):
        _put(region, canvas, columns, ids[shape.label], shape, tally)
    return canvas


def _regions(shapes, size, tally):
    """Yield `(shape, region)` of those that can be drawn, what lies below first."""
    if any(shape.level is None for shape in shapes):
        found = list(_regions([replace(shape, level=0) for shape in shapes], size, tally))
        yield from sorted(found, key=lambda pair: -pair[1].area)
        return
    for shape in sorted(shapes, key=lambda shape: shape.level):
        try:
            yield shape, shape.region(size)
        except ShapeFault as fault:
            tally.leave_out(fault, shape.place)


def _put(region, canvas, columns, value, shape, tally):
    """Paint a region, and count it."""
    if isinstance(region, Runs):
        region.paint(columns, value)
    elif not region.paint(canvas, value):
        tally.leave_out("shape that covers no pixel", shape.place)
        return
    tally.add()
