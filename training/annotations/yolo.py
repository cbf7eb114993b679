"""Read YOLO's polygons: `labels/x.txt` for `images/x.jpg`, a line a shape, in shares of the image; classes by number.

They are filled as Ultralytics fills them for semantic segmentation: in whole pixels, the smaller one on top.
"""

import re
from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras.datasets.class_file import text_lines
from fcn_keras.datasets.images import extensions
from fcn_keras.datasets.names import is_void
from fcn_keras_console.image_files import files_below

from .annotations import SPLITS, given_names, label_text
from .drawn_shapes import Patch, Shape, ShapedImage, finished
from .integer_polygons import fill
from .shape_tally import ShapeFault, ShapeTally
from .yaml_names import read_names
from .yolo_splits import named_splits

IMAGES, LABELS = "images", "labels"
NAMES = ("classes.txt", "obj.names")  # where no YAML file has `names`
_MOST = 64 << 20  # bytes of a label file


def read(source, *, classes=None, unlabelled="background", boxes="leave", unreadable, progress):
    """Find the images below folders called `images`, and the label file of each.

    Args:
        source: the folder, with `data.yaml`, `images/train` and `labels/train`, or `train/images` and `train/labels`.
        classes: class file that names the numbers in their order; default: `names` of `data.yaml`, or `classes.txt`.
        unlabelled: what pixels are that no shape covers.
        boxes: what becomes of lines of four numbers, as for `drawn_shapes.annotated`.
        unreadable: called with the `ValueError` of a label file that cannot be used.
        progress: called as `progress(done, total)` after each image.

    Returns:
        `Annotations`, divided as `data.yaml` says, or else if the folders are.

    Raises:
        ValueError: if there are no label files, or no names.
    """
    source, tally = Path(source), ShapeTally()
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected that of {IMAGES}, {LABELS} and data.yaml.")
    files = {path.relative_to(source).as_posix(): path for path in files_below(source)}
    given = given_names(classes)
    names, origin = (given, classes) if given else _names(source, files)
    pairs = {name: label_name(name) for name in files if _is_photo(name)}
    found = {name: label for name, label in pairs.items() if label in files}
    if not found:
        raise ValueError(f"{source} holds no {LABELS}/x.txt of an {IMAGES}/x.jpg.")
    splits, told_splits, lists = named_splits(files, _in_order(filter(_is_yaml, files)), pairs)
    outside = [name for name in found if splits and name not in splits]
    found = {name: label for name, label in found.items() if name not in outside}
    entries = []
    for done, (name, label) in enumerate(found.items(), 1):
        try:
            shapes = _shapes(files[label], label, names, tally)
        except ValueError as error:
            unreadable(error)
        else:
            entries.append(ShapedImage(files[name], _key(name), label, None, shapes, splits.get(name) or _split(name)))
        progress(done, len(found))
    alone = [name for name, label in pairs.items() if label not in files]
    others = set(files) - set(pairs) - set(pairs.values()) - _known(files) - lists
    left_out = {"image without label file": alone, "image in no split": outside, "file of no known use": sorted(others)}
    told = {"unlabelled": unlabelled, "boxes": boxes, "left_out": left_out, "tally": tally}
    decisions = [f"classes: {Path(origin).name}", "of shapes that overlap, the smaller is on top"]
    decisions += [told_splits] if told_splits else []
    labels = dict.fromkeys(names, str(origin))
    return finished(entries, labels, given=None, origin=origin, decisions=decisions, **told)


def _names(source, files):
    """Return the names of the classes in the order of their numbers, and the file that has them.

    Raises:
        ValueError: if there are none, or two files have different ones.
    """
    ordered = _in_order(files)
    yaml = [name for name in ordered if _is_yaml(name)]
    named = {name: names for name in yaml if (names := read_names(files[name]))}
    if not named:
        named = {name: _lines(source / name) for name in ordered if name.rpartition("/")[2] in NAMES}
    if not named:
        raise ValueError(
            f"{source} has no data.yaml with `names`, and no classes.txt. Say --classes FILE, a name a line."
        )
    first = next(iter(named))
    for name, names in named.items():
        if names != named[first]:
            raise ValueError(
                f"{source / first} and {name} name different classes. Take one away, or say --classes FILE."
            )
    return named[first], source / first


