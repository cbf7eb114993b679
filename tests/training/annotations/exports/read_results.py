"""Read with Datumaro, or with Label Studio's own decoder, what `fcn-predict` wrote, and count the pixels that differ.

    fcn-predict net.keras photos --format cvat,label-studio,ids --output out
    /tmp/datumaro/bin/python tests/training/annotations/exports/read_results.py cvat out
    /tmp/label-studio/bin/python tests/training/annotations/exports/read_results.py label-studio out

The environments are those of `write_with_datumaro.py` and `write_with_label_studio.py`. Class names are compared: those
of `ids` are the labels of `cvat.zip` in their order, with background as the model has it.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from PIL import Image


def of_cvat(out):
    """Yield the key and the label map of each image as Datumaro reads it, 0 for what has no shape."""
    from datumaro.components.dataset import Dataset

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(out / "cvat.zip") as archive:
            archive.extractall(folder)
        for item in Dataset.import_from(folder, "voc_segmentation"):
            ids = None
            for mask in item.annotations:
                ids = np.zeros(mask.image.shape, int) if ids is None else ids
                ids[mask.image.astype(bool)] = mask.label
            yield item.id, ids


def of_label_studio(out):
    """Yield the same as Label Studio decodes it: classes are numbered from 1 as they come."""
    from label_studio_sdk.converter import brush

    numbers = {}
    for task in json.loads((out / "label_studio.json").read_text()):
        results = task["predictions"][0]["result"]
        ids = np.zeros((results[0]["original_height"], results[0]["original_width"]), int)
        for item in results:
            (layer,) = brush.decode_from_annotation("tag", [{**item, **item["value"]}]).values()
            ids[layer > 0] = numbers.setdefault(item["value"]["brushlabels"][0], len(numbers) + 1)
        key = unquote(task["data"]["image"].partition("?d=")[2])
        yield Path(key).with_suffix("").as_posix(), ids


def main(kind, out):
    pixels = differing = 0
    pairs = {}
    for key, found in {"cvat": of_cvat, "label-studio": of_label_studio}[kind](out):
        with Image.open(out / "ids" / f"{key}.png") as image:
            ids = np.array(image)
        both = ids.astype(np.int64) << 16 | found
        for number, count in zip(*np.unique(both, return_counts=True), strict=True):
            pairs.setdefault(number >> 16, {}).setdefault(number & 65535, 0)
            pairs[number >> 16][number & 65535] += count
        pixels += ids.size
    differing = pixels - sum(max(counts.values()) for counts in pairs.values())
    print(f"{differing} of {pixels} pixels differ; class ids and theirs: {[(k, *v) for k, v in pairs.items()]}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
