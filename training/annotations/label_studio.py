"""Read Label Studio's JSON exports: brushes, polygons, rectangles and ellipses; and its brush PNGs, one a label."""

import re
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np

from fcn_keras.datasets.images import extensions, read_mask
from fcn_keras_console.image_files import files_below

from . import filled
from .annotations import given_names
from .coco_regions import coder_of_masks
from .drawn_shapes import Patch, Shape, ShapedImage, finished, unused
from .image_lookup import ImageLookup
from .json_values import is_list_of, load_json
from .label_studio_runs import decode_brush
from .shape_tally import ShapeFault, ShapeTally
from .shape_values import coordinates

_KINDS = ("brush", "polygon", "rectangle", "ellipse")  # of results; each may be called with `labels` behind it
_BARE = ("keypoint", "video", "vector")  # results that are no regions of a picture, though they have labels
_HASH = re.compile(r"^[0-9a-f]{8}-")  # before the name of a file that was uploaded
_PNG = re.compile(r"task-(\d+)-annotation-(\d+)-by-([^-]*)-(.+)-(\d+)\.png")


def read(source, *, classes=None, images=None, unlabelled="background", boxes="rectangle", unreadable, progress):
    """Find the tasks in the JSON files below a folder (or in the one that is named), and the image of each.

    Args:
        source: the folder, or the file: JSON or JSON-MIN.
        classes: class file, or None for all labels in alphabetical order.
        images: folder of the images; default: that of the file.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of rectangles, as for `drawn_shapes.annotated`.
        unreadable: called with the `ValueError` of a file or task that cannot be used.
        progress: called as `progress(done, total)` after each JSON file.

    Returns:
        `Annotations`, not divided.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given, tally = Path(source), given_names(classes), ShapeTally()
    files = [path for path in files_below(source) if path.suffix.lower() == ".json"] if source.is_dir() else [source]
    lookup = ImageLookup(images or (source if source.is_dir() else source.parent))
    pngs = _pngs(source if source.is_dir() else source.parent)
    reasons, entries = ("JSON of another kind", "task without annotation", "annotation that was skipped"), []
    left_out = {reason: [] for reason in reasons}
    for done, path in enumerate(files, 1):
        try:
            tasks = load_json(path)
        except ValueError as error:
            unreadable(error)
            continue
        if is_list_of(dict, tasks) and any(_is_task(task) for task in tasks):
            entries += _entries(path, tasks, lookup, pngs, tally, left_out, unreadable)
        else:
            left_out["JSON of another kind"].append(path.name)
        progress(done, len(files))
    if not entries:
        raise ValueError(_nothing(source, files, pngs))
    if any(shape.region.func in (_polygon, _rectangle, _ellipse) for entry in entries for shape in entry.shapes):
        coder_of_masks("Label Studio's polygons")  # better missing before the work than in it
    used = {entry.image for entry in entries} | {path for paths in pngs.values() for path, _ in paths}
    alone = [path.relative_to(lookup.root).as_posix() for path in lookup.files if path not in used]
    left_out |= {"image without annotation": alone, "file of no known use": unused(source, files, lookup.files)}
    told = {"unlabelled": unlabelled, "boxes": boxes, "left_out": left_out, "tally": tally}
    return finished(entries, {}, given=given, origin=classes, decisions=[_order(entries)], **told)


def _order(entries):
    """Say what is on top: JSON has the order of drawing; JSON-MIN has it within a tag, PNGs have none."""
    minimal = any(" annotation " not in entry.place for entry in entries)
    pngs = any(shape.region.func is _png for entry in entries for shape in entry.shapes)
    told = "of shapes that overlap, the later is on top"
    if pngs:
        return f"{told}: brush PNGs do not tell which, and are taken by name. Label Studio's JSON tells it"
    return f"{told}: JSON-MIN tells it within a tag alone, JSON of all" if minimal else told


def _is_task(task):
    return "data" in task or any(_results_of(value) for value in task.values())


def _results_of(value):
    """Tell whether a value of JSON-MIN is a list of results."""
    return is_list_of(dict, value) and any("original_width" in item for item in value)


def _nothing(source, files, pngs):
    if pngs and not files:
        return (
            f"{source} holds brush PNGs of Label Studio's, which name tasks by number and no image. Export the tasks "
            "as JSON too, and put that file beside them."
        )
    return f"{source} holds no tasks of Label Studio's: expected a JSON list of objects with `data` and `annotations`."


def _entries(path, tasks, lookup, pngs, tally, left_out, unreadable):
    """Return the `ShapedImage`s of a file: one for each annotation of a task."""
    entries = []
    for index, task in enumerate(tasks):
        where = f"{path.name}: task {task.get('id', index)!r:.40}"
        drawn, skipped = _annotations_of(task)
        left_out["annotation that was skipped"] += [f"{where} annotation {number}" for number in skipped]
        drawn = drawn or [(None, [])] * (task.get("id") in pngs)
        if not drawn:
            left_out["task without annotation"].append(where)
            continue
        try:
            image, key = _image_of(task, lookup, where)
        except ValueError as error:
            unreadable(error)
            continue
        for number, results in drawn:
            place = where if number is None else f"{where} annotation {number}"
            size, shapes = _shapes_of(results, place, tally)
            shapes = shapes or [
                Shape(name, f"{place}: {png.name}", partial(_png, png)) for png, name in _of(pngs, task)
            ]
            entries.append(ShapedImage(image, key, place, size, shapes))
    return entries


def _of(pngs, task):
    return pngs.get(task.get("id"), [])


def _annotations_of(task):
    """Return `(id, results)` of each annotation of a task, and the ids of those that were skipped."""
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None:  # JSON-MIN
        results = [item for value in task.values() if _results_of(value) for item in value]
        return ([(None, results)] if results else []), []
    if not is_list_of(dict, annotations):
        return [], []
    skipped = [item.get("id") for item in annotations if item.get("was_cancelled")]
    return [(item.get("id"), item.get("result")) for item in annotations if not item.get("was_cancelled")], skipped


def _image_of(task, lookup, where):
    """Find the image that a task's data names: by a path, an address, or `?d=` of local files."""
    data = task["data"] if isinstance(task.get("data"), dict) else task
    named = [value for value in data.values() if isinstance(value, str) and _suffix(value) in extensions()]
    if len(set(named)) != 1:
        raise ValueError(f"{where} should name one image in its data. Received: {len(set(named))}.")
    name = _path(named[0])
    try:
        return lookup.find(name, where)
    except ValueError:
        folders, _, last = name.rpartition("/")
        if not _HASH.match(last):
            raise
        return lookup.find(f"{folders}/{_HASH.sub('', last)}", where)


