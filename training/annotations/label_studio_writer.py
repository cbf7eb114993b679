"""Write label maps as tasks that Label Studio imports with predictions: a brush for each class of each image."""

import json
from urllib.parse import quote

import numpy as np

from fcn_keras.visualize import background_of

from .label_studio_runs import encode_brush
from .result_marks import MARK

TAG, IMAGE = "tag", "image"  # what the brush and the image are called in the labelling configuration
_LOCAL = "/data/local-files/?d="  # of files below the folder that Label Studio serves


def brush_result(mask, name, tag, image):
    """Describe a mask as a result of Label Studio's brush.

    Args:
        mask: `(H, W)` bool.
        name: of the class.
        tag, image: what the brush and the image are called in the labelling configuration.

    Returns:
        dict for JSON, still without an id.
    """
    value = {"format": "rle", "rle": encode_brush(mask), "brushlabels": [name]}
    return result_of(mask, "brushlabels", tag, image, value)


def result_of(mask, kind, tag, image, value):
    """Describe a shape that was made of a mask, still without an id; other arguments as of `brush_result`.

    Args:
        kind: `brushlabels` or `polygonlabels`.
        value: what is drawn.
    """
    height, width = mask.shape
    return {
        "type": kind,
        "from_name": tag,
        "to_name": image,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": value,
    }


class LabelStudioWriter:
    """Collect tasks, and write them as one file.

    A class called background is left out: what no brush covers is read as that.
    """

    def __init__(self, classes):
        self.names, self.background = classes.names, background_of(classes.names)
        self.images = []

    def add(self, file_name, labels):
        """Encode the label map `(H, W)` of an image."""
        present = [index for index in np.unique(labels).tolist() if index != self.background]
        results = [
            {"id": f"{MARK}-{index}", **brush_result(labels == index, self.names[index], TAG, IMAGE)}
            for index in present
        ]
        address = _LOCAL + quote(file_name, errors="surrogateescape")
        predictions = [{"model_version": MARK, "result": results}]
        self.images.append(json.dumps({"data": {IMAGE: address}, "predictions": predictions}))  # smaller than its lists

    def write(self, path):
        path.write_text(f"[{', '.join(self.images)}]", encoding="utf-8")
