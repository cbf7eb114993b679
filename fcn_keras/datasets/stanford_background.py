"""Stanford Background (Gould, Fulton, Koller, ICCV 2009): 715 outdoor scenes with semantic and geometric labels."""

import hashlib
import os
from operator import index as as_index
from pathlib import Path
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .images import read_image, read_mask
from .originals import check_label, files_of, read_ids
from .reading import Examples, require_split

SPLITS = ("train", "val")
SEM = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
GEO = ("sky", "horizontal", "vertical")
HOMEPAGE = "http://dags.stanford.edu/projects/scenedataset.html"
URL = "http://dags.stanford.edu/data/iccv09Data.tar.gz"

_VAL_SHARE = 5  # every fifth is for validation, as in the five folds that the data set's users report
_GEO_OF_SEM = np.full(256, VOID, np.uint8)
_GEO_OF_SEM[: len(SEM)] = [0, 2, 1, 1, 1, 2, 2, 2]


class StanfordBackground(Examples):
    """Read Stanford Background, as distributed or with the labels turned into PNG.

    `directory` is `iccv09Data` or the folder that holds it. The original keeps `images/<id>.jpg`,
    `labels/<id>.regions.txt` (semantic) and `labels/<id>.surfaces.txt` (geometric). With `labels/<id>.png` (grey, 0..7
    and 255 void) instead, the geometric labels are derived: sky is sky; road, grass and water are horizontal; the rest
    is vertical.

    There is no official split. Here, `val` is the fifth of the ids (143) whose SHA-256 is lowest and `train` the other
    572, in sorted order; a list `<directory>/<split>.txt` is read instead where there is one.

    Args:
        directory: the folder.
        split: `"train"` or `"val"`.
        heads: whether `label` is the mapping of both labels, or only the semantic one.

    Attributes:
        num_classes: 8; with `heads` a dict of them, 8 `"sem"` and 3 `"geo"`.
        class_names: tuple of their names, or a dict of such.
        ids: tuple of ids such as `0000047`.

    Raises:
        ValueError: if the split is unknown, or files are missing.
    """

    num_classes: int | dict[str, int] = {"sem": len(SEM), "geo": len(GEO)}  # noqa: RUF012
    class_names: tuple[str, ...] | dict[str, tuple[str, ...]] = {"sem": SEM, "geo": GEO}  # noqa: RUF012

    _files_in: ClassVar[dict[str, str]] = {"image": "_images", "sem": "_sem", "geo": "_geo"}

    def __init__(self, directory: str | os.PathLike[str], split: str, *, heads: bool = True) -> None:
        require_split(split, SPLITS)
        directory, self.heads = Path(directory), heads
        advice = f"Download {URL} and unpack it into {directory}, so that it holds iccv09Data."
        inside = directory / "iccv09Data"
        root = inside if inside.is_dir() else directory
        images, labels = root / "images", root / "labels"
        listed = root / f"{split}.txt"
        self.ids = tuple(read_ids(listed, advice) if listed.is_file() else _division(images, split, advice))
        self._images = files_of(images, [f"{key}.jpg" for key in self.ids], advice)
        png = (labels / f"{self.ids[0]}.png").is_file()
        self._sem = files_of(labels, [f"{key}.{'png' if png else 'regions.txt'}" for key in self.ids], advice)
        surfaces = heads and not png
        self._geo = files_of(labels, [f"{key}.surfaces.txt" for key in self.ids], advice) if surfaces else None
        if not heads:
            self.num_classes, self.class_names = len(SEM), SEM

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        index = range(len(self))[as_index(index)]
        image_file, sem_file = self._images[index], self._sem[index]
        image = read_image(image_file)
        sem = check_label(_ids(sem_file), image, len(SEM), sem_file, image_file)
        if not self.heads:
            return {"image": image, "label": sem}
        if self._geo is None:
            return {"image": image, "label": {"sem": sem, "geo": _GEO_OF_SEM[sem]}}
        geo_file = self._geo[index]
        geo = check_label(_ids(geo_file), image, len(GEO), geo_file, image_file)
        return {"image": image, "label": {"sem": sem, "geo": geo}}


def _division(images: Path, split: str, advice: str) -> list[str]:
    """Return the ids of a split, sorted."""
    ids = sorted(path.stem for path in images.glob("*.jpg")) if images.is_dir() else []
    if len(ids) < _VAL_SHARE:
        raise ValueError(f"{images} {'is missing' if not images.is_dir() else f'holds {len(ids)} images'}. {advice}")
    drawn = sorted(ids, key=lambda key: hashlib.sha256(key.encode()).digest())
    val = set(drawn[: len(ids) // _VAL_SHARE])
    return [key for key in ids if (key in val) == (split == "val")]


def _ids(path: Path) -> NDArray[Any]:
    """Read `(H, W)` ids, void being 255."""
    if path.suffix == ".png":
        return read_mask(path)
    try:
        ids = np.loadtxt(path, np.int64, ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no matrix of integers: {error}. Unpack {URL} again.") from error
    return np.where(ids < 0, VOID, ids)
