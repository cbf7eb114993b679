"""Read CVAT's XML for images (1.1): polygons, boxes, ellipses and masks, one over the other by their z_order."""

from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras_console.image_files import files_below

from . import filled
from .annotations import SPLITS, given_names, label_text
from .coco_files import is_of, splits_of
from .coco_regions import coder_of_masks
from .drawn_shapes import BY_LEVEL, Patch, Shape, ShapedImage, finished, unused
from .image_lookup import ImageLookup
from .shape_tally import ShapeFault, ShapeTally
from .xml_values import root_of, walk_xml

_OTHERS = ("polyline", "points", "cuboid", "skeleton")
_FLAT = ("", "any", "polygon", "rectangle", "mask", "ellipse")  # types of labels that may cover something


def read(source, *, classes=None, images=None, unlabelled="background", boxes="rectangle", unreadable, progress):
    """Find the XML files below a folder (or take the one that is named), and the image of every entry.

    Args:
        source: the folder, or the file.
        classes: class file, or None for all labels in the order of the files.
        images: folder of the images; default: that of the file.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of boxes, as for `drawn_shapes.annotated`.
        unreadable: called with the `ValueError` of a file or entry that cannot be used.
        progress: called as `progress(done, total)` after each XML file.

    Returns:
        `Annotations`, divided if subsets or the files' names say how.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given, tally = Path(source), given_names(classes), ShapeTally()
    files, foreign = xml_files(source)
    if not files:
        raise ValueError(f"{source} holds no XML of CVAT for images. Expected annotations.xml with `<image>` in it.")
    coder_of_masks("CVAT's polygons and boxes")  # better missing before the work than in it
    lookup, labels, entries = ImageLookup(images or (source if source.is_dir() else source.parent)), {}, []
    for done, (path, split) in enumerate(zip(files, splits_of(files), strict=True), 1):
        try:
            names, found = _content(path)
        except ValueError as error:
            unreadable(error)
        else:
            labels |= {name: path.name for name in names if name not in labels}
            entries += _entries(path, found, split, lookup, tally, unreadable)
        progress(done, len(files))
    used = {entry.image for entry in entries}
    left_out = {
        "image without annotation": [p.relative_to(lookup.root).as_posix() for p in lookup.files if p not in used],
        "XML of another kind": [path.name for path in foreign],
        "file of no known use": unused(source, files, foreign, lookup.files),
    }
    told = {"unlabelled": unlabelled, "boxes": boxes, "decisions": [BY_LEVEL], "left_out": left_out, "tally": tally}
    return finished(entries, labels, given=given, origin=classes, **told)


def xml_files(source):
    """Return the XML files of CVAT's below a folder, or the one that is named, and the other ones.

    Raises:
        ValueError: if they are of videos.
    """
    files = [path for path in files_below(source) if path.suffix.lower() == ".xml"] if source.is_dir() else [source]
    own = [path for path in files if (root_of(path) or ("",))[0] == "annotations"]
    return own, [path for path in files if path not in own]


def _content(path):
    """Return the labels of a file, and `(attributes, [(tag, attributes)])` of its images."""
    labels, images, tracks = {}, [], []

    def start(tags, attributes):
        if len(tags) == 2 and tags[1] == "image":
            images.append((attributes, []))
        elif len(tags) == 3 and tags[1] == "image" and tags[2] != "tag":
            images[-1][1].append((tags[2], attributes))
        elif len(tags) == 2 and tags[1] == "track":
            tracks.append(attributes)

    def end(tags, text):
        if tags[1:2] == ["meta"] and tags[-3:-1] == ["labels", "label"]:
            if tags[-1] == "name":
                labels[label_text(text, f"{path}: the name of a label")] = ""
            elif tags[-1] == "type" and labels:
                labels[next(reversed(labels))] = text

    walk_xml(path, start, end)
    if tracks and not images:
        raise ValueError(f"{path} is of CVAT for video 1.1, which names no images. Export it as CVAT for images 1.1.")
    return [name for name, kind in labels.items() if kind in _FLAT], images


def _entries(path, found, split, lookup, tally, unreadable):
    """Return the `ShapedImage`s of a file."""
    entries = []
    for attributes, items in found:
        where = f"{path.name}: image {attributes.get('name')!r:.80}"
        subset = SPLITS.get(attributes.get("subset", "").lower(), split)
        try:
            likely = partial(is_of, subset) if subset != "all" else None
            image, key = lookup.find(attributes.get("name"), where, beside=path.parent / "images", likely=likely)
        except ValueError as error:
            unreadable(error)
            continue
        shapes = []
        for number, (tag, own) in enumerate(items, 1):
            place = f"{where}: {tag} {number}"
            try:
                shapes.append(_shape(tag, own, place))
            except ShapeFault as fault:
                tally.leave_out(fault, place)
        entries.append(ShapedImage(image, key, where, _size(attributes), shapes, subset))
    return entries


def _size(attributes):
    sides = attributes.get("height", ""), attributes.get("width", "")
    return tuple(map(int, sides)) if all(side.isdecimal() and 0 < len(side) < 8 for side in sides) else None


def _shape(tag, attributes, place):
    if tag in _OTHERS:
        raise ShapeFault(f"{tag}, which covers nothing")
    draw = {"polygon": _polygon, "box": _box, "ellipse": _ellipse, "mask": _mask}.get(tag)
    if draw is None:
        raise ShapeFault("shape of an unknown type", tag[:40])
    label = " ".join(attributes.get("label", "").split())
    if not label:
        raise ShapeFault("shape without a label")
    (level,) = _numbers(attributes, "z_order")
    return Shape(label, place, partial(draw, attributes), level, box=tag == "box")


def _numbers(attributes, *names):
    """Return attributes as finite floats, 0 for one that is missing."""
    try:
        values = [float(attributes.get(name, "0")) for name in names]
    except ValueError:
        raise ShapeFault("coordinates that are no numbers") from None
    if not np.isfinite(values).all():
        raise ShapeFault("coordinates that are no finite numbers")
    return values


def _polygon(attributes, size):
    try:
        points = [[float(part) for part in point.split(",")] for point in attributes.get("points", "").split(";")]
    except ValueError:
        raise ShapeFault("points that are not x and y") from None
    return filled.polygon(points, size)


def _box(attributes, size):
    *corners, degrees = _numbers(attributes, "xtl", "ytl", "xbr", "ybr", "rotation")
    return filled.box(*corners, size, degrees=degrees)


def _ellipse(attributes, size):
    *numbers, degrees = _numbers(attributes, "cx", "cy", "rx", "ry", "rotation")
    return filled.ellipse(*numbers, size, degrees=degrees)


def _mask(attributes, size):
    """Return the `Patch` of run lengths along the rows of a box, background first."""
    left, top, width, height = map(int, _numbers(attributes, "left", "top", "width", "height"))
    if not (0 < width <= 2 * size[1] and 0 < height <= 2 * size[0]):
        raise ShapeFault("mask of another size than the image", f"{height}x{width} pixels")
    try:
        counts = np.array([int(count) for count in attributes.get("rle", "").split(",")])
    except (ValueError, OverflowError):
        raise ShapeFault("mask whose run lengths are no numbers") from None
    if counts.dtype.kind != "i" or counts.min() < 0 or counts.max() > height * width or counts.sum() != height * width:
        raise ShapeFault("mask whose run lengths do not fill its box")
    return Patch(top, left, np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width))
