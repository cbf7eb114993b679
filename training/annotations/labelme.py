"""Read and write LabelMe's annotations: a JSON file an image.

Shapes are drawn as LabelMe's own exporter draws them: in the order of the file, a later one on top; outlines included;
lines 10 pixels wide, points 5 pixels in radius. Group ids divide objects, not classes, and change nothing.
"""

import base64
import binascii
import io
import math
import os
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.visualize import background_of
from fcn_keras_console.image_files import files_below

from ..reading import read_each
from .annotations import (
    AnnotatedImage,
    Annotations,
    ImageAndLabel,
    choose_classes,
    fitting_size,
    given_names,
    label_text,
    stated_size,
    unique_keys,
)
from .image_lookup import ImageLookup, stem
from .json_values import is_list_of, load_json, near_the_image, numbers
from .outlines import outlines
from .result_marks import SEAL, seal, write_json

VERSION = "5.5.0"  # of the application whose files those that are written are like
_LINE_WIDTH, _POINT_RADIUS = 10, 5  # LabelMe's
_MOST_POINTS = 100_000  # Pillow looks at every point in every row
_POINTS = {  # shape type -> the number of points that it may have
    "polygon": range(3, _MOST_POINTS),
    "rectangle": (2, 4),  # some tools write all four corners
    "rotation": (4,),
    "oriented_rectangle": (4,),
    "circle": (2,),
    "line": (2,),
    "linestrip": range(2, _MOST_POINTS),
    "point": (1,),
    "mask": (2,),
}


def read(source, *, classes=None, images=None, unlabelled="background", unreadable, progress):
    """Find the annotations below a folder, and the image of each.

    Args:
        source: the folder.
        classes: class file, or None for all labels in alphabetical order.
        images: folder of the images; default `source`.
        unlabelled: what pixels are that no shape covers.
        unreadable: called with the `ValueError` of a file that cannot be used.
        progress: called as `progress(done, total)`.

    Returns:
        `Annotations`, not divided.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given = Path(source), given_names(classes)
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected the folder of LabelMe's JSON files.")
    files = [path for path in files_below(source) if path.suffix.lower() == ".json"]
    lookup = ImageLookup(images or source)
    labels, kept, used, foreign = {}, [], set(), []
    for path, head in read_each(partial(_head, lookup), files, unreadable=unreadable, progress=progress):
        if head is None:
            foreign.append(path.relative_to(source).as_posix())
        else:
            kept.append(path)
            used.add(head[0])
            for label in head[1]:
                labels.setdefault(label, path.name)
    if not kept:
        raise ValueError(f"{source} holds no annotations of LabelMe: {_instead(files, foreign, source)}.")
    names, ids, rest = choose_classes(dict(sorted(labels.items())), given, unlabelled, classes)
    keys = unique_keys([stem(path.relative_to(source).as_posix()) for path in kept])
    annotated = [
        AnnotatedImage(key, partial(_annotated, path, lookup, ids, rest)) for key, path in zip(keys, kept, strict=True)
    ]
    alone = [path.relative_to(lookup.root).as_posix() for path in lookup.files if path not in used]
    left_out = {"image without annotation": alone, "JSON of another kind": foreign}
    return Annotations(names, {"all": annotated}, [f"pixels of no shape: {unlabelled}"], left_out)


def _instead(files, foreign, source):
    if foreign:
        return f"{foreign[0]} has no `shapes`. For COCO's, say --import coco"
    return "none of its JSON files can be used" if files else f"there is no JSON file below {source}"


def _head(lookup, path):
    """Return the image's file, or None for an embedded one, and the labels; None if the JSON is of another kind."""
    content = load_json(path)
    if not isinstance(content, dict) or "shapes" not in content:
        return None
    image, _ = _image_of(content, path, lookup)
    return image if isinstance(image, Path) else None, {label for _, label in _shapes(content, path)}


def _image_of(content, path, lookup):
    """Return the image's file, or its bytes where there is none, and what to call it in errors."""
    name, embedded = content.get("imagePath"), content.get("imageData")
    try:
        return lookup.find(name, path, beside=path.parent)[0], name
    except ValueError:
        if not isinstance(embedded, str):
            raise
    try:
        return base64.b64decode(embedded, validate=True), f"{path} (imageData)"
    except binascii.Error as error:
        raise ValueError(f"{path} holds `imageData` that is no base64: {error}.") from None


