"""Find the splits of a data set in folders: `train/images`, `images/train`, or lists of ids beside `images`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .names import SPLITS, find_split, split_of

CLASSES, CHANGES = "classes.txt", "changes.csv"  # the second is what `fcn-doctor --fix` did
LABELS = "labels"  # the folder of masks; where there is none, one of these names, in any case
_MASKS = {"label", "labels", "mask", "masks", "annotation", "annotations", "segmentation", "segmentations"}
_MASKS |= {"segmentationclass", "gt", "groundtruth", "ground_truth"}
_IMAGE_FILES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".jpg", ".jpeg", ".pgm", ".ppm")
_LISTS = ("train", "val", "test", "trainval")  # a `.txt` file of another name is a list if it lists a file


@dataclass(frozen=True)
class Place:
    """Where the files of a split lie.

    Attributes:
        root: the folder that holds `images` and `labels`.
        inner: the split's name where the folders `images` and `labels` are divided themselves.
        listed: the list of the split's ids.
    """

    root: Path
    inner: str | None = None
    listed: Path | None = None

    def folder(self, kind: str) -> Path:
        """Return the folder of files of a kind, such as `images`, `labels` or `hha`, as `folder_of` does."""
        whole = folder_of(self.root, kind)
        if self.inner is None:
            return whole
        return whole / (find_split(self.inner, _folders_in(whole)) or self.inner)


def folder_of(root: Path, kind: str) -> Path:
    """Return the folder of files of a kind: `root/kind`; for `labels`, where that is missing, `masks` and the like.

    Args:
        root: the folder that holds `images`.
        kind: such as `images`, `labels` or `hha`.

    Raises:
        ValueError: if several folders may hold the masks.
    """
    whole = root / kind
    if kind != LABELS or whole.is_dir():
        return whole
    found = [root / name for name in _folders_in(root) if name.casefold() in _MASKS and _has_image(root / name)]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise ValueError(f"{root} has {names}, which may both hold the masks. Call the one that does {LABELS}.")
    return found[0] if found else whole


def _has_image(folder: Path) -> bool:
    return any(name.lower().endswith(_IMAGE_FILES) for _, _, names in os.walk(folder) for name in names)


def find_place(directory: Path, split: str | None, images: str = "images", labels: str = "labels") -> Place | None:
    """Return where a split lies: under its own name, or else under another that means the same; None if nowhere.

    Args:
        directory: of the data set.
        split: its name; None for a data set that is not divided.
        images, labels: names of the folders of images and masks.

    Raises:
        ValueError: if two names mean the split, and neither is its own.
    """
    if split is None:
        return Place(directory)
    lists = {name_of_list(path): path for path in reversed(lists_in(directory))}
    places = {name: Place(directory, None, path) for name, path in lists.items()}
    folders = divided(directory, images, labels, either=False)
    if not folders and not any(map(is_name_of_list, lists.values())):
        places |= inner(directory, images, labels)
    places |= folders
    name = find_split(split, places)
    if name is None and len(same := [other for other in places if split_of(other) == split_of(split)]) > 1:
        raise ValueError(f"{directory} has {' and '.join(sorted(same))}, which both mean {split}. Name one of them.")
    return None if name is None else places[name]


def divided(directory: Path, images: str, labels: str, *, either: bool = True) -> dict[str, Place]:
    """Return the places of the splits that are folders of their own, `train/images`, by their names.

    Args:
        directory: of the data set.
        images, labels: names of the folders of images and masks.
        either: whether a folder of masks alone is one, too.
    """
    kinds = (images, labels) if either else (images,)
    names = [name for name in _folders_in(directory) if name not in (images, labels) and name.casefold() not in _MASKS]
    return {
        name: Place(directory / name)
        for name in names
        if any(folder_of(directory / name, kind).is_dir() for kind in kinds)
    }


def inner(directory: Path, images: str, labels: str) -> dict[str, Place]:
    """Return the places of splits within the folders, `images/train` and `labels/train`, by their names.

    Folders of such names may also be places where photographs were taken: there have to be two, or `train`.

    Args:
        directory: of the data set.
        images, labels: names of the folders of images and masks.
    """
    theirs = [split_of(name) for name in _folders_in(folder_of(directory, labels)) if name.casefold() in SPLITS]
    mine = [name for name in _folders_in(directory / images) if name.casefold() in SPLITS]
    names = mine + [name for name in theirs if name not in map(split_of, mine)]
    shared = {split_of(name) for name in mine} & set(theirs)
    if not shared or (len(names) < 2 and "train" not in shared):
        return {}
    return {name: Place(directory, name) for name in names}


def lists_in(directory: Path) -> list[Path]:
    """Return the `.txt` files in a directory, which may be lists of a split's ids."""
    files = sorted(directory.glob("*.txt")) if directory.is_dir() else []
    return [path for path in files if path.name != CLASSES and not path.name.startswith(".") and path.is_file()]


def is_name_of_list(path: Path) -> bool:
    """Return whether a `.txt` file is a list of ids by its name alone."""
    return split_of(name_of_list(path)) in _LISTS


def name_of_list(path: Path) -> str:
    """Return the split that a list's file is called by: `train` of `train.txt` and of `train_list.txt`."""
    return path.stem.removesuffix("_list") or path.stem


def by_split(names: Iterable[str]) -> dict[str, str]:
    """Return by own names of splits those that they mean; where several mean one, each keeps its own name."""
    names = list(names)
    meant = [split_of(name) for name in names]
    return {name: split if meant.count(split) == 1 else name for name, split in zip(names, meant, strict=True)}


def _folders_in(directory: Path) -> list[str]:
    if not directory.is_dir():
        return []
    folders = [path for path in directory.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(path.name for path in folders if not (path.is_symlink() and _holds(path, directory)))


def _holds(path: Path, directory: Path) -> bool:
    """Tell whether a link leads to a folder that holds it, where following it would go round in circles."""
    return directory.resolve().is_relative_to(path.resolve())


def lies_among_masks(path: Path, root: Path) -> bool:
    """Tell whether a file lies in a data set's folder of masks: one of such a name beside a folder of its images.

    Args:
        path: of the file, below `root`.
        root: the folder below which folders are looked at.

    Returns:
        bool.
    """
    folder = root
    for name in path.relative_to(root).parts[:-1]:
        if name.casefold() in _MASKS and any((folder / images).is_dir() for images in ("images", "JPEGImages")):
            return True
        folder = folder / name
    return False
