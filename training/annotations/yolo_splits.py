"""Tell the splits of YOLO's images as its `data.yaml` names them: `train`, `val` and `test`, folders or lists."""

from .class_ids import lines_of
from .yaml_names import read_content

_NAMED = ("train", "val", "test")


def named_splits(files, yaml, images):
    """Return the split of each image that a `data.yaml` puts into one.

    No path of the file is followed: its folders and files are those below the data set of which most of the path
    agrees, as `path` and `../train/images` are of another machine.

    Args:
        files: dict of name below the folder of the data set -> path.
        yaml: names of the YAML files, the first that has any splits counts.
        images: names of the images.

    Returns:
        dict of image -> split, a sentence on what was decided or None, and the set of the lists that were read. The
        dict is empty where fewer than two splits are named that hold images, or an image is in two.

    Raises:
        ValueError: if a file cannot be read.
    """
    for name in yaml:
        content = read_content(files[name])
        named = {split: content[split] for split in _NAMED if content.get(split)} if isinstance(content, dict) else {}
        if len(named) > 1:
            lists = set()
            return *_resolved(name, named, files, images, lists), lists
    return {}, None, set()


def _resolved(name, named, files, images, lists):
    found = {split: _of(value, files, images, lists) for split, value in named.items()}
    found = {split: members for split, members in found.items() if members}
    every = [image for members in found.values() for image in members]
    if len(found) < 2:
        return {}, f"{', '.join(named)} of {name}: not read, as they do not name images of two splits here"
    if len(every) > len(set(every)):
        return {}, f"{', '.join(named)} of {name}: not read, as they name the same images"
    return {image: split for split, members in found.items() for image in members}, f"splits: as {name} names them"


def _of(value, files, images, lists):
    """Return the set of images that a value names: a folder, a list's file, or several; add the files to `lists`."""
    members = set()
    for text in value if isinstance(value, list) else [value]:
        parts = _parts(text)
        if parts and parts[-1].lower().endswith(".txt"):
            place = _ending(parts, files)
            lines = lines_of(files[place]) if place else []
            lists |= {place} if place else set()
            members |= {image for line in lines if (image := _ending(_parts(line), images))}
        else:
            members |= _below(parts, images)
    return members


def _parts(text):
    parts = text.replace("\\", "/").split("/") if isinstance(text, str) else []
    return [part.strip() for part in parts if part.strip() not in ("", ".", "..")]


def _ending(parts, names):
    """Return the name that is the longest end of a path, or None."""
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if end in names), None)


def _below(parts, images):
    """Return the images in the folder that is the longest end of a path."""
    for start in range(len(parts)):
        end = "/".join(parts[start:]) + "/"
        if members := {image for image in images if image.startswith(end)}:
            return members
    return set()