def _shapes(content, path):
    """Return `(shape, label)` of all shapes."""
    shapes = content["shapes"]
    if not is_list_of(dict, shapes):
        raise ValueError(f"{path} should hold a list of objects as `shapes`. Received: {shapes!r:.60}.")
    return [
        (shape, label_text(shape.get("label"), f"{path}: the label of shape {i}")) for i, shape in enumerate(shapes)
    ]


def _annotated(path, lookup, ids, rest):
    content = load_json(path)
    size = stated_size(content, ("imageHeight", "imageWidth"), path)
    shapes = _shapes(content, path)

    def label(sizes):
        drawn = Image.new("L", fitting_size(size, sizes, path)[::-1], rest)
        for index, (shape, name) in enumerate(shapes):
            drawn = _drawn(drawn, shape, ids[name], f"{path}: shape {index} ({name})")
        return np.array(drawn)

    return ImageAndLabel(_image_of(content, path, lookup)[0], label)


def _drawn(image, shape, value, where):
    """Draw one shape."""
    kind = shape.get("shape_type") or "polygon"
    points = numbers(shape.get("points"), f"{where}: `points`")
    if not isinstance(kind, str) or kind not in _POINTS:
        raise ValueError(f"{where} is of the type {kind!r:.60}. Expected one of {', '.join(_POINTS)}.")
    if points.ndim != 2 or points.shape[1] != 2 or len(points) not in _POINTS[kind]:
        raise ValueError(f"{where}: a {kind} cannot have points of the shape {points.shape}. Expected (N, 2).")
    near_the_image(points, image.size[::-1], where)
    xy, draw = [tuple(point) for point in points.tolist()], ImageDraw.Draw(image)
    if kind == "mask":
        return _pasted(image, points, shape.get("mask"), value, where)
    if kind == "circle":
        (x, y), radius = xy[0], math.dist(*xy)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=value, fill=value)
    elif kind == "point":
        (x, y), radius = xy[0], _POINT_RADIUS
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=value, fill=value)
    elif kind in ("line", "linestrip"):
        draw.line(xy, fill=value, width=_LINE_WIDTH)
    elif kind == "rectangle" and len(xy) == 2:
        low, high = points.min(axis=0), points.max(axis=0)  # drawn from any corner
        draw.rectangle([*low, *high], outline=value, fill=value)
    else:
        draw.polygon(xy, outline=value, fill=value)
    return image


def _pasted(image, points, encoded, value, where):
    """Draw a mask: a PNG that fills the box from the first point to the last, both included."""
    (left, top), (right, bottom) = points.astype(int).tolist()
    size = right - left + 1, bottom - top + 1
    try:
        data = base64.b64decode(encoded, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as mask:
            if mask.size != size or min(size) < 1:
                raise ValueError(f"it has {mask.width}x{mask.height} pixels, its box {size[0]}x{size[1]}")
            stencil = Image.fromarray(np.array(mask.convert("L")) > 0)
    except Exception as error:  # a damaged PNG makes Pillow raise nearly anything
        raise ValueError(f"{where}: its `mask` cannot be read: {str(error) or type(error).__name__:.200}.") from None
    image.paste(value, (left, top), stencil)
    return image


def write_labelme(path, result):
    """Write the polygons of a label map, which LabelMe's own tools turn back into it.

    The image is not copied into the file but referred to, from the place where the file will lie. Pixels of no shape
    are what those tools call background, so only a class of that name is left out: a class 0 without a name is not.
    """
    names = result.classes.names
    shapes = [
        {
            "label": names[index],
            "points": points,
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
        }
        for index, points in outlines(result.labels, background=background_of(names))
    ]
    height, width = result.labels.shape
    content = {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": _reference(result.source, path),
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    content[SEAL] = seal(content)
    write_json(path, content)


def _reference(image, path):
    """Return the image's path as seen from the folder of a file."""
    named = image.parent.resolve() / image.name  # a link to an image keeps its own name
    return os.path.relpath(named, path.parent.resolve()).replace(os.sep, "/")