def _path(address):
    parts = urlsplit(address)
    local = re.search(r"(?:^|&)d=([^&]*)", parts.query)
    return unquote(local[1] if local else parts.path if parts.scheme or parts.query else address)


def _suffix(address):
    try:
        return Path(_path(address)).suffix.lower()
    except ValueError:  # of `urlsplit`
        return ""


def _shapes_of(results, place, tally):
    """Return the `(H, W)` of the image or None, and its `Shape`s; what is none is told."""
    shapes, sizes = [], set()
    results = results if isinstance(results, list) else []
    named = {item.get("id"): item for item in results if isinstance(item, dict) and _labels(item)}
    for index, item in enumerate(results):
        where = f"{place}: region {item.get('id', index) if isinstance(item, dict) else index!r:.40}"
        try:
            shape, size = _shape(item, named, where)
        except ShapeFault as fault:
            tally.leave_out(fault, where)
            continue
        if shape is not None:
            shapes.append(shape)
            sizes.add(size)
    if len(sizes) > 1:
        tally.leave_out("shape of an image of another size than the first", f"{place}: {len(sizes)} sizes")
        first = next(shape.region.keywords["stated"] for shape in shapes)
        shapes = [shape for shape in shapes if shape.region.keywords["stated"] == first]
        sizes = {first}
    return next(iter(sizes), None), shapes


def _labels(item):
    """Return the labels of a result: a list, which may be empty."""
    value = item["value"] if isinstance(item.get("value"), dict) else item
    found = next((value[key] for key in (*(f"{kind}labels" for kind in _KINDS), "labels") if key in value), [])
    return found if isinstance(found, list) else []


def _shape(item, named, where):
    """Return a `Shape` and the size of its image; None for both where a result is no region, or is told by another."""
    if not isinstance(item, dict):
        raise ShapeFault("region that is no object", f"{item!r:.40}")
    value = item["value"] if isinstance(item.get("value"), dict) else item
    draw, kind = _drawer(value), item.get("type")
    if isinstance(kind, str) and kind.startswith(_BARE):
        raise ShapeFault(f"{kind}, which covers nothing")
    if draw is None:
        return None, None
    labels = _labels(item)
    if not labels and item.get("id") in named:  # which has the same outline, and its label
        return None, None
    if len(labels) != 1 or not isinstance(labels[0], str) or not labels[0].split():
        raise ShapeFault("shape without a label" if not labels else "shape of several labels", f"{labels!r:.60}")
    if item.get("image_rotation"):
        raise ShapeFault("shape on an image that was turned in Label Studio", f"{item['image_rotation']!r:.20} degrees")
    size = item.get("original_height"), item.get("original_width")
    if not all(isinstance(side, int) and side > 0 for side in size):
        raise ShapeFault("shape without the size of its image")
    name = " ".join(labels[0].split())
    return Shape(name, where, partial(draw, value, stated=size), box=draw is _rectangle), size


def _drawer(value):
    """Return the function that draws a value, or None if it is no region."""
    for key, draw in (("rle", _brush), ("points", _polygon), ("radiusX", _ellipse), ("width", _rectangle)):
        if key in value:
            return draw
    return None


def _brush(value, size, *, stated):
    return decode_brush(value["rle"], size)


def _polygon(value, size, *, stated):
    points = coordinates(value["points"])
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeFault("points that are not x and y")
    return filled.polygon(points * _scale(size), size)


def _rectangle(value, size, *, stated):
    """Draw a rectangle, which is turned about its first corner."""
    x, y, width, height, degrees = _numbers(value, ("x", "y", "width", "height", "rotation"))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) * _scale(size)
    return filled.polygon(filled.turned(corners, degrees) + np.array([x, y]) * _scale(size), size)


def _ellipse(value, size, *, stated):
    x, y, across, down, degrees = _numbers(value, ("x", "y", "radiusX", "radiusY", "rotation"))
    wide, high = _scale(size)
    return filled.ellipse(x * wide, y * high, across * wide, down * high, size, degrees=degrees)


def _numbers(value, names):
    return coordinates([value.get(name, 0) for name in names]).tolist()


def _scale(size):
    """Return what one percent is in pixels: (x, y)."""
    return np.array([size[1], size[0]]) / 100


def _pngs(folder):
    """Return `(file, label)` of the brush PNGs by task; the label is what follows the name of the tag."""
    found = {}
    for path in files_below(folder):
        if match := _PNG.fullmatch(path.name):
            found.setdefault(int(match[1]), []).append((path, match[4].partition("-")[2] or match[4]))
    return found


def _png(path, size):
    mask = read_mask(path)
    if mask.shape != size:
        raise ShapeFault("brush of another size than the image", f"{mask.shape[0]}x{mask.shape[1]} pixels")
    return Patch(0, 0, mask > 0)
