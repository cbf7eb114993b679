"""Read the lists of a split: an id a line, or an image's file and its mask's, as PaddleSeg has them."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .layouts import Place
from .listing import key_of
from .names import composed


@dataclass
class Listed:
    """What a list says.

    Attributes:
        keys: the ids, in its order, as often as they stand there.
        images, labels: files by id, of the lines that name files.
        unknown: lines of several columns that name no files of the data set.
    """

    keys: list[str] = field(default_factory=list)
    images: dict[str, Path] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_list(path: Path, place: Place, known: Collection[str], images: str = "images") -> Listed:
    """Read a list of ids, or of files below the list's folder.

    A line that is a known id is one, whatever it holds: ids may have spaces.

    Args:
        path: the list.
        place: of the split.
        known: ids of the files that are there.
        images: name of the folder of images.

    Returns:
        `Listed`.

    Raises:
        ValueError: if it is no UTF-8 text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text. Expected a list of ids, one a line.") from error
    listed = Listed()
    for raw in filter(None, map(str.strip, lines)):
        line = composed(raw)
        files = None if line in known else _files(raw, path.parent)
        if files is None:
            listed.keys.append(line)
            if line not in known and _has_columns(line):
                listed.unknown.append(line)
            continue
        key = _key(files[0], place.folder(images), path.parent)
        listed.keys.append(key)
        listed.images[key] = files[0]
        if len(files) == 2:
            listed.labels[key] = files[1]
    return listed


def _files(line: str, root: Path) -> list[Path] | None:
    """Return the files that a line names, an image and perhaps a mask; None if it names none."""
    gaps = [match.span() for match in re.finditer(r"[\s,;]+", line)]
    columns = [[line]] if "/" in line or "\\" in line else []
    columns += [[line[:start], line[end:]] for start, end in gaps]
    for names in columns:
        files = [_below(root, name) for name in names]
        if all(files):
            return [file for file in files if file is not None]
    return None


def _below(root: Path, name: str) -> Path | None:
    """Return the file of a name below a folder, and nothing of one that leads out of it."""
    parts = PurePosixPath(name.strip("\"'").replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/":
        return None
    forms = (root.joinpath(*(unicodedata.normalize(form, part) for part in parts)) for form in ("NFC", "NFD"))
    return next((path for path in (root.joinpath(*parts), *forms) if path.is_file()), None)


def _has_columns(line: str) -> bool:
    return len(re.findall(r"\.[A-Za-z]{2,5}(?=[\s,;]|$)", line)) > 1


def _key(path: Path, folder: Path, root: Path) -> str:
    return key_of(path, folder if path.is_relative_to(folder) else root)
