"""Read COCO's annotations: a JSON file a split, of instances, stuff, or panoptic segments.

Of regions that overlap, the smaller one is on top, and crowds lie below everything, as COCO's own `iscrowd` regions
cover what is annotated one by one as well.
"""

import contextlib
import re
from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras.datasets.images import read_mask, read_size
from fcn_keras_console.image_files import files_below

from .annotations import (
    SPLITS,
    AnnotatedImage,
    Annotations,
    ImageAndLabel,
    choose_classes,
    fitting_size,
    given_names,
    label_text,
    stated_size,
    unique_keys,
)
from .coco_regions import coder_of_masks, decode
from .image_lookup import ImageLookup
from .json_values import is_list_of, load_json, whole

_KEPT = {"images", "annotations", "categories", "id", "image_id", "category_id", "segmentation", "iscrowd", "counts"}
_KEPT |= {"segments_info", "file_name", "name", "width", "height", "size"}
_LABELMES = "shapes"  # key of LabelMe's files
_OTHER = ("captions", "person_keypoints", "image_info")  # files of COCO's that hold no regions


def read(source, *, classes=None, images=None, unlabelled=None, unreadable, progress):
    """Find the JSON files below a folder (or take the one that is named), and the image of every entry.

    Args:
        source: the folder, or the file.
        classes: class file, or None for all categories in the order of their ids.
        images: folder of the images; default: `source` or the file's folder, and what is beside it if it is
            called `annotations`.
        unlabelled: what pixels are that no region covers; default void for panoptic ones, else background.
        unreadable: called with the `ValueError` of a file that cannot be used.
        progress: called as `progress(done, total)` after each JSON file.

    Returns:
        `Annotations`, divided if the JSON files' names say how.

    Raises:
        ValueError: if there are none, or their classes are not clear.
    """
    source, given = Path(source), given_names(classes)
    files = _json_files(source)
    contents = []
    for done, path in enumerate(files, 1):
        contents.append(_content(path))
        progress(done, len(files))
    panoptic = [_is_panoptic(content) for content in contents]
    if len(set(panoptic)) > 1:
        one, other = files[panoptic.index(True)], files[panoptic.index(False)]
        raise ValueError(f"{one} holds panoptic segments, {other} does not. Name one file, or a folder of one kind.")
    if not panoptic[0]:
        coder_of_masks()  # better missing before the work than in it
    unlabelled = unlabelled or ("void" if panoptic[0] else "background")
    categories = [_categories(content, path) for content, path in zip(contents, files, strict=True)]
    labels = {}
    for path, known in zip(files, categories, strict=True):
        for _, name in sorted(known.items()):
            labels.setdefault(name, path.name)
    names, ids, rest = choose_classes(labels, given, unlabelled, classes)
    meanings = [{number: ids[name] for number, name in known.items()} for known in categories]
    lookup = ImageLookup(images or _root_of(source))
    by_split, strays = _by_split(files, contents, meanings, rest, lookup, unreadable)
    decisions = [f"pixels of no region: {unlabelled}"]
    decisions += [] if panoptic[0] else ["of regions that overlap, the smaller is on top"]
    return Annotations(names, by_split, decisions, {"image that is annotated but not listed": strays})


def _by_split(files, contents, meanings, rest, lookup, unreadable):
    """Return the `AnnotatedImage`s of all files by split, and ids of annotated images not listed."""
    splits = _splits(files)
    entries, strays = {split: [] for split in splits}, []
    for split, path, content, ids_of in zip(splits, files, contents, meanings, strict=True):
        of_file, orphans = _entries(content, path, lookup, ids_of, rest, unreadable)
        entries[split] += of_file
        strays += orphans
    by_split = {}
    for split, of_split in entries.items():
        keys = unique_keys([key for key, _ in of_split])
        by_split[split] = [AnnotatedImage(key, read) for key, (_, read) in zip(keys, of_split, strict=True)]
    return by_split, strays


def _json_files(source):
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise ValueError(f"{source} is missing. Expected a JSON file of COCO's kind, or a folder of such.")
    files = [path for path in files_below(source) if path.suffix.lower() == ".json"]
    files = [path for path in files if not path.name.startswith(_OTHER)]
    kinds = sorted({path.name.split("_")[0] for path in files} & {"instances", "stuff", "panoptic"})
    if len(kinds) > 1:
        raise ValueError(f"{source} holds annotations of several kinds: {', '.join(kinds)}. Name one file of one kind.")
    if not files:
        raise ValueError(f"{source} holds no JSON file of instances, stuff or panoptic segments.")
    return files


def _content(path):
    content = load_json(path, hook=_slim)
    if not isinstance(content, dict):
        content = {}
    for name in ("images", "annotations", "categories"):
        if not is_list_of(dict, content.get(name)):
            hint = "Take the file out of the folder, or name the right one."
            hint = "It is LabelMe's: say --import labelme." if _LABELMES in content else hint
            raise ValueError(f"{path} holds no list of objects called `{name}`, as COCO's annotations do. {hint}")
    return content


def _slim(item):
    """Keep of an object what is used, and polygons as arrays, which take a quarter of the memory."""
    kept = {key: value for key, value in item.items() if key in _KEPT}
    kept |= {_LABELMES: None} if _LABELMES in item else {}
    parts = kept.get("segmentation")
    if is_list_of(list, parts) and all(is_list_of(int | float, part) for part in parts):
        with contextlib.suppress(OverflowError):  # an error that names its place when it is drawn
            kept["segmentation"] = [np.array(part, np.float64) for part in parts]
    return kept


