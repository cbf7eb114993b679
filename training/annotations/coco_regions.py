"""Read and write the regions of COCO's annotations: polygons, and run lengths as numbers or packed into text."""

import numpy as np

from .json_values import near_the_image, numbers
from .result_marks import MARK, write_json

_LONGEST = 10_000_000  # pixels of outline: pycocotools keeps five points of each
_MOST_DIGITS = 7  # of six bits, of a run length packed into text: 32 bits


def coder_of_masks():
    """Return pycocotools' module of masks.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError:
        raise ImportError('COCO files need pycocotools: pip install "fcn_keras[coco]"') from None
    return mask


def decode(segmentation, size, where):
    """Decode a `segmentation`.

    Args:
        segmentation: list of polygons `[x, y, x, y, ...]`, or run lengths `{"counts", "size"}`.
        size: `(H, W)` of the image.

    Returns:
        `(H, W)` bool.

    Raises:
        ValueError: if it is neither, or of another size.
    """
    if isinstance(segmentation, dict):
        return _from_runs(segmentation, size, where)
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError(f"{where} has no region but at most a box. Expected polygons or run lengths.")
    polygons = [_polygon(numbers(polygon, f"{where}: a polygon"), size, where) for polygon in segmentation]
    mask = coder_of_masks()
    return mask.decode(mask.merge(mask.frPyObjects(polygons, *size))).astype(bool)


def _polygon(points, size, where):
    if points.ndim != 1 or len(points) % 2 or len(points) < 6:
        raise ValueError(f"{where}: a polygon is x and y of at least three points. Received: {points.shape} numbers.")
    corners = points.reshape(-1, 2)
    near_the_image(corners, size, where)
    outline = np.abs(np.diff(corners, axis=0, append=corners[:1])).max(axis=1).sum()
    if outline > min(4 * (size[0] + 1) * (size[1] + 1), _LONGEST):
        raise ValueError(f"{where}: a polygon's outline is {outline:g} pixels long, more than the image can hold.")
    return points.tolist()


def _from_runs(segmentation, size, where):
    """Decode run lengths down the columns, background first. pycocotools would read past the end of damaged ones."""
    counts, stated = segmentation.get("counts"), segmentation.get("size")
    if stated is not None and not np.array_equal(numbers(stated, f"{where}: `size`"), size):
        raise ValueError(f"{where} is of the size {stated}, the image of {list(size)} (height, width).")
    if isinstance(counts, str):
        counts = _unpacked(counts, where)
    else:
        counts = numbers(counts, f"{where}: `counts`")
    if counts.ndim != 1 or (counts < 0).any() or (counts % 1).any() or counts.sum() != size[0] * size[1]:
        raise ValueError(f"{where}: its run lengths do not add up to the image's {size[0]}x{size[1]} pixels.")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts.astype(np.int64)).reshape(size[::-1]).T


def _unpacked(text, where):
    """Unpack COCO's text: digits of five bits from the lowest, the sixth says that more follow, and the top one is the
    sign; from the fourth number on, differences from the number before the last.
    """
    codes = np.frombuffer(text.encode(errors="replace"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 32 == 0)
    digits = np.diff(ends, prepend=-1)
    if (
        not len(ends)
        or ends[-1] != len(codes) - 1
        or digits.max() > _MOST_DIGITS
        or codes.min() < 0
        or codes.max() > 63
    ):
        raise ValueError(f"{where}: its `counts` are no run lengths of COCO. Received: {text[:40]!r}.")
    place = np.arange(len(codes)) - np.repeat(ends - digits + 1, digits)
    values = np.add.reduceat((codes & 31) << 5 * place, ends - digits + 1)
    values -= np.where(codes[ends] & 16, 1 << 5 * digits, 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


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
