"""Read the XML of LabelMe's first, online version, which Datumaro writes too: polygons, boxes, and masks as PNG files.

Polygons are filled as Datumaro fills them, by pycocotools: half of the outline belongs to them.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from .coco_regions import decode
from .shape_tally import ShapeFault
from .xml_values import walk_xml

BOXES = "leave"  # what becomes of boxes unless said otherwise: Datumaro keeps them apart from masks
_MASKS = "Masks"  # folder of the masks, beside that of the annotations
_LEVELS = 4  # above an XML file, where that folder may be


def load(path):
    """Read a file into what LabelMe's JSON has.

    Returns:
        dict, or None if the XML is of another kind, such as VOC's boxes.

    Raises:
        ValueError: if it is no XML.
    """
    root = _root(path)
    objects = root.findall("object")
    if root.tag != "annotation" or any(item.find("bndbox") is not None for item in objects):
        return None
    if objects and all(item.find("polygon") is None and item.find("segm") is None for item in objects):
        return None
    folder = _text(root, "folder")
    content = {
        "imagePath": "/".join(part for part in (folder, _text(root, "filename")) if part),
        "shapes": [_shape(item, path, folder) for item in objects],
    }
    height, width = _text(root, "imagesize/nrows"), _text(root, "imagesize/ncols")
    if height.isdecimal() and width.isdecimal() and int(height[:9]) and int(width[:9]):
        content |= {"imageHeight": int(height[:9]), "imageWidth": int(width[:9])}
    return content


def mask_folders(files):
    """Return the folders of masks that belong to XML files: no images, although they are called so."""
    xml = [path.absolute() for path in files if path.suffix.lower() == ".xml"]
    above = {parent for path in xml for parent in path.parents[:_LEVELS]}
    return {parent / _MASKS for parent in above if (parent / _MASKS).is_dir()}


def _root(path):
    builder = ElementTree.TreeBuilder()

    def end(tags, text):
        builder.data(text)
        builder.end(tags[-1])

    walk_xml(path, lambda tags, attributes: builder.start(tags[-1], attributes), end)
    return builder.close()


def _text(item, path):
    return (item.findtext(path) or "").strip()


def _shape(item, path, folder):
    """Return one object as a shape; what is wrong with it is said when it is drawn."""
    shape = {"label": _text(item, "name"), "deleted": _text(item, "deleted") not in ("", "0")}
    if item.find("segm") is not None:
        return shape | {"shape_type": "mask", "file": _mask_file(path, folder, _text(item, "segm/mask"))}
    points = [[_text(point, "x"), _text(point, "y")] for point in item.findall("polygon/pt")]
    kind = "bounding_box" if _text(item, "type") == "bounding_box" else "polygon"
    return shape | {"shape_type": kind, "points": points}


def _mask_file(path, folder, name):
    """Return the file of a mask, in a folder of masks above the XML file; None if there is none."""
    if not name or name != Path(name.replace("\\", "/")).name:
        return None
    inner = [part for part in folder.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    places = [parent / _MASKS for parent in Path(path).absolute().parents[:_LEVELS]]
    files = [place.joinpath(*parts, name) for place in places for parts in (inner, [])]
    return next((file for file in files if file.is_file()), None)


def is_box(shape):
    """Tell whether a shape is a mere box around what it means."""
    return shape["shape_type"] == "bounding_box"


def draw_shape(image, shape, value):
    """Draw one shape, as `labelme_shapes.draw_shape` does."""
    if shape["deleted"]:
        raise ShapeFault("object that was deleted in LabelMe")
    size = image.size[::-1]
    if shape["shape_type"] == "mask":
        stencil = _mask(shape["file"], size)
    else:
        points = _points(shape["points"])
        if is_box(shape):
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            points = np.array([[left, top], [left, bottom], [right, bottom], [right, top]])
        stencil = decode([points.ravel()], size)[0].mask(size)
    image.paste(value, (0, 0), Image.fromarray(np.ascontiguousarray(stencil)))
    return False


def _points(texts):
    if not texts:
        raise ShapeFault("shape without points")
    try:
        return np.array(texts, np.float32).reshape(-1, 2)  # as Datumaro holds them: it decides ties
    except ValueError:
        raise ShapeFault("coordinates that are no numbers") from None


def _mask(file, size):
    """Read a mask of the image's size: what is not black, nor transparent."""
    if file is None:
        raise ShapeFault("mask whose file is missing")
    try:
        with Image.open(file, formats=("PNG",)) as mask:
            fits = mask.size == size[::-1]
            pixels = np.array(mask.convert("RGBA")) if fits else None
    except Exception:  # a damaged PNG makes Pillow raise nearly anything
        raise ShapeFault("mask that is no PNG file, or a damaged one", file.name) from None
    if not fits:
        raise ShapeFault("mask of another size than its image", file.name)
    stencil = pixels[..., :3].any(axis=2) & (pixels[..., 3] > 0)
    if not stencil.any():
        raise ShapeFault("shape that covers no pixel")
    return stencil
