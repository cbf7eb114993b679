"""PASCAL VOC 2011 / 2012 segmentation and the Semantic Boundaries Dataset (SBD), as their owners distribute them.

VOC: http://host.robots.ox.ac.uk/pascal/VOC/. SBD: Hariharan et al., ICCV 2011.
"""

import os
from operator import index as as_index
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .images import read_image, read_mask
from .originals import check_label, download_advice, files_of, read_ids, read_matlab
from .reading import Examples, require_split

SPLITS = ("train", "sbd_train", "seg11valid", "val", "test")
CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_HOST = "http://host.robots.ox.ac.uk"
VOC_URLS = {
    2011: f"{_HOST}/pascal/VOC/voc2011/VOCtrainval_25-May-2011.tar",
    2012: f"{_HOST}/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
}
TEST_URL = f"{_HOST}:8080/eval/downloads/VOC2012test.tar"  # for those signed in
SBD_URL = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz"
# VOC 2011 val without SBD's train, 736 ids: data/pascal/seg11valid.txt of the authors' release.
_SEG11VALID = Path(__file__).with_name("lists") / "seg11valid.txt"
_DEVKITS = ("VOCdevkit", "TrainVal/VOCdevkit", "")  # 2011's archive unpacks into TrainVal/
_SBD_FOLDERS = ("benchmark_RELEASE/dataset", "dataset", "")


class VocSbd(Examples):
    """Read images and class masks of VOC and SBD: 20 classes and background, object borders void in VOC's masks.

    Below `directory` lie `VOCdevkit/VOC2011` or `VOCdevkit/VOC2012`, and for SBD `benchmark_RELEASE/dataset`, where
    the archives put them. Splits:

    - `train`, `val`: VOC's own (1112 + 1111 images in 2011, 1464 + 1449 in 2012).
    - `sbd_train`: SBD's train list, 8498 images; its masks have no void.
    - `seg11valid`: VOC 2011's val without SBD's train list, 736 images with VOC's masks. VOC 2012 holds them too.
    - `test`: VOC's, without labels: its examples hold only `image`.

    Args:
        directory: the folder into which the archives were unpacked.
        split: one of the above.
        year: 2011 or 2012. Default: the first of them that has the split's list.
        sbd: the folder that holds SBD, if not `directory`.

    Attributes:
        num_classes: 21.
        class_names: tuple of their names, background first.
        ids: tuple of ids such as `2007_000033`.

    Raises:
        ValueError: if the split is unknown, or lists or files of it are missing.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    def __init__(
        self,
        directory: str | os.PathLike[str],
        split: str,
        *,
        year: int | None = None,
        sbd: str | os.PathLike[str] | None = None,
    ) -> None:
        require_split(split, SPLITS)
        if year not in (None, *VOC_URLS):
            raise ValueError(f"`year` must be 2011 or 2012. Received: {year!r}.")
        self.directory, self.split = Path(directory), split
        above = self.directory if sbd is None else Path(sbd)
        sbd = _sbd_folder(above)
        if split == "sbd_train":
            advice = download_advice(SBD_URL, above)
            ids, images, labels = read_ids(sbd / "train.txt", advice), sbd / "img", (sbd / "cls", ".mat")
        else:
            root, advice = _voc_folder(self.directory, split, year)
            ids = _voc_ids(root, split, sbd, advice)
            images, labels = root / "JPEGImages", (root / "SegmentationClass", ".png")
        self.ids = tuple(ids)
        self._images = files_of(images, [f"{key}.jpg" for key in ids], advice)
        self._labels = None if split == "test" else files_of(labels[0], [key + labels[1] for key in ids], advice)

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        image_file = self._images[as_index(index)]
        image = read_image(image_file)
        if self._labels is None:
            return {"image": image}
        label_file = self._labels[as_index(index)]
        label = _segmentation(label_file) if self.split == "sbd_train" else _mask(label_file)
        return {"image": image, "label": check_label(label, image, self.num_classes, label_file, image_file)}


def _voc_folder(directory: Path, split: str, year: int | None) -> tuple[Path, str]:
    """Return the folder of the first year that has the split's list, and what to do if files of it are missing."""
    years = VOC_URLS if year is None else (year,)
    name = "val.txt" if split == "seg11valid" else f"{split}.txt"
    roots = [directory / devkit / f"VOC{number}" for number in years for devkit in _DEVKITS]
    listed = [root for root in roots if (root / "ImageSets" / "Segmentation" / name).is_file()]
    there = [root for root in roots if root.is_dir()]
    root = (listed or there or [directory / "VOCdevkit" / f"VOC{max(years)}"])[0]
    return root, download_advice(TEST_URL if split == "test" else VOC_URLS[int(root.name[-4:])], directory)


def _voc_ids(root: Path, split: str, sbd: Path, advice: str) -> list[str]:
    lists = root / "ImageSets" / "Segmentation"
    if split != "seg11valid":
        return read_ids(lists / f"{split}.txt", advice)
    if root.name == "VOC2011" and (sbd / "train.txt").is_file():
        trained = set(read_ids(sbd / "train.txt", advice))
        return [key for key in read_ids(lists / "val.txt", advice) if key not in trained]
    return read_ids(_SEG11VALID, advice)


def _sbd_folder(directory: Path) -> Path:
    folders = [directory / folder for folder in _SBD_FOLDERS]
    return next((folder for folder in folders if (folder / "cls").is_dir()), folders[0])


def _mask(path: Path) -> NDArray[Any]:
    mask = read_mask(path)
    if mask.ndim == 3:
        raise ValueError(
            f"{path} holds colours. Expected the archive's palette PNG, whose values are class ids. Unpack it again."
        )
    return mask


def _segmentation(path: Path) -> NDArray[Any]:
    """Read `GTcls.Segmentation` of an SBD file."""
    struct = read_matlab(path, "GTcls")
    if struct.dtype.names is None or "Segmentation" not in struct.dtype.names:
        raise ValueError(
            f"{path} holds no `GTcls.Segmentation`. Expected a file of SBD's cls/ folder. Unpack it again."
        )
    return np.asarray(struct["Segmentation"].reshape(-1)[0])
