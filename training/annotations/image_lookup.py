"""Find the image that an annotation names, by name alone: no path that a stranger wrote is ever followed."""

import os
import unicodedata
from pathlib import Path

from fcn_keras.datasets.images import extensions
from fcn_keras_console.image_files import files_below

from .json_values import as_json

_MASKS = {"labels", "label", "masks", "mask", "annotations", "segmentationclass", "segmentationobject", "gtfine"}
NOT_IMAGES = {".json", ".txt", ".csv", ".xml"}


class ImageLookup:
    """List the files below a folder once.

    Args:
        root: the folder.
        without: absolute paths of files, or of folders, that hold no images although they are called so.

    Attributes:
        files: list of all that are called like images, sorted.
    """

    def __init__(self, root, without=()):
        self.root = Path(root)
        if not self.root.is_dir():
            raise ValueError(f"{self.root} is not a folder. Expected the folder of the images.")
        self._by_name, self._by_likeness, known = {}, {}, extensions()
        for path in files_below(self.root):
            if path.suffix.lower() not in NOT_IMAGES and not (without and _below(path.absolute(), without)):
                self._by_name.setdefault(path.name, []).append(path)
                self._by_likeness.setdefault(_likeness(path.name), []).append(path)
        self.files = sorted(p for paths in self._by_name.values() for p in paths if p.suffix.lower() in known)

    def find(self, name, origin, *, beside=None, likely=None):
        """Return the file that is called so, and its id.

        A name that differs in case alone, or in how accents are coded, will do where there is no other: Windows and
        macOS make no difference. Of several files of that name it is the one that agrees with most of the folders that
        the name has, then one that is in no folder of masks, then a likely one, then one beside the annotation, then
        one directly in the folder of the images. The id holds the folders that agree.

        Args:
            name: with or without folders, of this or another machine.
            origin: the annotation, for the errors.
            beside: its folder.
            likely: tells of a path below the folder of the images whether it is.

        Raises:
            ValueError: if there is none, or it is not clear which.
        """
        if not isinstance(name, str):
            raise ValueError(f"{origin} should name its image. Received: {as_json(name)}.")
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        files = self._by_name.get(parts[-1]) or self._by_likeness.get(_likeness(parts[-1]), []) if parts else []
        if not files:
            raise ValueError(
                f"{origin} names the image {name!r:.200}, and below {self.root} no file is called so. Say where the "
                "images are with --images DIR."
            )
        # With the folders above: a name may begin before them, and then agrees with more of one that lies deep.
        agreeing = [_agreeing(path.absolute().parts, parts) for path in files]
        best = [path for path, number in zip(files, agreeing, strict=True) if number == max(agreeing)]
        best = self._surest(best, beside, likely)
        if len(best) > 1:
            raise ValueError(
                f"{origin} names the image {name!r:.200}, which may be {best[0]} or {best[1]}. Say in which folder the "
                "images are with --images DIR."
            )
        return best[0], stem("/".join(best[0].relative_to(self.root).parts[-max(agreeing) :]))

    def _surest(self, paths, beside, likely):
        """Choose among files that agree with a name alike; several are left where nothing speaks for one."""
        for sure in (
            lambda path: not _MASKS.intersection(map(str.casefold, path.relative_to(self.root).parts[:-1])),
            lambda path: likely is not None and likely(path.relative_to(self.root)),
            lambda path: path.parent == beside,
            lambda path: path.parent == self.root,
        ):
            if len(paths) > 1:
                paths = [path for path in paths if sure(path)] or paths
        return paths


def _below(path, places):
    return path in places or any(parent in places for parent in path.parents)


def stem(name):
    """Return a path (with `/`) without its extension, if that is one of images or of annotations."""
    bare, extension = os.path.splitext(name)
    return bare if extension.lower() in extensions() | NOT_IMAGES else name


def _likeness(name):
    return unicodedata.normalize("NFC", name).casefold()


def _agreeing(mine, theirs):
    number = 0
    for one, other in zip(reversed(mine), reversed(theirs), strict=False):
        if _likeness(one) != _likeness(other):
            break
        number += 1
    return number