def _is_panoptic(content):
    return any("segments_info" in item for item in content["annotations"][:1])


def _categories(content, path):
    """Return dict of category id -> name."""
    known = {}
    for item in content["categories"]:
        number = whole(item.get("id"), f"{path}: a category's `id`")
        if number in known:
            raise ValueError(f"{path} has two categories of the id {number}. Give each its own.")
        known[number] = label_text(item.get("name"), f"{path}: the name of category {number}")
    return known


def _root_of(source):
    """Return where images are looked for: below the folder, or beside it if it is called as COCO's is."""
    folder = (source if source.is_dir() else source.parent).absolute()
    return folder.parent if folder.name == "annotations" else folder


def _splits(files):
    """Return the split of each file by its name or its folder's; `all` for every one if they do not say."""
    splits = [_split_of_file(path) for path in files]
    if len(files) == 1 or not any(splits):
        return ["all"] * len(files)
    if None in splits:
        raise ValueError(
            f"{files[splits.index(None)]} is of no split by its name, other files are. Put train, val or test into it."
        )
    return splits


def _split_of_file(path):
    return _split_of(path.stem) or _split_of(path.parent.name)


def _is_of(split, image):
    """Tell whether an image lies in a folder that is called like a split."""
    return any(_split_of(part) == split for part in image.parent.parts)


def _split_of(name):
    parts = [part for part in re.split(r"[^a-z]+", name.lower()) if part in SPLITS]
    return SPLITS[parts[-1]] if parts else None


def _entries(content, path, lookup, ids_of, rest, unreadable):
    """Return `(id, function that returns ImageAndLabel)` of every image, and ids of annotated images not listed."""
    by_image = {}
    for item in content["annotations"]:
        by_image.setdefault(whole(item.get("image_id"), f"{path}: an `image_id`"), []).append(item)
    entries, paint, split = [], _panoptic if _is_panoptic(content) else _regions, _split_of_file(path)
    for item in content["images"]:
        where = f"{path}: the image {item.get('file_name')!r:.80}"
        items = by_image.pop(whole(item.get("id"), f"{where}: its `id`"), [])
        try:
            image, key = lookup.find(
                item.get("file_name"), path, beside=path.parent, likely=partial(_is_of, split) if split else None
            )
            size = stated_size(item, ("height", "width"), where)
        except ValueError as error:
            unreadable(error)
            continue
        entries.append((key, partial(_annotated, image, size, partial(paint, items, ids_of, rest, where, path), where)))
    return entries, [str(number) for number in by_image]


def _annotated(image, stated, drawn, where):
    return ImageAndLabel(image, lambda sizes: drawn(fitting_size(stated, sizes, where)))


def _regions(items, ids_of, rest, where, _, size):
    """Draw instances or stuff."""
    label, regions = np.full(size, rest, np.uint8), []
    for item in items:
        name = f"{where}: annotation {item.get('id')!r:.40}"
        value = _class_of(item, ids_of, name)
        region = decode(item.get("segmentation"), size, name)
        place = np.flatnonzero(region)  # small ones are kept small
        regions.append((not item.get("iscrowd"), -len(place), len(regions), place, value))
    for *_, place, value in sorted(regions, key=lambda region: region[:3]):
        label.reshape(-1)[place] = value
    return label


def _class_of(item, ids_of, where):
    number = whole(item.get("category_id"), f"{where}: its `category_id`")
    if number not in ids_of:
        raise ValueError(f"{where} is of the category {number}, which the file does not list.")
    return ids_of[number]


def _panoptic(items, ids_of, rest, where, path, size):
    """Look the segments of a panoptic PNG up, whose colours are R + 256 G + 256^2 B; 0 is unlabelled."""
    if not items:
        return np.full(size, rest, np.uint8)
    name = items[0].get("file_name")
    file = _segments_file(path, name, where)
    if read_size(file) != size:
        raise ValueError(f"{file} has {read_size(file)} pixels (height, width), {where} has {size}.")
    colors = read_mask(file, colored=True)
    if colors.ndim != 3:
        raise ValueError(f"{file} is grey. Expected the RGB PNG of panoptic segments.")
    numbers = colors.astype(np.int64) @ (1, 256, 65536)
    segments = items[0].get("segments_info")
    if not is_list_of(dict, segments):
        raise ValueError(f"{where}: its `segments_info` should be a list of objects.")
    table = {whole(s.get("id"), f"{where}: a segment's `id`"): _class_of(s, ids_of, where) for s in segments}
    table.setdefault(0, rest)
    present, place = np.unique(numbers, return_inverse=True)
    unknown = [number for number in present.tolist() if number not in table]
    if unknown:
        raise ValueError(f"{file} holds the segments {unknown[:5]}, which {path.name} does not list.")
    return np.array([table[number] for number in present.tolist()], np.uint8)[place].reshape(size)


def _segments_file(path, name, where):
    """Return the PNG of panoptic segments: in the folder that is called like the JSON file, or beside it."""
    if not isinstance(name, str) or name != Path(name.replace("\\", "/")).name:
        raise ValueError(f"{where}: `file_name` of its segments should be a plain file name. Received: {name!r:.80}.")
    for folder in (path.with_suffix(""), path.parent):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{path.with_suffix('') / name} is missing. Unpack the panoptic PNG files into that folder.")
