"""Your own images and masks in folders."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import index as as_index
from pathlib import Path
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID
from .classes import Classes, ClassTable
from .encoded import Encoded, encoded_pair
from .images import orientation, read_image
from .label_reading import LabelReader
from .layouts import Place, find_place
from .listing import Listing, key_of, list_images
from .names import composed
from .reading import Examples, Progress
from .split_lists import read_list

_NAMED = 5  # files an error names before it only counts


class Folder(Examples):
    """Read pairs of images and masks that share a file name stem.

    Four layouts, looked for in this order:

    - `<directory>/<split>/images/*` and `<directory>/<split>/labels/*`
    - `<directory>/images/*`, `<directory>/labels/*` and a list `<directory>/<split>.txt`, an id a line, or the files of
      image and mask (`images/a.jpg labels/a.png`)
    - `<directory>/images/<split>/*` and `<directory>/labels/<split>/*`
    - `split=None`: `<directory>/images/*` and `<directory>/labels/*`, all of them or those in `ids`

    Where there is no folder `labels`, that of the masks may be called `masks`, `annotations`, `SegmentationClass`
    or the like; it holds image files then. A split is found by other names too, in any case: `val` in `valid`,
    `validation` or `dev`, `train` in `training`. HHA images, of the same stems too, may lie in a folder beside
    `images`; `fcn_keras.hha` makes them from depth.

    An id is a file's path below its folder without the extension, `/` between sub-folders. Links are followed, and
    hidden files are not read. Constructing lists the folders and opens no image; `verify` reads everything; `ds[i]`
    checks what it reads, from any thread.

    Masks are grey or palette files holding ids. With colours in `classes`, RGB and palette masks are translated by
    colour, while grey masks still hold ids, unless their greys are the classes' colours: see `LabelReader`.

    Args:
        directory: the data set's folder.
        split: `"train"`, `"val"`, ... or None where the data set is not divided.
        classes: number of classes, their names, or the path of a class file (one `name` or `name R G B` a line, `#`
            comments; the colour of a line named `void` becomes 255). Default: `<directory>/classes.txt`.
        ignore_label: the data set's own void id, read as 255. 255 is void in any case.
        ids: the ids to keep, in this order, instead of a list file or of the whole folder.
        images: name of the folder of images.
        labels: name of the folder of masks.
        hha: name of the folder of HHA images; examples hold `hha` `(H, W, 3)` uint8 then. None reads none.

    Attributes:
        num_classes: number of classes, void not counted.
        class_names: tuple of their names, `"0", "1", ...` where only their number is known.
        colors: `{(R, G, B): id}` of the class file, 255 for void; empty where it has no colours.
        ids: tuple of the ids, sorted unless they were listed.
        others: tuple of the files in the two folders that are not read: no images by their extensions, hidden ones, and
            links that would go round in circles.

    Raises:
        ValueError: if a folder, list or class file is missing or wrong, or an image lacks its mask or its HHA image, or
            a mask its image.
    """

    _files_in: ClassVar[dict[str, str]] = {**Examples._files_in, "hha": "_hha"}

    def __init__(
        self,
        directory: str | os.PathLike[str],
        split: str | None = None,
        *,
        classes: Classes | None = None,
        ignore_label: SupportsIndex = VOID,
        ids: Iterable[object] | None = None,
        images: str = "images",
        labels: str = "labels",
        hha: str | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.ignore_label = as_index(ignore_label)
        place = _located(self.directory, split, images, labels)
        mine, theirs = (_listing(place.folder(kind)) for kind in (images, labels))
        self.others = (*mine.others, *theirs.others)
        origin = place.listed if ids is None else "`ids`"
        if place.listed is not None:
            listed = read_list(place.listed, place, mine.images.keys(), images)
            mine.images, theirs.images = mine.images | listed.images, theirs.images | listed.labels
            if ids is None:
                ids = listed.keys
                _require_understood(listed.unknown, place.listed)
        kept = None if ids is None else _checked_ids(ids, origin)
        if kept is None:
            kept = _paired(mine.images, theirs.images, place.folder(images), place.folder(labels))
        self.ids = tuple(kept)
        self._images = [_partner(mine.images, key, place.folder(images), origin) for key in self.ids]
        self._labels = [_partner(theirs.images, key, place.folder(labels), origin) for key in self.ids]
        self._hha = None if hha is None else _encoded(place.folder(hha), self.ids)
        given = self.directory / "classes.txt" if classes is None else classes
        self._table = ClassTable(given)
        self._table.require_no_void(given if isinstance(given, (str, os.PathLike)) else "`classes`")
        self._read_label = LabelReader(self._table, self.ignore_label, self._labels)
        self.class_names, self.colors = self._table.names, self._table.colors
        self.num_classes = len(self.class_names)

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:  # type: ignore[override]  # takes no slices
        image_file, label_file = self._images[as_index(index)], self._labels[as_index(index)]
        image = read_image(image_file)
        label = self._label(label_file)
        if image.shape[:2] != label.shape:
            raise ValueError(_mismatch(image_file, image.shape[:2], label_file, label.shape))
        example = {"image": image, "label": label}
        if self._hha is not None:
            hha_file = self._hha[as_index(index)]
            example["hha"] = read_image(hha_file)
            if example["hha"].shape != image.shape:
                raise ValueError(
                    f"Image and HHA image must have one size. Received: {image.shape[:2]} in {image_file}, "
                    f"{example['hha'].shape[:2]} in {hha_file}. Make the HHA image from depth of the image's size."
                )
        return example

    def encoded(self, index: SupportsIndex) -> Encoded | None:
        """Read an example as files that TensorFlow decodes to what `[index]` returns.

        Whether the mask holds classes only has to be looked at, and `[index]` says what is wrong where it does not.

        Returns:
            `Encoded`, or None where only `[index]` reads the example.
        """
        if type(self).__getitem__ is not Folder.__getitem__ or type(self)._label is not Folder._label:
            return None  # a class of one's own makes something else of the files
        if self._hha is not None or self._table.colored or self._table.greys or self.ignore_label != VOID:
            return None
        return encoded_pair(self._images[as_index(index)], self._labels[as_index(index)])

    def verify(self, progress: Progress | None = None) -> NDArray[np.int64]:
        """Read every pair fully, as `Examples.verify` does; refuse masks of 0 and 255 besides, whose 255 is no void."""
        counts: NDArray[np.int64] = super().verify(progress)
        if self.num_classes == 2 and not counts[1] and self.ignore_label == VOID and self._void_within():
            raise ValueError(
                f"The masks in {self.directory} hold 0 and 255 but never 1, and 255 is void: the second class has no "
                "pixel. If 255 is your foreground, write 1 instead."
            )
        return counts

    def _void_within(self) -> bool:
        return any((self[index]["label"] == VOID).any() for index in range(len(self)))

    def _label(self, path: Path) -> NDArray[np.uint8]:
        mask = self._read_label(path)
        outside = (mask != VOID) & ((mask < 0) | (mask >= self.num_classes))
        if outside.any():
            raise ValueError(_out_of_range(mask, outside, self.num_classes, self.ignore_label, path))
        return mask.astype(np.uint8, copy=False)


def _located(directory: Path, split: str | None, images: str, labels: str) -> Place:
    """Return where a split lies."""
    if not directory.is_dir():
        raise ValueError(f"{directory} is not a folder. Expected the folder of a data set.")
    place = find_place(directory, split, images, labels)
    if place is None:
        raise ValueError(
            f"{directory} has no split {split!r}: expected the folder {directory / str(split) / images} or the list "
            f"{directory / str(split)}.txt. A data set that is not divided is read without a split (--split none)."
        )
    return place


def _listing(folder: Path) -> Listing:
    """List a folder, of which no two files have one id."""
    if not folder.is_dir():
        raise ValueError(
            f"{folder} is not a folder. Name the folders with `images=` and `labels=`, and the split with `split=`."
        )
    listing = list_images(folder)
    if listing.doubled:
        second = listing.doubled[0]
        first = listing.images[key_of(second, folder)]
        raise ValueError(f"{folder} holds {first.name} and {second.name}, one id for two files. Keep one of them.")
    return listing


def _paired(image_files: Mapping[str, Path], label_files: Mapping[str, Path], images: Path, labels: Path) -> list[str]:
    """Return all ids sorted, once each of them has both files."""
    if not image_files:
        raise ValueError(f"{images} holds no image. Expected files such as 0001.jpg.")
    for have, lack, folder in ((image_files, label_files, labels), (label_files, image_files, images)):
        alone = sorted(have.keys() - lack.keys())
        if alone:
            raise ValueError(
                f"{len(alone)} of {len(have)} files have no partner of the same stem in {folder}: "
                f"{', '.join(have[key].name for key in alone[:_NAMED])}. Add the partners, or list `ids` without them."
            )
    return sorted(image_files)


def _encoded(folder: Path, keys: Iterable[str]) -> list[Path]:
    """Return the HHA images of these ids."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder. Expected an HHA image there for each image.")
    files = _listing(folder).images
    lacking = [key for key in keys if key not in files]
    if lacking:
        raise ValueError(
            f"{len(lacking)} images have no HHA image of the same stem in {folder}: {', '.join(lacking[:_NAMED])}. "
            "Make them from depth with `fcn_keras.hha`, or list `ids` without them."
        )
    return [files[key] for key in keys]


