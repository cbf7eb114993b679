"""Read LabelMe's annotations: a JSON file an image, or the XML of its first, online version, which Datumaro writes too.

Shapes are drawn in the order of the file, a later one on top, and several files of one image in the order of their
names. Group ids divide objects, not classes, and change nothing.
"""

import base64
import binascii
import hashlib
import itertools
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fcn_keras_console.image_files import files_below

from ..reading import read_each
from . import labelme_shapes, labelme_xml
from .annotations import (
    SPLITS,
    VOID,
    AnnotatedImage,
    Annotations,
    ImageAndLabel,
    choose_classes,
    fitting_size,
    given_names,
    label_text,
    notes_on_names,
    stated_size,
    unique_keys,
)
from .drawn_shapes import whole_although
from .image_lookup import ImageLookup, stem
from .json_values import as_json, load_json
from .shape_tally import NOTHING, ShapeFault, ShapeTally

_BOXES = {
    "leave": "rectangles are left out",
    "rectangle": "boxes are drawn as rectangles",
    "void": "rectangles and boxes are void, below all",
}


class _Head(NamedTuple):
    """What is read of a file first: its image's path, or a hash of the embedded one, and the labels."""

    image: Path | str
    labels: set[str]


def read(source, *, classes=None, images=None, unlabelled="background", boxes=None, unreadable, progress):
    """Find the annotations below a folder, and the image of each.

    Args:
        source: the folder.
        classes: class file, or None for all labels in alphabetical order.
        images: folder of the images; default `source`.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of rectangles: `leave`, `rectangle` or `void`; None draws those of the JSON files, as
            LabelMe's exporter does, and leaves the XML's, as Datumaro does.
        unreadable: called with the `ValueError` of a file that cannot be used.
        progress: called as `progress(done, total)`.

    Returns:
        `Annotations`, divided if every file lies in a folder that is called like a split.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given = Path(source), given_names(classes)
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected the folder of LabelMe's files.")
    files = [path for path in files_below(source) if path.suffix.lower() in (".json", ".xml")]
    lookup = ImageLookup(images or source, without=labelme_xml.mask_folders(files))
    labels, grouped, foreign = {}, {}, []
    for path, head in read_each(partial(_head, lookup), files, unreadable=unreadable, progress=progress):
        if head is None:
            foreign.append(path.relative_to(source).as_posix())
            continue
        grouped.setdefault((_split(path.relative_to(source)), head.image), []).append(path)
        for label in head.labels:
            labels.setdefault(label, path.name)
    if not grouped:
        raise ValueError(f"{source} holds no annotations of LabelMe: {_instead(files, foreign, source)}.")
    names, ids, rest = choose_classes(dict(sorted(labels.items())), given, unlabelled, classes)
    tally = ShapeTally()
    draw = partial(_draw, source=source, ids=ids, rest=rest, boxes=boxes, tally=tally)
    by_split = _by_split(grouped, source, partial(_annotated, lookup, draw))
    decisions = [f"pixels of no shape: {unlabelled}", "of shapes that overlap, the later is on top"]
    decisions += whole_although(
        {paths[0].relative_to(source).as_posix(): split for (split, _), paths in grouped.items()}
    )
    decisions += notes_on_names(sorted(labels)) + ([_BOXES[boxes]] if boxes else [])
    used = {image for _, image in grouped}
    alone = [path.relative_to(lookup.root).as_posix() for path in lookup.files if path not in used]
    left_out = {"image without annotation": alone, "file of another kind": foreign}
    return Annotations(names, by_split, decisions, left_out, tally)


def _instead(files, foreign, source):
    if foreign:
        return f"{foreign[0]} has no `shapes`. For COCO's, say --import coco"
    return "none of its JSON and XML files can be used" if files else f"there is no JSON or XML file below {source}"


def _split(path):
    """Return the split that a folder's name says, the innermost, or None."""
    return next((SPLITS[part.lower()] for part in reversed(path.parts[:-1]) if part.lower() in SPLITS), None)


def _by_split(grouped, source, annotated):
    """Return the `AnnotatedImage`s by split."""
    splits = {split for split, _ in grouped}
    divided, by_split = None not in splits and len(splits) > 1, {}
    for (split, image), paths in grouped.items():
        by_split.setdefault(split if divided else "all", []).append((image, paths))
    for split, of_split in by_split.items():
        keys = [
            _key(image, [_below_split(path.relative_to(source), divided) for path in paths])
            for image, paths in of_split
        ]
        by_split[split] = [
            AnnotatedImage(key, partial(annotated, paths))
            for key, (_, paths) in zip(unique_keys(keys), of_split, strict=True)
        ]
    return by_split


def _below_split(path, divided):
    """Return a path without the folder that names its split, and what is above it."""
    named = [index for index, part in enumerate(path.parts[:-1]) if part.lower() in SPLITS]
    return Path(*path.parts[named[-1] + 1 :]) if divided else path


