"""Find COCO's JSON files, and read of them what is used: images, annotations and categories by their ids."""

import re
from pathlib import Path

import numpy as np

from fcn_keras_console.image_files import files_below

from .annotations import SPLITS, label_text
from .json_values import as_json, is_list_of, load_json
from .result_marks import MARK

_KEPT = {"images", "annotations", "categories", "id", "image_id", "category_id", "segmentation", "iscrowd", "counts"}
_KEPT |= {"segments_info", "file_name", "name", "width", "height", "size", "bbox", "info", "contributor"}
_KINDS = ("instances", "stuff", "panoptic")  # the first is read where all say the same of the same classes
_LISTS = ("images", "annotations", "categories")
_LABELMES = "shapes"  # key of LabelMe's files
_OTHER = ("captions", "person_keypoints", "image_info", "labels")  # files of COCO's that hold no regions


class Listed:
    """Hold what a file lists by id. An id is a number or a text, and needs only to be equal to itself.

    3 and "3" are one id where the file lists only one of them.
    """

    def __init__(self):
        self._items, self._texts = {}, {}

    def add(self, number, item):
        """Add an item. Raises a `ValueError` if the id is neither a number nor a text."""
        key = _id(number)
        if key is None:
            raise ValueError(f"should be a number or a text. Received: {as_json(number)}")
        self._items.setdefault(key, item)
        self._texts.setdefault(str(key), set()).add(key)

    def __contains__(self, number):
        return _id(number) in self._items

    def find(self, number):
        """Return the item of an id, or None."""
        key = _id(number)
        if key not in self._items:
            same = self._texts.get(str(key), ())
            key = next(iter(same)) if len(same) == 1 else None
        return self._items.get(key)

    def items(self):
        """Return `(id, item)`, numbers before texts, each in their order."""
        return sorted(self._items.items(), key=lambda pair: (isinstance(pair[0], str), pair[0]))


def is_id(value):
    """Tell whether a value may be an id: a number or a text."""
    return _id(value) is not None


def _id(value):
    if isinstance(value, str):
        return value
    right = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return int(value) if right else None


def json_files(source):
    """Return the JSON files to read, and the names of those that hold no regions, or the same ones in another kind.

    Raises:
        ValueError: if there are none, or of several kinds.
    """
    if source.is_file():
        return [source], []
    if not source.is_dir():
        raise ValueError(f"{source} is missing. Expected a JSON file of COCO's kind, or a folder of such.")
    found = [path for path in files_below(source) if path.suffix.lower() == ".json"]
    files = [path for path in found if not path.name.startswith(_OTHER)]
    kinds = {kind: [path for path in files if path.name.split("_")[0] == kind] for kind in _KINDS}
    present = [kind for kind, paths in kinds.items() if paths]
    if len(present) > 1:
        if len({_class_names(kinds[kind]) for kind in present}) > 1:
            raise ValueError(
                f"{source} holds annotations of several kinds: {', '.join(present)}, of different classes. Name one "
                "file of one kind."
            )
        others = {path for kind in present[1:] for path in kinds[kind]}
        files = [path for path in files if path not in others]
    if not files:
        raise ValueError(f"{source} holds no JSON file of instances, stuff or panoptic segments.")
    return files, [path.relative_to(source).as_posix() for path in found if path not in files]


def _class_names(files):
    """Return the classes of the smallest of some files, which have the same; None if it cannot be read."""
    smallest = min(files, key=lambda path: path.stat().st_size)
    try:
        content = read_content(smallest)
        return None if content is None else frozenset(name for _, name in categories(content, smallest).items())
    except ValueError:
        return None


def read_content(path):
    """Read one file.

    Returns:
        dict of the lists `images`, `annotations` and `categories`, or None if the file is of another kind.

    Raises:
        ValueError: if it cannot be read, or lacks one of them.
    """
    content = load_json(path, hook=_slim)
    if not isinstance(content, dict) or not any(name in content for name in _LISTS):
        return None
    for name in _LISTS:
        if not isinstance(content.get(name), list) or (name != "annotations" and not is_list_of(dict, content[name])):
            hint = "Take the file out of the folder, or name the right one."
            hint = "It is LabelMe's: say --import labelme." if _LABELMES in content else hint
            raise ValueError(f"{path} holds no list of objects called `{name}`, as COCO's annotations do. {hint}")
    return content


def _slim(item):
    """Keep of an object what is used, and polygons as arrays, which take a quarter of the memory."""
    kept = {key: value for key, value in item.items() if key in _KEPT}
    kept |= {_LABELMES: None} if _LABELMES in item else {}
    parts = kept.get("segmentation")
    if is_list_of(list, parts):
        kept["segmentation"] = [_array(part) for part in parts]
    return kept


def _array(part):
    """Return numbers as an array, and what are no numbers as it is: an error names its place when it is drawn."""
    try:
        array = np.array(part)
    except ValueError:  # lists of different lengths
        return part
    return array.astype(np.float64, copy=False) if array.ndim == 1 and array.dtype.kind in "iuf" else part


def is_panoptic(content):
    """Tell whether a file's annotations are panoptic segments."""
    return any(isinstance(item, dict) and "segments_info" in item for item in content["annotations"][:1])


def covers_everything(content):
    """Tell whether `fcn-predict` wrote a file: its regions leave nothing out, and need no background."""
    info = content.get("info")
    return isinstance(info, dict) and info.get("contributor") == MARK


def categories(content, path):
    """Return the names of the classes as `Listed`.

    Raises:
        ValueError: if an id or a name is none, or two names have one id.
    """
    known = Listed()
    for item in content["categories"]:
        number = item.get("id")
        name = label_text(item.get("name"), f"{path}: the name of category {number}")
        try:
            known.add(number, name)
        except ValueError as error:
            raise ValueError(f"{path}: a category's `id` {error}.") from None
        if known.find(number) != name:
            raise ValueError(f"{path} has two categories of the id {number}. Give each its own.")
    return known


def splits_of(files):
    """Return the split of each file by its name or its folder's; `all` for every one if they do not say.

    Raises:
        ValueError: if some say and others do not.
    """
    splits = [split_of_file(path) for path in files]
    if len(files) == 1 or not any(splits):
        return ["all"] * len(files)
    if None in splits:
        raise ValueError(
            f"{files[splits.index(None)]} is of no split by its name, other files are. Put train, val or test into it."
        )
    return splits


def split_of_file(path):
    """Return the split that a file's name or its folder's says, or None."""
    return _split_of(path.stem) or _split_of(path.parent.name)


def is_of(split, image):
    """Tell whether an image lies in a folder that is called like a split."""
    return any(_split_of(part) == split for part in image.parent.parts)


def _split_of(name):
    parts = [part for part in re.split(r"[^a-z]+", name.lower()) if part in SPLITS]
    return SPLITS[parts[-1]] if parts else None


def segments_file(path, name, where):
    """Return the PNG of panoptic segments: in the folder that is called like the JSON file, or beside it."""
    if not isinstance(name, str) or name != Path(name.replace("\\", "/")).name:
        raise ValueError(
            f"{where}: `file_name` of its segments should be a plain file name. Received: {as_json(name, 80)}."
        )
    for folder in (path.with_suffix(""), path.parent):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{path.with_suffix('') / name} is missing. Unpack the panoptic PNG files into that folder.")
