"""Labels as a JSON file that the LabelMe application opens: polygons over the image, to be corrected by hand."""

import json
import os

from .mark import SEAL, seal
from .outlines import outlines

VERSION = "5.5.0"  # of the application whose files these are like


def write_labelme(path, result):
    """Write the polygons of a label map, which LabelMe's own tools turn back into it.

    The image is not copied into the file but referred to, from the place where the file will lie.
    """
    shapes = [
        {
            "label": result.classes.names[index],
            "points": points,
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
        }
        for index, points in outlines(result.labels, background=result.classes.background)
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
        SEAL: seal(shapes),
    }
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _reference(image, path):
    """Return the image's path as seen from the folder of a file."""
    return os.path.relpath(image.resolve(), path.parent.resolve()).replace(os.sep, "/")