def _partner(files: Mapping[str, Path], key: str, folder: Path, origin: object) -> Path:
    if key in files:
        return files[key]
    stem = key.rpartition(".")[0]
    hint = f"Write {stem!r}, without the extension." if stem in files else "An id is a file's name without extension."
    raise ValueError(f"{origin} lists {key!r}, but {folder} holds no such file. {hint}")


def _require_understood(lines: list[str], path: Path) -> None:
    if lines:
        raise ValueError(
            f"{path} has {len(lines)} lines of several columns that name no files below {path.parent}, the first "
            f"{lines[0]!r}. Expected an id a line, or an image and its mask: images/a.jpg labels/a.png."
        )


def _checked_ids(ids: Iterable[object], origin: object) -> list[str]:
    keys = [composed(key) for key in ([ids] if isinstance(ids, str) else map(str, ids))]
    if not keys:
        raise ValueError(f"{origin} lists no id. Expected at least one.")
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise ValueError(f"{origin} lists ids twice: {', '.join(twice[:_NAMED])}. Keep each once.")
    return keys


def _mismatch(image_file: Path, image_size: tuple[int, ...], label_file: Path, label_size: tuple[int, ...]) -> str:
    message = (
        f"Image and mask must have one size. Received: {image_size} in {image_file}, {label_size} in {label_file}."
    )
    turned = orientation(image_file)
    if turned >= 5 and image_size[::-1] == label_size:
        return (
            f"{message} The image's EXIF orientation ({turned}) turns it sideways; the mask fits the unturned pixels: "
            "turn the mask too, or turn the image's pixels back and drop its EXIF data."
        )
    return f"{message} Resize the mask with nearest neighbour, or take both out."


def _out_of_range(
    mask: NDArray[Any], outside: NDArray[np.bool_], num_classes: int, ignore_label: int, path: Path
) -> str:
    values = np.unique(mask[outside]).tolist()
    void = "255" if ignore_label == VOID else f"{ignore_label} or 255"
    if values != [num_classes]:
        advice = "Renumber the mask, pass the right number of `classes`, or name your void id with `ignore_label`."
    elif (mask == 0).any():
        advice = (
            f"If {num_classes} means void, pass `ignore_label={num_classes}`; if it is a class, raise `classes`. If 0 "
            "is unlabelled and the classes begin at 1, fcn-doctor --fix OUT --read-as zero-void writes a right copy."
        )
    else:
        advice = "Subtract 1 if your classes start at 1."
    return f"`label` may hold 0..{num_classes - 1} or {void} (void). Received: {values[:5]} in {path}. {advice}"
