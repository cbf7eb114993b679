"""Read Supervisely's projects: `meta.json`, and a folder a data set with `img/x.jpg` and `ann/x.jpg.json`.

Shapes are drawn as its own SDK draws them: in the order of the file, a later one on top; polygons in whole pixels by
OpenCV, holes taken away with their outlines; rectangles with all four sides.
"""

import base64
import binascii
import io
import zlib
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras.datasets.images import extensions
from fcn_keras_console.image_files import files_below

from .annotations import SPLITS, given_names, label_text, stated_size
from .drawn_shapes import Patch, Shape, ShapedImage, finished, unused
from .integer_polygons import fill
from .json_values import is_list_of, load_json
from .shape_tally import ShapeFault, ShapeTally
from .shape_values import coordinates

META, ANNOTATIONS, IMAGES = "meta.json", "ann", "img"
_HALF = 128
_BARE = ("point", "line", "polyline", "graph", "cuboid", "multichannel_bitmap", "oriented_bbox")


def read(source, *, classes=None, unlabelled="background", boxes="rectangle", unreadable, progress):
    """Find the annotations of all data sets of a project.

    Args:
        source: the folder of `meta.json`.
        classes: class file, or None for all classes in the order of `meta.json`.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of rectangles, as for `drawn_shapes.annotated`.
        unreadable: called with the `ValueError` of an annotation that cannot be used.
        progress: called as `progress(done, total)` after each annotation.

    Returns:
        `Annotations`, divided if the data sets are called like splits.

    Raises:
        ValueError: if it is no project, or its classes are not clear.
    """
    source, given, tally = Path(source), given_names(classes), ShapeTally()
    if not (source / META).is_file():
        raise ValueError(f"{source} has no {META}. Expected the folder of a project of Supervisely's.")
    labels = dict.fromkeys(_class_names(source / META), META)
    files = files_below(source)
    annotations = [path for path in files if path.parent.name == ANNOTATIONS and path.suffix.lower() == ".json"]
    photos = {path for path in files if path.parent.name == IMAGES and path.suffix.lower() in extensions()}
    entries = []
    for done, path in enumerate(annotations, 1):
        try:
            entries.append(_entry(path, source, photos, tally))
        except ValueError as error:
            unreadable(error)
        progress(done, len(annotations))
    if not annotations:
        raise ValueError(f"{source} holds no {ANNOTATIONS}/x.jpg.json beside {IMAGES}/x.jpg.")
    alone = photos - {entry.image for entry in entries}
    left_out = {"image without annotation": sorted(path.relative_to(source).as_posix() for path in alone)}
    left_out["file of no known use"] = unused(source, annotations, photos, [source / META])
    told = {"unlabelled": unlabelled, "boxes": boxes, "left_out": left_out, "tally": tally}
    decisions = ["of shapes that overlap, the later is on top"]
    return finished(entries, labels, given=given, origin=classes, decisions=decisions, **told)


def _class_names(path):
    content = load_json(path)
    classes = content.get("classes") if isinstance(content, dict) else None
    if not is_list_of(dict, classes):
        raise ValueError(f"{path} should hold a list of objects called `classes`.")
    named = [(item, label_text(item.get("title"), f"{path}: the title of a class")) for item in classes]
    return [name for item, name in named if item.get("shape") not in _BARE]


def _entry(path, source, photos, tally):
    """Return the `ShapedImage` of one annotation."""
    content = load_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        raise ValueError(f"{path} should hold `objects` and `size`, as Supervisely's annotations do.")
    image = path.parent.parent / IMAGES / path.stem
    if image not in photos:
        raise ValueError(f"{path} is of the image {image}, which is missing. Download the project with its images.")
    stated = content["size"] if isinstance(content.get("size"), dict) else {}
    folders = [part for part in path.relative_to(source).parts[:-2] if part != "datasets"]
    split = next((SPLITS[part.lower()] for part in folders if part.lower() in SPLITS), None)
    below = [part for part in folders if part.lower() not in SPLITS]
    place, shapes = path.relative_to(source).as_posix(), []
    for number, item in enumerate(content["objects"]):
        where = f"{place}: object {item.get('id', number) if isinstance(item, dict) else number}"
        try:
            shapes.append(_shape(item, where))
        except ShapeFault as fault:
            tally.leave_out(fault, where)
    size = stated_size(stated, ("height", "width"), path)
    return ShapedImage(image, "/".join([*below, image.stem]), place, size, shapes, split)


