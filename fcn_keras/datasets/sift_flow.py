"""SIFT Flow (Liu, Yuen, Torralba, 2009), with the labels and the split of Tighe and Lazebnik, ECCV 2010."""

import os
from operator import index as as_index
from pathlib import Path
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .images import read_image
from .originals import check_label, files_of, read_ids, read_matlab
from .reading import Examples, require_split

SPLITS = ("trainval", "test")
SEM = (
    *("awning", "balcony", "bird", "boat", "bridge", "building", "bus", "car", "cow", "crosswalk", "desert", "door"),
    *("fence", "field", "grass", "moon", "mountain", "person", "plant", "pole", "river", "road", "rock", "sand"),
    *("sea", "sidewalk", "sign", "sky", "staircase", "streetlight", "sun", "tree", "window"),
)
GEO = ("sky", "horizontal", "vertical")
HOMEPAGE = "http://www.cs.unc.edu/~jtighe/Papers/ECCV10/"
URL = "http://www.cs.unc.edu/~jtighe/Papers/ECCV10/siftflow/SiftFlowDataset.zip"

_FOLDER = "spatial_envelope_256x256_static_8outdoorcategories"
_IMAGES = 2688
_UNLABELLED = {"highway_bost181", "street_urb506"}
_ABSENT = ("cow", "desert", "moon")  # from the test images
# data/sift-flow/test.txt of the authors' release of FCN, by the places' kind.
_TEST = {
    "coast": (
        "arnat59 bea3 cdmc838 cdmc889 cdmc948 cdmc997 land296 land374 n199066 n203085 n286045 n295051 n384099 "
        "n672069 nat1091 nat1265 nat294 nat643 nat799 nat901 natu468 natu649 natu804 natu825 natu975 sun14 sun42"
    ),
    "forest": (
        "bost103 cdmc291 cdmc348 cdmc451 for114 for15 for42 for84 land222 land760 land862 nat1033 nat130 nat220 "
        "nat324 nat400 nat717 natc52 natu29 natu439 natu848 natu994 text124 text44"
    ),
    "highway": (
        "a836030 art238 art580 bost151 bost164 bost178 bost293 bost307 bost320 bost374 gre141 gre37 gre413 gre472 "
        "gre492 gre55 gre661 n480036 par23 urb759"
    ),
    "insidecity": (
        "a223049 a48009 a807066 art1125 art1277 art1598 art569 art646 art690 art829 art947 boston232 boston92 "
        "gre290 hous109 hous35 hous79 par180 urb250 urb362 urb584 urb781 urban992"
    ),
    "mountain": (
        "land143 land188 land275 land4 land787 moun41 n18070 n213021 n213081 n219015 n344042 n371066 n44009 "
        "n736026 nat1008 nat116 nat30 nat426 nat57 nat762 nat891 natu568 natu786 sharp20 sharp44 sharp66 ski24"
    ),
    "opencountry": (
        "cdmc354 fie14 fie36 land206 land295 land364 land493 land534 land575 land638 land660 land691 land797 "
        "land923 n18002 n213059 n291058 n490003 nat1117 nat423 nat615 nat802 nat965 natu38 natu524 natu563 natu65 "
        "natu852 natu998 open61 tell67"
    ),
    "street": (
        "art1328 art760 art861 bost136 bost77 boston271 boston378 gre11 gre179 gre295 hexp3 par118 par151 par177 "
        "par29 par68 par86 street27 urb200 urb521 urb885"
    ),
    "tallbuilding": (
        "a212033 a279033 a463068 a487066 a538076 a805096 archi296 art1004 art1316 art1474 art1616 art1719 art1751 "
        "art306 art425 art527 art900 city22 city56 sky17 sky7 urb733 urban1003 urban1126 urban16 urban73 urban991"
    ),
}


class SiftFlow(Examples):
    """Read SIFT Flow's outdoor scenes of 256x256: 33 semantic and 3 geometric classes, both as in FCN.

    `directory` is `SiftFlowDataset` or the folder that holds it, with `Images/`, `SemanticLabels/` and `GeoLabels/`.
    Splits: `test`, 200 images, and `trainval`, the other 2486 that are labelled; a list `<split>.txt` in
    `SiftFlowDataset` is read instead where there is one. `label` is `{"sem", "geo"}`; each head has void of its own.

    Args:
        directory: the folder.
        split: `"trainval"` or `"test"`.

    Attributes:
        num_classes: `{"sem": 33, "geo": 3}`.
        class_names: dict of tuples of their names.
        scored_classes: dict of tuples of the class ids that occur in `test`: the published means are over these 30
            semantic classes, though all 33 may be predicted.
        ids: tuple of ids such as `coast_arnat59`.

    Raises:
        ValueError: if the split is unknown, or files are missing.
    """

    num_classes = {"sem": len(SEM), "geo": len(GEO)}  # noqa: RUF012
    class_names = {"sem": SEM, "geo": GEO}  # noqa: RUF012
    scored_classes = {  # noqa: RUF012
        "sem": tuple(index for index, name in enumerate(SEM) if name not in _ABSENT),
        "geo": tuple(range(len(GEO))),
    }

    _files_in: ClassVar[dict[str, str]] = {"image": "_images", "sem": "_sem", "geo": "_geo"}

    def __init__(self, directory: str | os.PathLike[str], split: str) -> None:
        require_split(split, SPLITS)
        directory = Path(directory)
        advice = f"Download {URL} and unpack it into {directory}, so that it holds SiftFlowDataset."
        inside = directory / "SiftFlowDataset"
        root = inside if inside.is_dir() else directory
        images, listed = root / "Images" / _FOLDER, root / f"{split}.txt"
        self.ids = tuple(read_ids(listed, advice) if listed.is_file() else _division(images, split, advice))
        self._images = files_of(images, [f"{key}.jpg" for key in self.ids], advice)
        self._sem, self._geo = (
            files_of(root / kind / _FOLDER, [f"{key}.mat" for key in self.ids], advice)
            for kind in ("SemanticLabels", "GeoLabels")
        )

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        index = range(len(self))[as_index(index)]
        image_file = self._images[index]
        image, label = read_image(image_file), {}
        for head, path in (("sem", self._sem[index]), ("geo", self._geo[index])):
            label[head] = check_label(_ids(path), image, self.num_classes[head], path, image_file)
        return {"image": image, "label": label}


def _division(images: Path, split: str, advice: str) -> list[str]:
    """Return the ids of a split, sorted."""
    test = {f"{kind}_{name}" for kind, names in _TEST.items() for name in names.split()}
    if split == "test":
        return sorted(test)
    ids = {path.stem for path in images.glob("*.jpg")} if images.is_dir() else set()
    if len(ids) != _IMAGES:
        raise ValueError(f"{images} {f'holds {len(ids)} images of {_IMAGES}' if ids else 'is missing'}. {advice}")
    return sorted(ids - test - _UNLABELLED)


def _ids(path: Path) -> NDArray[Any]:
    """Read `(H, W)` ids; in the files classes count from 1, and 0 or -1 is void."""
    ids = read_matlab(path, "S")
    if ids.ndim != 2 or ids.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds `S` of {ids.dtype} {ids.shape}. Expected a matrix of ids. Unpack {URL} again.")
    return np.where(ids < 1, VOID, ids.astype(np.int64) - 1)
