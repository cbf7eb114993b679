"""List the files below a folder, and the images among them by their ids; what is passed over is kept to be told."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .images import extensions
from .names import composed

_LINKS_DEEP = 4  # links to folders within linked folders: two folders that link to each other never end


@dataclass
class Listing:
    """The files below a folder.

    Attributes:
        images: by id, the path below the folder without the extension, of several files of one id the first by name.
        doubled: image files whose id another file has.
        others: files that are no images by their extension, hidden ones, and links to folders that are not followed.
    """

    images: dict[str, Path] = field(default_factory=dict)
    doubled: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def list_images(folder: Path) -> Listing:
    """List a folder with its sub-folders.

    Returns:
        `Listing`. Its ids are in one Unicode form, whatever that of the files' names is.
    """
    listing, known, start = Listing(), extensions(), len(os.path.join(folder, ""))
    for path in files_below(folder, listing.others):
        bare, extension = os.path.splitext(str(path)[start:])
        if extension.lower() not in known:
            listing.others.append(path)
            continue
        key = composed(bare)
        if key in listing.images:
            listing.doubled.append(path)
        else:
            listing.images[key] = path
    return listing


def key_of(path: Path, folder: Path) -> str:
    """Return the id of a file below a folder."""
    return composed(path.relative_to(folder).with_suffix("").as_posix())


def files_below(folder: Path, others: list[Path] | None = None) -> list[Path]:
    """List the files below a folder in a stable order: links to folders are followed, hidden files are not listed.

    A link to a folder that holds it is not followed, so that nothing goes round in circles.

    Args:
        folder: to look into.
        others: list that gets hidden files and folders, and the links that are not followed.

    Returns:
        the files, of each folder first its own, sorted by name.

    Raises:
        OSError: if a folder cannot be read.
    """
    others = [] if others is None else others
    return list(_walk(Path(folder), [os.path.realpath(folder)], 0, others))


def _walk(folder: Path, above: list[str], links: int, others: list[Path]) -> Iterator[Path]:
    inner = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = folder / entry.name
        if entry.name.startswith("."):
            others.append(path)
        elif not _is_folder(entry):
            yield path
        else:
            inner.append((path, entry.is_symlink()))
    for path, linked in inner:
        real = os.path.realpath(path)
        deep = links + linked
        if linked and (deep > _LINKS_DEEP or any(Path(one).is_relative_to(real) for one in above)):
            others.append(path)
        else:
            yield from _walk(path, [*above, real], deep, others)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry, or what it links to, is a folder; links that lead to each other are none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