def _shape(item, place):
    if not isinstance(item, dict):
        raise ShapeFault("object that is none", f"{item!r:.40}")
    kind, title = item.get("geometryType"), item.get("classTitle")
    draw = {"bitmap": _bitmap, "alpha_mask": _bitmap, "polygon": _polygon, "rectangle": _rectangle}.get(str(kind))
    if draw is None:
        raise ShapeFault(
            f"{kind}, which covers nothing" if kind in _BARE else f"shape of an unknown type ({kind!r:.40})"
        )
    if not isinstance(title, str) or not title.split():
        raise ShapeFault("shape without a label")
    return Shape(" ".join(title.split()), place, partial(draw, item), box=kind == "rectangle")


def _rings(item):
    points = item.get("points")
    if not isinstance(points, dict):
        raise ShapeFault("shape without points")
    interior = points.get("interior", [])
    return points.get("exterior"), interior if isinstance(interior, list) else []


def _polygon(item, size):
    """Fill the outer ring, and take away all inner ones, which OpenCV fills together."""
    exterior, interior = _rings(item)
    patch = fill([exterior], size)
    if interior:
        hole = fill(interior, size)
        whole = np.zeros(size, bool)
        patch.paint(whole, True)
        hole.paint(whole, False)
        patch = Patch(0, 0, whole)
    return patch


def _rectangle(item, size):
    corners = coordinates(_rings(item)[0])
    if corners.shape != (2, 2):
        raise ShapeFault("rectangle that is not two corners")
    (left, top), (right, bottom) = np.sort(corners, axis=0).tolist()
    return fill([[[left, top], [right, top], [right, bottom], [left, bottom]]], size)


def _bitmap(item, size):
    """Return the `Patch` of a PNG in zlib in base64, at its origin; of an alpha mask, what is at least half opaque."""
    bitmap = item["bitmap"] if isinstance(item.get("bitmap"), dict) else {}
    origin, data = coordinates(bitmap.get("origin")), bitmap.get("data")
    if origin.shape != (2,) or (np.abs(origin) > 1e6).any():
        raise ShapeFault("bitmap without an origin")
    left, top = origin.astype(int).tolist()
    values = _unpacked(data, size)
    return Patch(top, left, values >= _HALF if item["geometryType"] == "alpha_mask" else values > 0)


def _unpacked(data, size):
    """Return `(h, w)` of a packed PNG: its opacity, where it has such, or else its values.

    No more is unpacked than a PNG of the image's size without compression takes.
    """
    most = 8 * size[0] * size[1] + 65536
    try:
        packed = base64.b64decode(data, validate=True)
        unpacker = zlib.decompressobj()
        png = packed if packed.startswith(b"\x89PNG") else unpacker.decompress(packed, most)
        if unpacker.unconsumed_tail:
            raise ShapeFault("bitmap that is larger than its image")
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            if image.width > size[1] or image.height > size[0]:
                raise ShapeFault("bitmap that is larger than its image", f"{image.height}x{image.width} pixels")
            if image.mode in ("RGBA", "LA") or "transparency" in image.info:
                return np.array(image.convert("RGBA"))[..., 3]
            if image.mode in ("1", "L", "P"):
                return np.array(image).astype(np.uint8)
            raise ShapeFault("bitmap of a kind that is not Supervisely's", image.mode)
    except ShapeFault:
        raise
    except (TypeError, binascii.Error, zlib.error):
        raise ShapeFault("bitmap that cannot be unpacked") from None
    except Exception as error:  # a damaged PNG makes Pillow raise nearly anything
        raise ShapeFault("bitmap that is no PNG", f"{type(error).__name__}") from None