def _key(image, paths):
    """Return the id of the image that some files label: their name, with the folders that they share at its end."""
    parts = [stem(path.as_posix()).split("/") for path in paths]
    from_the_end = zip(*map(reversed, parts), strict=False)
    common = [same[0] for same in itertools.takewhile(lambda same: len(set(same)) == 1, from_the_end)]
    return "/".join(reversed(common)) or (stem(image.name) if isinstance(image, Path) else "/".join(parts[0]))


def _content(path):
    """Return `(content as LabelMe's JSON has it, module that draws its shapes)`, or None for a file of another kind."""
    if path.suffix.lower() == ".xml":
        content = labelme_xml.load(path)
        return None if content is None else (content, labelme_xml)
    content = load_json(path)
    return (content, labelme_shapes) if isinstance(content, dict) and "shapes" in content else None


def _head(lookup, path):
    """Return the `_Head` of a file, or None for one of another kind."""
    known = _content(path)
    if known is None:
        return None
    image = _image_of(known[0], path, lookup)
    shapes = [shape for shape in _shapes(known[0], path) if _has_label(shape) and shape.get("deleted") is not True]
    labels = {label_text(shape["label"], path) for shape in shapes}
    return _Head(hashlib.sha256(image).hexdigest() if isinstance(image, bytes) else image, labels)


def _image_of(content, path, lookup):
    """Return the image's file, or its bytes where there is none."""
    name, embedded = content.get("imagePath"), content.get("imageData")
    try:
        return lookup.find(name, path, beside=path.parent)[0]
    except ValueError:
        if not isinstance(embedded, str):
            raise
    try:
        return base64.b64decode(embedded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{path} holds `imageData` that is no base64: {error}.") from None


def _shapes(content, path):
    if not isinstance(content["shapes"], list):
        raise ValueError(f"{path} should hold a list as `shapes`. Received: {as_json(content['shapes'])}.")
    return content["shapes"]


def _has_label(shape):
    return isinstance(shape, dict) and isinstance(shape.get("label"), str) and shape["label"].split()


def _annotated(lookup, draw, paths):
    contents = [(path, *_content(path)) for path in paths]
    sizes = [stated_size(content, ("imageHeight", "imageWidth"), path) for path, content, _ in contents]
    image = _image_of(contents[0][1], paths[0], lookup)
    shapes = [(path, _shapes(content, path), drawer) for path, content, drawer in contents]
    return ImageAndLabel(image, partial(draw, shapes, sizes))


def _draw(files, stated, sizes, *, source, ids, rest, boxes, tally):
    """Draw the shapes of all files of an image."""
    sizes = {fitting_size(size, sizes, path) for size, (path, *_) in zip(stated, files, strict=True)}
    if len(sizes) > 1:
        raise ValueError(f"{files[0][0]} and {files[1][0].name} give their image two sizes.")
    size, canvases = sizes.pop(), []
    drawn = Image.new("L", size[::-1], rest)
    for path, shapes, drawer in files:
        place = path.relative_to(source).as_posix()
        places = [(f"{place}: shape {index}", shape) for index, shape in enumerate(shapes)]
        kept = [known for known in map(partial(_known, drawer, ids, boxes, tally), places) if known]
        kept.sort(key=lambda known: not known.below)
        own = Image.new("I", size[::-1], NOTHING) if len(files) > 1 else None
        for known in kept:
            _paint(known, drawer, drawn, own, tally)
        canvases.append(own)
    if len(files) > 1:
        names = [path.relative_to(source).as_posix() for path, *_ in files]
        tally.join(stem(files[0][0].name), names, [np.array(own) for own in canvases])
    return np.array(drawn)


class _Known(NamedTuple):
    """A shape, the id of its class, and whether it lies below the others."""

    place: str
    shape: dict[str, Any]
    value: int
    below: bool


def _known(drawer, ids, boxes, tally, placed):
    """Return a shape as `_Known`, or None after it was told why it is left out."""
    place, shape = placed
    if not _has_label(shape):
        tally.leave_out(
            "shape without a name of a class" if isinstance(shape, dict) else "shape that is no object", place
        )
        return None
    name = label_text(shape["label"], place)
    place = f"{place} ({name:.60})"
    how = (boxes or drawer.BOXES) if drawer.is_box(shape) else "rectangle"
    if how == "leave":
        tally.leave_out("box (--boxes rectangle or void draws it)", place)
        return None
    return _Known(place, shape, VOID if how == "void" else ids[name], how == "void")


def _paint(known, drawer, label, own, tally):
    try:
        mended = drawer.draw_shape(label, known.shape, known.value)
        if own is not None:
            drawer.draw_shape(own, known.shape, known.value)
    except ShapeFault as fault:
        tally.leave_out(fault, known.place)
        return
    tally.add()
    if mended:
        tally.mend(labelme_shapes.BRACKETS, known.place)
