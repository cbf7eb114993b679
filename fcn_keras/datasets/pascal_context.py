"""PASCAL-Context (Mottaghi et al., CVPR 2014): VOC 2010's images labelled throughout, with the 59 frequent classes."""

import os
import re
from operator import index as as_index
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .images import read_image
from .originals import check_label, download_advice, files_of, read_ids, read_matlab
from .reading import Examples, require, require_split

HOMEPAGE = "https://cs.stanford.edu/~roozbeh/pascal-context/"
VOC_URL = "http://host.robots.ox.ac.uk/pascal/VOC/voc2010/VOCtrainval_03-May-2010.tar"
LABELS_URL = f"{HOMEPAGE}trainval.tar.gz"
NAMES_URL = f"{HOMEPAGE}labels.txt"
SPLITS = ("train", "val", "trainval")
CLASSES = (  # in the order of the data set's 59_labels.txt
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
    *("bag", "bed", "bench", "book", "building", "cabinet", "ceiling", "clothes", "computer", "cup", "door", "fence"),
    *("floor", "flower", "food", "grass", "ground", "keyboard", "light", "mountain", "mouse", "curtain", "platform"),
    *("sign", "plate", "road", "rock", "shelves", "sidewalk", "sky", "snow", "bedcloth", "track", "tree", "truck"),
    *("wall", "water", "window", "wood"),
)
_NAMED_OTHERWISE = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}  # in labels.txt


class PascalContext(Examples):
    """Read VOC 2010's images with PASCAL-Context's labels: 59 classes, and everything else background. Nothing is void.

    Below `directory` lie `VOCdevkit/VOC2010` (VOC's archive), `trainval/*.mat` (the annotations) and `labels.txt`,
    which numbers the more than 400 labels. Splits are VOC 2010's main ones: `train` 4998, `val` 5105, `trainval`.

    Args:
        directory: the folder into which the archives were unpacked.
        split: `"train"`, `"val"` or `"trainval"`.

    Attributes:
        num_classes: 60.
        class_names: tuple of their names, background first.
        ids: tuple of ids such as `2008_000002`.

    Raises:
        ValueError: if the split is unknown, or lists or files of it are missing or wrong.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    def __init__(self, directory: str | os.PathLike[str], split: str) -> None:
        require_split(split, SPLITS)
        directory = Path(directory)
        voc, advice = directory / "VOCdevkit" / "VOC2010", download_advice(VOC_URL, directory)
        self.ids = tuple(read_ids(voc / "ImageSets" / "Main" / f"{split}.txt", advice))
        self._images = files_of(voc / "JPEGImages", [f"{key}.jpg" for key in self.ids], advice)
        advice = download_advice(LABELS_URL, directory)
        self._labels = files_of(directory / "trainval", [f"{key}.mat" for key in self.ids], advice)
        names = directory / "trainval" / "labels.txt"
        self._names = names if names.is_file() else directory / "labels.txt"
        self._class_of = _class_of(self._names)

    @property
    def files(self) -> dict[str, list[Path]]:
        """The images and the labels, and once for every id the file that numbers the labels' classes."""
        return {**super().files, "class numbers": [self._names] * len(self)}

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        image_file, label_file = self._images[as_index(index)], self._labels[as_index(index)]
        image = read_image(image_file)
        numbers = read_matlab(label_file, "LabelMap")
        if numbers.ndim != 2 or numbers.dtype.kind not in "iu" or numbers.min(initial=0) < 0:
            raise ValueError(
                f"`LabelMap` must be (H, W) of numbers from 0 on. Received: {numbers.dtype} {numbers.shape} in "
                f"{label_file}. Unpack it again."
            )
        label = self._class_of[np.minimum(numbers, len(self._class_of) - 1)]
        return {"image": image, "label": check_label(label, image, self.num_classes, label_file, image_file)}


def _class_of(path: Path) -> NDArray[np.uint8]:
    """Return the class of each number in `labels.txt` (lines such as `1: accordion`); the last entry is background."""
    advice = f"Download {NAMES_URL} and put it there."
    numbers: dict[str, int] = {}
    for line in require(path, advice).read_text(encoding="utf-8-sig", errors="replace").splitlines():
        match = re.fullmatch(r"\s*(\d{1,5})\s*:\s*(.*\S)\s*", line)
        if match:
            numbers.setdefault(match[2].replace(" ", ""), int(match[1]))
    names = [_NAMED_OTHERWISE.get(name, name) for name in CLASSES[1:]]
    lacking = [name for name in names if name not in numbers]
    if lacking:
        raise ValueError(
            f"{path} lacks {len(lacking)} of 59 classes: {', '.join(lacking[:5])}. Expected lines such as "
            f"`1: accordion`. {advice}"
        )
    table = np.zeros(max(numbers.values()) + 2, np.uint8)
    for index, name in enumerate(names, 1):
        table[numbers[name]] = index
    return table
