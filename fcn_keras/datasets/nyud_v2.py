"""NYU Depth v2 (Silberman, Hoiem, Kohli, Fergus, ECCV 2012) with the 40 classes of Gupta et al., CVPR 2013."""

import os
from collections.abc import Sequence
from copy import copy
from operator import index as as_index
from pathlib import Path
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..hha import NYUD_CAMERA, NYUD_CAMERA_CROPPED
from ..hha import hha as encoded
from .images import read_image, read_mask
from .nyud_lists import CLASS_OF_LABEL, IMAGES, SPLITS, ids_of
from .originals import check_label, read_ids
from .reading import Examples, Progress, read_all, require, require_split

CLASSES = (
    *("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
    *("picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat"),
    *("clothes", "ceiling", "books", "refridgerator", "television", "paper", "towel", "shower curtain", "box"),
    *("whiteboard", "person", "night stand", "toilet", "sink", "lamp", "bathtub", "bag", "otherstructure"),
    *("otherfurniture", "otherprop"),
)
HOMEPAGE = "https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html"
URL = "http://horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2/nyu_depth_v2_labeled.mat"
FILE = "nyu_depth_v2_labeled.mat"

# What Gupta et al. and FCN keep of 480x640: 425x560, without the frame that undistorting left white.
_MOST_PIXELS = 2**22  # of an image; Kinect's have 307,200
_ROWS, _COLUMNS = slice(45, -10), slice(40, -40)
_CAMERAS = {(480, 640): NYUD_CAMERA, (425, 560): NYUD_CAMERA_CROPPED}


class NyudV2(Examples):
    """Read NYUDv2 from its one official file, `nyu_depth_v2_labeled.mat`, which is never loaded as a whole.

    Examples hold `image` and `label`, `depth` `(H, W)` uint16 in millimetres (filled in by the data set's authors)
    and, with `hha`, `hha` `(H, W, 3)` uint8. All of them are the 425x560 pixels that Gupta et al. and FCN use. Splits:
    `train` 381, `val` 414, `trainval` 795 and `test` 654 images. Where a list `<directory>/<split>.txt` lies beside
    the file (for `trainval` also those of `train` and `val`), it is read instead.

    Args:
        directory: the folder that holds the file.
        split: one of the above.
        hha: whether to compute HHA, which takes about 0.3 s an example.

    Attributes:
        num_classes: 40.
        class_names: tuple of their names.
        ids: tuple of the ids of Gupta's lists: 5000 + the image's number in the file, from 1.
        sizes: list of `(H, W)`.

    Raises:
        ValueError: if the split is unknown, or the file is missing, cut short or another one.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    def __init__(self, directory: str | os.PathLike[str], split: str, *, hha: bool = True) -> None:
        require_split(split, SPLITS)
        directory, advice = Path(directory), f"Download {URL} (2.8 GB) and put it into {directory}."
        self._path = require(directory / FILE, advice)
        self._fields = ("images", "depths", "labels", *(("rawDepths",) if hha else ()))
        count, height, width = _shape(self._path, self._fields, advice)
        self.ids = tuple(_listed(directory, split, advice) or ids_of(split))
        self._numbers = [_number(key, count, self._path, advice) for key in self.ids]
        self.sizes = [(len(range(height)[_ROWS]), len(range(width)[_COLUMNS]))] * len(self.ids)

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        image, depth, label, *raw = self._read(self._numbers[as_index(index)])
        if label.max() >= CLASS_OF_LABEL.size:
            raise ValueError(
                f"{self._path} holds the label {label.max()}. Expected 0..{CLASS_OF_LABEL.size - 1}: download it again."
            )
        depth = _millimetres(depth, 1_000)
        example: dict[str, Any] = {"image": image, "label": CLASS_OF_LABEL[label], "depth": depth}
        if raw:
            example["hha"] = encoded(depth, NYUD_CAMERA_CROPPED, measured=raw[0] > 0)
        return example

    @property
    def files(self) -> dict[str, list[Path]]:
        """The one file that holds everything, once for every id."""
        return {"data": [self._path] * len(self)}

    def verify(self, progress: Progress | None = None) -> Any:
        """Read every example but compute no HHA; return the `(40,)` pixels of each class. See `reading.read_all`."""
        files = copy(self)
        files._fields = self._fields[:3]
        return read_all(files, progress)

    def _read(self, number: int) -> list[NDArray[Any]]:
        """Return one image's arrays, height before width; MATLAB stores them turned around."""
        import h5py

        from ..untrusted_hdf5 import MalformedError

        # Opened anew: a handle would not survive a fork, and opening takes far less than reading.
        try:
            with h5py.File(self._path, "r") as file:
                arrays = [_array(file, field)[number] for field in self._fields]
        except (MalformedError, OSError, RuntimeError) as error:
            raise ValueError(f"{self._path} cannot be read: {error}. Download {URL} again.") from error
        return [np.ascontiguousarray(array.T[_ROWS, _COLUMNS]) for array in arrays]


class NyudFolder(Examples):
    """Read a NYUDv2 already unpacked to image files.

    Below `directory` lie `images/`, `depths/` (grey PNG, 0 unknown), `labels40/` (grey PNG, 0..39 and 255 void) and
    lists `<split>.txt` of the files' stems; a missing `trainval.txt` is `train.txt` and `val.txt`. Examples are those
    of `NyudV2`, at the files' own size.

    Args:
        directory: the folder.
        split: name of a list.
        depth_scale: millimetres of one step of the depth files.
        hha: whether examples hold HHA: read from `hha/` where there is such a folder, else computed from depth.
        camera: `(3, 3)` camera matrix for it. Default: Kinect's as in `NyudV2`, for 480x640 or 425x560 pixels.

    Attributes:
        num_classes: 40.
        class_names: tuple of their names.
        ids: tuple of ids, as listed.

    Raises:
        ValueError: if a folder, list or file is missing.
    """

    num_classes = len(CLASSES)
    class_names = CLASSES

    _files_in: ClassVar[dict[str, str]] = {**Examples._files_in, "depth": "_depths", "hha": "_encoded"}

    def __init__(
        self,
        directory: str | os.PathLike[str],
        split: str,
        *,
        depth_scale: float = 1.0,
        hha: bool = True,
        camera: ArrayLike | None = None,
    ) -> None:
        if not depth_scale > 0:
            raise ValueError(f"`depth_scale` must be positive. Received: {depth_scale}.")
        directory = Path(directory)
        advice = f"Unpack NYUDv2 into images/, depths/ and labels40/ of {directory}, with lists such as train.txt."
        ids = _listed(directory, split, advice)
        if ids is None:
            raise ValueError(f"{directory / f'{split}.txt'} is missing. {advice}")
        self.ids, self.depth_scale, self.camera = tuple(ids), depth_scale, camera
        self._images, self._depths, self._labels = (
            _by_stem(directory / name, ids, advice) for name in ("images", "depths", "labels40")
        )
        self._hha = hha
        self._encoded = _by_stem(directory / "hha", ids, advice) if hha and (directory / "hha").is_dir() else None

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        index = range(len(self))[as_index(index)]
        image_file, depth_file, label_file = self._images[index], self._depths[index], self._labels[index]
        image, depth, label = read_image(image_file), read_mask(depth_file), read_mask(label_file)
        for maps, path in ((depth, depth_file), (label, label_file)):
            if maps.ndim != 2:
                raise ValueError(f"{path} holds colours. Expected a grey PNG.")
        _check_size(depth, depth_file, image, image_file)
        label = check_label(label, image, self.num_classes, label_file, image_file)
        example: dict[str, Any] = {"image": image, "label": label, "depth": _millimetres(depth, self.depth_scale)}
        if self._encoded is not None:
            example["hha"] = read_image(self._encoded[index])
            _check_size(example["hha"], self._encoded[index], image, image_file)
        elif self._hha:
            example["hha"] = encoded(example["depth"], self._camera(image, image_file))
        return example

    def verify(self, progress: Progress | None = None) -> Any:
        """Read every example but compute no HHA; return the `(40,)` pixels of each class. See `reading.read_all`."""
        files = copy(self)
        files._hha = False
        return read_all(files, progress)

    def _camera(self, image: NDArray[Any], path: Path) -> ArrayLike:
        camera = _CAMERAS.get(image.shape[:2]) if self.camera is None else self.camera
        if camera is None:
            raise ValueError(
                f"HHA needs the camera of {image.shape[:2]} pixels, as in {path}: known are 480x640 and 425x560. Pass "
                "its matrix as `camera`, or `hha=False`."
            )
        return camera


def _shape(path: Path, fields: Sequence[str], advice: str) -> tuple[int, int, int]:
    """Return the number of images in the file, their height and their width."""
    import h5py

    from ..untrusted_hdf5 import MalformedError

    try:
        with h5py.File(path, "r") as file:
            shapes = [_array(file, field).shape for field in fields]
    except (MalformedError, OSError, KeyError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} is cut short, or another file: {error}. {advice}") from error
    count, *turned = shapes[1]
    expected = [(count, 3, *turned), *[(count, *turned)] * (len(fields) - 1)]
    if len(turned) != 2 or shapes != expected:
        raise ValueError(f"{path} holds arrays of the shapes {shapes} for {fields}. Expected {expected}. {advice}")
    if turned[0] * turned[1] > _MOST_PIXELS:
        raise ValueError(f"{path} declares images of {turned[1]}x{turned[0]}. Expected 480x640. {advice}")
    return count, turned[1], turned[0]


def _array(file: Any, field: str) -> Any:
    """Return a dataset that lies in the file itself: a link or an external one would read other files."""
    import h5py

    from ..untrusted_hdf5 import MalformedError, member, require_within

    array = member(file, field)
    if not isinstance(array, h5py.Dataset):
        raise MalformedError(f"it holds no array {field}")
    require_within(array, field)
    return array


def _number(key: str, count: int, path: Path, advice: str) -> int:
    """Return where in the file an image is."""
    number = int(key) - 5001 if key.isdecimal() else -1
    if not 0 <= number < IMAGES:
        raise ValueError(f"Ids of NYUDv2 are 5001..{5000 + IMAGES}. Received: {key!r} from a list beside {path}.")
    if number >= count:
        raise ValueError(f"{path} holds {count} images of {IMAGES}, and {key} is not among them. {advice}")
    return number


def _listed(directory: Path, split: str, advice: str) -> list[str] | None:
    """Return the ids of the folder's own lists, or None if it has none."""
    for names in ((split,), ("train", "val")) if split == "trainval" else ((split,),):
        paths = [directory / f"{name}.txt" for name in names]
        if all(path.is_file() for path in paths):
            return [key for path in paths for key in read_ids(path, advice)]
    return None


def _millimetres(depth: NDArray[Any], scale: float) -> NDArray[np.uint16]:
    whole: NDArray[np.uint16] = np.clip(np.rint(depth * np.float64(scale)), 0, 65_535).astype(np.uint16)
    return whole


def _by_stem(folder: Path, ids: Sequence[str], advice: str) -> list[Path]:
    """Return the files of a folder with these stems."""
    files = {path.stem: path for path in require(folder, advice).iterdir()}
    lacking = [key for key in ids if key not in files]
    if lacking:
        raise ValueError(f"{folder} lacks {len(lacking)} of {len(ids)} files, the first is {lacking[0]}. {advice}")
    return [files[key] for key in ids]


def _check_size(array: NDArray[Any], path: Path, image: NDArray[Any], image_file: Path) -> None:
    if array.shape[:2] != image.shape[:2]:
        raise ValueError(
            f"Depth, HHA and image must have one size. Received: {image.shape[:2]} in {image_file}, "
            f"{array.shape[:2]} in {path}."
        )
