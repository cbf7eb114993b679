"""Read Datumaro's own JSON: polygons, boxes, ellipses and masks, one over the other by their z_order."""

from functools import partial
from pathlib import Path

from fcn_keras_console.image_files import files_below

from . import filled
from .annotations import given_names, label_text
from .coco_files import is_of, splits_of
from .coco_regions import coder_of_masks, decode
from .drawn_shapes import BY_LEVEL, Shape, ShapedImage, finished, unused
from .image_lookup import ImageLookup
from .json_values import is_list_of, load_json
from .shape_tally import ShapeFault, ShapeTally
from .shape_values import coordinates


def read(source, *, classes=None, images=None, unlabelled="background", boxes="rectangle", unreadable, progress):
    """Find the JSON files below a folder (or take the one that is named), and the image of every item.

    Args:
        source: the folder of `annotations` and `images`, or one file.
        classes: class file, or None for all labels in their own order.
        images: folder of the images; default: `source`, or what is beside the file's folder.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of boxes, as for `drawn_shapes.annotated`.
        unreadable: called with the `ValueError` of a file or item that cannot be used.
        progress: called as `progress(done, total)` after each JSON file.

    Returns:
        `Annotations`, divided if the files' names say how.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given, tally = Path(source), given_names(classes), ShapeTally()
    files = [path for path in files_below(source) if path.suffix.lower() == ".json"] if source.is_dir() else [source]
    contents, foreign = {}, []
    for done, path in enumerate(files, 1):
        try:
            content = load_json(path)
            if isinstance(content, dict) and is_list_of(dict, content.get("items")) and "categories" in content:
                contents[path] = content, _labels(content, path)
            else:
                foreign.append(path.name)
        except ValueError as error:
            unreadable(error)
        progress(done, len(files))
    if not contents:
        raise ValueError(f"{source} holds no JSON of Datumaro's: expected objects with `categories` and `items`.")
    coder_of_masks("Datumaro's regions")  # better missing before the work than in it
    folder = source if source.is_dir() else source.parent.parent
    lookup, labels, entries = ImageLookup(images or folder), {}, []
    for (path, (content, known)), split in zip(contents.items(), splits_of(list(contents)), strict=True):
        labels |= {name: path.name for name in known if name not in labels}
        entries += _entries(path, content, known, split, lookup, tally, unreadable)
    used = {entry.image for entry in entries}
    left_out = {
        "image without annotation": [p.relative_to(lookup.root).as_posix() for p in lookup.files if p not in used],
        "JSON of another kind": foreign,
        "file of no known use": unused(source, files, lookup.files),
    }
    told = {"unlabelled": unlabelled, "boxes": boxes, "decisions": [BY_LEVEL], "left_out": left_out, "tally": tally}
    return finished(entries, labels, given=given, origin=classes, **told)


def _labels(content, path):
    """Return the names of the labels, by their number."""
    categories = content["categories"].get("label") if isinstance(content["categories"], dict) else None
    labels = categories.get("labels") if isinstance(categories, dict) else None
    if not is_list_of(dict, labels):
        raise ValueError(f"{path} should list its labels as `categories`, `label`, `labels`.")
    return [label_text(label.get("name"), f"{path}: the name of label {number}") for number, label in enumerate(labels)]


def _entries(path, content, labels, split, lookup, tally, unreadable):
    """Return the `ShapedImage`s of a file."""
    entries = []
    for item in content["items"]:
        where = f"{path.name}: item {item.get('id')!r:.80}"
        picture = item["image"] if isinstance(item.get("image"), dict) else {}
        try:
            likely = partial(is_of, split) if split != "all" else None
            image, key = lookup.find(picture.get("path") or item.get("id"), where, likely=likely)
        except ValueError as error:
            unreadable(error)
            continue
        shapes, annotations = [], item.get("annotations")
        for number, annotation in enumerate(annotations if isinstance(annotations, list) else []):
            place = f"{where}: annotation {number}"
            try:
                shape = _shape(annotation, labels, place)
                shapes += [] if shape is None else [shape]
            except ShapeFault as fault:
                tally.leave_out(fault, place)
        entries.append(ShapedImage(image, key, where, _size(picture.get("size")), shapes, split))
    return entries


def _size(stated):
    right = isinstance(stated, list) and len(stated) == 2 and all(isinstance(n, int) and n > 0 for n in stated)
    return tuple(stated) if right else None


def _shape(annotation, labels, place):
    """Return a `Shape`, or None of what is said of the whole image."""
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    if kind in ("label", "caption"):
        return None
    draw = {"polygon": _polygon, "bbox": _box, "ellipse": _ellipse, "mask": _mask}.get(str(kind))
    if draw is None:
        covers = kind in ("points", "polyline", "cuboid_2d", "cuboid_3d")
        raise ShapeFault(f"{kind}, which covers nothing" if covers else f"shape of an unknown type ({kind!r:.40})")
    number, level = annotation.get("label_id"), annotation.get("z_order") or 0
    if not isinstance(number, int) or not 0 <= number < len(labels):
        raise ShapeFault("shape without a label", f"{number!r:.40}")
    return Shape(labels[number], place, partial(draw, annotation), float(coordinates(level)), box=kind == "bbox")


def _polygon(annotation, size):
    return decode([coordinates(annotation.get("points"))], size)[0]


def _box(annotation, size):
    numbers = coordinates(annotation.get("bbox"))
    if numbers.shape != (4,):
        raise ShapeFault("box that is not x, y, width and height")
    x, y, width, height = numbers.tolist()
    return filled.box(x, y, x + width, y + height, size)


def _ellipse(annotation, size):
    numbers = coordinates(annotation.get("points"))
    if numbers.shape != (4,):
        raise ShapeFault("ellipse that is not the corners of its box")
    left, top, right, bottom = numbers.tolist()
    return filled.ellipse((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2, size)


def _mask(annotation, size):
    return decode(annotation.get("rle"), size)[0]
