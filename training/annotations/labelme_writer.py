"""Write LabelMe's annotations: a JSON file an image, with polygons around its regions."""

import base64
import io
import os

from PIL import Image

from fcn_keras.datasets.images import orientation, read_header
from fcn_keras.visualize import background_of

from .outlines import outlines
from .result_marks import SEAL, seal, write_json

VERSION = "5.5.0"  # of the application whose files those that are written are like
_SHOWN = {"1", "L", "LA", "RGB", "RGBA"}  # Pillow's modes that the application opens in every format
_AS_THEY_ARE = {".jpg", ".jpeg", ".png"}  # which it shows without writing them anew; it writes no palette as JPEG


def write_labelme(path, result):
    """Write the polygons of a label map, which LabelMe's own tools turn back into it.

    The image is referred to, from the place where the file will lie, and copied into the file only where the
    application could not open it: a GIF, CMYK, a PNG of 16 bits, HEIC. Pixels of no shape are what those tools call
    background, so only a class of that name is left out: a class 0 without a name is not.
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
        "imagePath": _reference(result.source, result.folder),
        "imageData": None if _is_shown(result.source) else _packed(result.image),
        "imageHeight": height,
        "imageWidth": width,
    }
    content[SEAL] = seal(content)
    write_json(path, content)


def _reference(image, folder):
    """Return the image's path as seen from a folder."""
    named = image.parent.resolve() / image.name  # a link to an image keeps its own name
    return os.path.relpath(named, folder.resolve()).replace(os.sep, "/")


def _is_shown(image):
    """Tell whether the application opens an image's file: what it cannot is an error there, without the polygons."""
    kind, mode, _ = read_header(image)
    if mode == "P":
        return image.suffix.lower() in _AS_THEY_ARE and orientation(image) == 1
    return kind != "HEIF" and (mode in _SHOWN or image.suffix.lower() in (".tif", ".tiff"))


def _packed(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
