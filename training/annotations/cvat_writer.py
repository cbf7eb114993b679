"""Write label maps as the archive that CVAT imports as `Segmentation mask 1.1`: VOC's layout with `labelmap.txt`."""

import io
import zipfile
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from fcn_keras.colors import file_palette
from fcn_keras.visualize import background_of, palette

from .annotations import BACKGROUND
from .result_marks import MARK

_MOST = 255  # classes, of the colours of VOC's map that are not black


class CvatWriter:
    """Collect masks in colours, and write them as one archive.

    The first label is `background`, black, whether the classes have one or not: Datumaro, and CVAT with it, makes no
    shape of what is 0. The classes have their own colours; or those of VOC's map in their order where one of them is
    black too, or two have one colour, by which CVAT could not tell them apart.

    Raises:
        ValueError: if a class cannot be named so in `labelmap.txt`, or there are too many.
    """

    def __init__(self, classes):
        names, first = classes.names, background_of(classes.names)
        others = [index for index in range(len(names)) if index != first]
        if len(others) > _MOST:
            raise ValueError(f"CVAT's masks hold {_MOST} classes. This model has {len(others)}: say --format ids.")
        if wrong := [names[index] for index in others if set(":#\r\n") & set(names[index])]:
            raise ValueError(f"A class cannot be called {wrong[0]!r:.60} in CVAT's labelmap.txt. Say --format ids.")
        self.table = np.zeros(len(names), np.uint8)
        self.table[others] = np.arange(1, len(others) + 1)
        self.names = [BACKGROUND, *(names[index] for index in others)]
        self.colors = _distinct(np.concatenate([[(0, 0, 0)], np.asarray(classes.colors)[others]]).astype(np.uint8))
        self.images = {}

    def add(self, file_name, labels):
        """Add the label map `(H, W)` of an image."""
        key = PurePosixPath(file_name).with_suffix("").as_posix()
        key = key.encode(errors="backslashreplace").decode()  # names of other encodings become escapes
        mask, buffer = Image.fromarray(self.table[labels]), io.BytesIO()
        mask.putpalette(file_palette(self.colors))
        mask.save(buffer, "PNG")
        self.images[key] = buffer.getvalue()

    def write(self, path):
        colors = (",".join(map(str, color)) for color in self.colors.tolist())
        lines = [f"{name}:{color}::" for name, color in zip(self.names, colors, strict=True)]
        lines.insert(0, "# label:color_rgb:parts:actions")
        with zipfile.ZipFile(path, "w") as archive:
            _add(archive, "labelmap.txt", "".join(f"{line}\n" for line in lines))
            _add(archive, "ImageSets/Segmentation/default.txt", "".join(f"{key}\n" for key in self.images))
            for key, png in self.images.items():
                for folder in ("SegmentationClass", "SegmentationObject"):  # an object a class
                    _add(archive, f"{folder}/{key}.png", png)  # not packed once more
            archive.comment = MARK.encode()


def _distinct(colors):
    return colors if len(np.unique(colors, axis=0)) == len(colors) else palette(len(colors))


def _add(archive, name, content):
    archive.writestr(zipfile.ZipInfo(name), content)  # of the same date in every call