def _in_order(names):
    return sorted(names, key=lambda name: (name.count("/"), name))


def _lines(path):
    return tuple(label_text(line, f"{path}: a class") for line in text_lines(path) if line)


def _is_yaml(name):
    return name.lower().endswith((".yaml", ".yml"))


def _known(files):
    return {name for name in files if _is_yaml(name) or name.rpartition("/")[2] in NAMES}


def label_name(name):
    """Return where the label file of an image is: `images` is `labels`, the last of them, as Ultralytics has it."""
    folders = name.split("/")
    place = max(index for index, part in enumerate(folders[:-1]) if part == IMAGES)
    folders[place] = LABELS
    return Path("/".join(folders)).with_suffix(".txt").as_posix()


def _is_photo(name):
    return IMAGES in name.split("/")[:-1] and Path(name).suffix.lower() in extensions()


def _key(name):
    """Return the path below the folders that say what kind and what split an image is of."""
    parts = [part for part in name.split("/")[:-1] if part != IMAGES and part.lower() not in SPLITS]
    return "/".join([*parts, Path(name).stem])


def _split(name):
    known = [SPLITS[part.lower()] for part in name.split("/")[:-1] if part.lower() in SPLITS]
    return known[0] if known else "all"


def _shapes(path, name, names, tally):
    """Return the `Shape`s of a label file."""
    try:
        if path.stat().st_size > _MOST:
            raise ValueError(f"{path} has more than {_MOST >> 20} MiB, and is no label file.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text. Expected a line a shape: a class and x and y.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    shapes = []
    for number, line in enumerate(lines, 1):
        place = f"{name}:{number}"
        try:
            shapes += [_shape(line.split(), names, place)] if line.strip() else []
        except ShapeFault as fault:
            tally.leave_out(fault, place)
    return shapes


def _shape(words, names, place):
    if not re.fullmatch(r"\d{1,5}(\.0*)?", words[0]):
        raise ShapeFault("class that is no number", words[0][:40])
    number = int(float(words[0]))
    if number >= len(names):
        raise ShapeFault("class that has no name", f"{number}, of {len(names)} names")
    try:
        values = np.array([float(word) for word in words[1:]], np.float32)
    except ValueError:
        raise ShapeFault("coordinates that are no numbers") from None
    if not np.isfinite(values).all():
        raise ShapeFault("coordinates that are no finite numbers")
    is_box = len(values) == 4
    if len(values) % 2:
        raise ShapeFault("odd number of coordinates", f"{len(values)} numbers")
    if len(values) < 6 and not is_box:
        raise ShapeFault("polygon of fewer than three points", f"{len(values) // 2} points")
    points = values.reshape(-1, 2)
    if (np.abs(points - 0.5) > 1).any():
        raise ShapeFault("point far outside of the image, in shares of it", f"{float(np.abs(points).max()):g}")
    name = "void" if is_void(names[number]) else names[number]
    return Shape(name, place, partial(_box if is_box else _filled, points), None, is_box)


def _box(points, size):
    """Return the pixels of a box, told by its middle and its sides in shares of the image."""
    middle, sides = points.astype(np.float64) * size[::-1]
    (left, top), (right, bottom) = (np.rint(middle + sign * sides / 2).astype(int).tolist() for sign in (-1, 1))
    return Patch(top, left, np.ones((max(bottom - top, 0), max(right - left, 0)), bool))


def _filled(points, size):
    """Fill points in shares of the image, in float32 as Ultralytics computes."""
    return fill([points * np.array(size[::-1], np.float32)], size)
