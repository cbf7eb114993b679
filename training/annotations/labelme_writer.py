"""Write LabelMe's annotations: a JSON file an image, with polygons around its regions."""

import os

from fcn_keras.visualize import background_of

from .outlines import outlines
from .result_marks import SEAL, seal, write_json

VERSION = "5.5.0"  # of the application whose files those that are written are like


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
        "imagePath": _reference(result.source, result.folder),
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    content[SEAL] = seal(content)
    write_json(path, content)


def _reference(image, folder):
    """Return the image's path as seen from a folder."""
    named = image.parent.resolve() / image.name  # a link to an image keeps its own name
    return os.path.relpath(named, folder.resolve()).replace(os.sep, "/")
