"""Write label maps as a file of COCO's annotations, which decodes to them."""

import numpy as np

from .coco_regions import coder_of_masks
from .result_marks import MARK, write_json


class CocoWriter:
    """Collect annotations, one for each class of each image, and write them as one file.

    A category's id is its class id, 0 included; nothing is left out, so the regions of an image cover it once. These
    are classes, not things: two cars of an image are one annotation.
    """

    def __init__(self, classes):
        self.images, self.annotations = [], []
        self.categories = [
            {"id": index, "name": name, "supercategory": "none"} for index, name in enumerate(classes.names)
        ]

    def add(self, file_name, labels):
        """Encode the label map `(H, W)` of an image."""
        coder, number = coder_of_masks(), len(self.images) + 1
        height, width = labels.shape
        self.images.append({"id": number, "file_name": file_name, "height": height, "width": width})
        for index in np.unique(labels):
            region = coder.encode(np.asfortranarray(labels == index, dtype=np.uint8))
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": number,
                    "category_id": int(index),
                    "segmentation": {"size": [height, width], "counts": region["counts"].decode("ascii")},
                    "area": int(coder.area(region)),
                    "bbox": coder.toBbox(region).tolist(),
                    "iscrowd": 0,
                }
            )

    def write(self, path):
        content = {
            "info": {"description": "semantic segmentation by fcn_keras", "contributor": MARK},
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
        }
        write_json(path, content)
