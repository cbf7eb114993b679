"""Draw what COCO's annotations say of one image, from one entry or several."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcn_keras.datasets.images import read_mask, read_size
from fcn_keras.examples import VOID

from .annotations import fitting_size
from .coco_files import Listed, segments_file
from .coco_regions import decode, decode_box, has_region
from .json_values import as_json, is_list_of
from .runs import Runs
from .shape_tally import NOTHING, ShapeFault

_BOX, _CROWD, _REGION = range(3)  # what lies below what


class Entry(NamedTuple):
    """An image as one file lists it.

    Attributes:
        path: the file.
        name: `file_name` of the image.
        size: `(H, W)` that the file states, or None.
        items: its annotations, with their places in the file's list.
        ids_of: class ids by category.
    """

    path: Path
    name: str
    size: tuple[int, int] | None
    items: list[tuple[int, Any]]
    ids_of: Listed

    @property
    def place(self):
        return f"{self.path.name}: image {self.name!r:.80}"


class _Region(NamedTuple):
    level: int
    runs: Runs
    value: int
    source: int


def draw(entries, paint, rest, tally, sizes):
    """Draw a label.

    Args:
        entries: list of `Entry` of one image.
        paint: `paint_regions` or `paint_segments`.
        rest: class id of what no shape covers.
        tally: `ShapeTally`.
        sizes: as for `ImageAndLabel.label`.

    Returns:
        `(H, W)` uint8.

    Raises:
        ValueError: if the image is of another size, or its segments cannot be read.
    """
    stated = {fitting_size(entry.size, sizes, f"{entry.path}: the image {entry.name!r:.80}") for entry in entries}
    if len(stated) > 1:
        raise ValueError(f"{entries[0].path.name} and other files give the image {entries[0].name!r:.80} two sizes.")
    label, canvases = paint(entries, rest, tally, stated.pop())
    if len(entries) > 1:
        tally.join(entries[0].name, [entry.path.name for entry in entries], canvases)
    return label


def paint_regions(entries, rest, tally, size, *, boxes="leave"):
    """Paint instances or stuff: crowds first, then large ones before small ones, then as they come.

    Args:
        boxes: `leave`, `rectangle` or `void`: what becomes of an annotation that has only a box.

    Returns:
        the label, and a canvas of each entry alone if there are several.
    """
    regions = [region for source, entry in enumerate(entries) for region in _regions(entry, source, size, boxes, tally)]
    tally.add(len(regions))
    regions.sort(key=lambda region: (region.level, -region.runs.area))
    canvases = []
    for source in range(len(entries)) if len(entries) > 1 else ():
        own = [region for region in regions if region.source == source]
        canvases.append(_painted(own, NOTHING, size, np.int16))
    return _painted(regions, rest, size, np.uint8), canvases


def _painted(regions, rest, size, dtype):
    columns = np.full(size[0] * size[1], rest, dtype)
    for region in regions:
        region.runs.paint(columns, region.value)
    return np.ascontiguousarray(columns.reshape(size[::-1]).T)


def _regions(entry, source, size, boxes, tally):
    """Return the `_Region`s of an entry that can be drawn; the others are told."""
    regions = []
    for index, item in entry.items:
        place = f"{entry.place}: annotation {named_by(item, index)}"
        try:
            level, runs, value = _region(item, entry, size, boxes, tally, place)
            regions.append(_Region(level, runs, value, source))
        except ShapeFault as fault:
            tally.leave_out(fault, place)
    return regions


def named_by(item, index):
    """Name an annotation by its id, or by its place in the list."""
    number = item.get("id") if isinstance(item, dict) else None
    return f"{index} of the list (no id)" if number is None else as_json(number, 40)


def _region(item, entry, size, boxes, tally, place):
    if not isinstance(item, dict):
        raise ShapeFault("annotation that is no object", as_json(item, 40))
    value, segmentation, faults = _class_of(item, entry), item.get("segmentation"), []
    if not has_region(segmentation) and item.get("bbox"):
        if boxes == "leave":
            raise ShapeFault("box without a region (--boxes rectangle or void draws it)")
        runs = decode_box(item["bbox"], size)
        return (_BOX, runs, VOID) if boxes == "void" else (_REGION, runs, value)
    runs, mended = decode(segmentation, size, faults=faults)
    for part, fault in faults:
        tally.leave_out(fault, f"{place} part {part}")
    if mended:
        tally.mend("with a bracket too many or too few", place)
    crowd = str(item.get("iscrowd")).lower() not in ("none", "false", "0", "0.0", "")
    return (_CROWD if crowd else _REGION), runs, value


def _class_of(item, entry):
    value = entry.ids_of.find(item.get("category_id"))
    if value is None:
        raise ShapeFault(f"category that {entry.path.name} does not list", as_json(item.get("category_id"), 40))
    return value


def paint_segments(entries, rest, tally, size):
    """Paint panoptic segments, those of a later entry on top.

    Returns:
        the label, and a canvas of each entry.
    """
    label = np.full(size, rest, np.uint8)
    canvases = [_segments(entry, tally, size) for entry in entries]
    for canvas in canvases:
        np.copyto(label, canvas.astype(np.uint8), where=canvas != NOTHING)
    return label, canvases


def _segments(entry, tally, size):
    """Look the segments of panoptic PNGs up, whose colours are R + 256 G + 256^2 B; 0 is unlabelled."""
    canvas = np.full(size, NOTHING, np.int16)
    for _, item in entry.items:
        where = f"{entry.path}: the image {entry.name!r:.80}"
        if not isinstance(item, dict) or not is_list_of(dict, item.get("segments_info")):
            raise ValueError(f"{where}: its `segments_info` should be a list of objects.")
        file = segments_file(entry.path, item.get("file_name"), where)
        if read_size(file) != size:
            height, width = read_size(file)
            raise ValueError(f"{file} has {height}x{width} pixels (height x width), {where} has {size[0]}x{size[1]}.")
        colors = read_mask(file, colored=True)
        if colors.ndim != 3:
            raise ValueError(f"{file} is grey. Expected the RGB PNG of panoptic segments.")
        present, place = np.unique(colors.astype(np.int64) @ (1, 256, 65536), return_inverse=True)
        table = _classes_of_segments(item["segments_info"], entry, tally)
        for number in set(present.tolist()) - table.keys():
            tally.leave_out(f"segment that {entry.path.name} does not list", f"{entry.place}: segment {number}")
        tally.add(sum(table.get(number, NOTHING) != NOTHING for number in present.tolist()))
        found = np.array([table.get(number, NOTHING) for number in present.tolist()], np.int16)
        found = found[place].reshape(size)
        np.copyto(canvas, found, where=found != NOTHING)
    return canvas


def _classes_of_segments(segments, entry, tally):
    """Return class ids by the numbers of the segments, `NOTHING` for those of no class."""
    table = {0: NOTHING}
    for index, segment in enumerate(segments):
        number = segment.get("id")
        try:
            if not isinstance(number, int) or isinstance(number, bool):
                raise ShapeFault("segment without a number", as_json(number, 40))
            table[number] = NOTHING
            table[number] = _class_of(segment, entry)
        except ShapeFault as fault:
            tally.leave_out(fault, f"{entry.place}: segment {index if number is None else number}")
    return table
