"""Write label maps as tasks that Label Studio imports with predictions: a brush for each class of each image."""

import json
from urllib.parse import quote

import numpy as np

from fcn_keras.visualize import background_of

from .label_studio_runs import encode_brush
from .result_marks import MARK

TAG, IMAGE = "tag", "image"  # what the brush and the image are called in the labelling configuration
_LOCAL = "/data/local-files/?d="  # of files below the folder that Label Studio serves


class LabelStudioWriter:
    """Collect tasks, and write them as one file.

    A class called background is left out: what no brush covers is read as that.
    """

    def __init__(self, classes):
        self.names, self.background = classes.names, background_of(classes.names)
        self.images = []

    def add(self, file_name, labels):
        """Encode the label map `(H, W)` of an image."""
        height, width = labels.shape
        results = [
            {
                "id": f"{MARK}-{index}",
                "type": "brushlabels",
                "from_name": TAG,
                "to_name": IMAGE,
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {
                    "format": "rle",
                    "rle": encode_brush(labels == index),
                    "brushlabels": [self.names[index]],
                },
            }
            for index in np.unique(labels).tolist()
            if index != self.background
        ]
        address = _LOCAL + quote(file_name, errors="surrogateescape")
        predictions = [{"model_version": MARK, "result": results}]
        self.images.append(json.dumps({"data": {IMAGE: address}, "predictions": predictions}))  # smaller than its lists

    def write(self, path):
        path.write_text(f"[{', '.join(self.images)}]", encoding="utf-8")
