"""Read the layout of PASCAL VOC, which LabelMe's and CVAT's exports have as well: palette masks and lists of splits."""

import re
from functools import partial
from pathlib import Path

import numpy as np

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.images import read_mask
from fcn_keras.datasets.names import is_void, split_of
from fcn_keras.datasets.voc_sbd import CLASSES
from fcn_keras_console.image_files import files_below
from fcn_keras_console.words import some

from .annotations import VOID, AnnotatedImage, Annotations, ImageAndLabel, plain_names, unique_keys
from .class_colors import read_colors
from .image_lookup import stem
from .masks import voc_ids

_MASKS = ("SegmentationClassPNG", "SegmentationClass")  # the first is that of older exports of LabelMe's
_IMAGES = ("JPEGImages", "images")
_LABELMES_VOID = "__ignore__"  # the first of LabelMe's lists, which has no id
_LABELMAP = "labelmap.txt"  # of exports
_DIVIDING = ("train", "val", "test")
_UNIONS = ("trainval", "all", "default")  # lists of several of these


def read(source, *, classes=None, images=None, ignore_label=VOID, unreadable, progress):
    """Find the masks, their images, classes and lists.

    Args:
        source: `VOCdevkit`, `VOCdevkit/VOC2012`, or the folder of an export.
        classes: class file or number; default: `labelmap.txt` (CVAT), `class_names.txt` (LabelMe), or VOC's own.
        images: folder of the images; default `JPEGImages`.
        ignore_label: void id besides 255.
        unreadable: called with the `ValueError` of a file that cannot be used.
        progress: not called: nothing is read yet.

    Returns:
        `Annotations`, divided if there are lists of several splits.

    Raises:
        ValueError: if the layout or the classes are not clear.
    """
    root = _root(Path(source))
    masks = _by_stem(next(root / name for name in _MASKS if _has_masks(root / name)))
    folder = Path(images) if images else next((root / name for name in _IMAGES if (root / name).is_dir()), None)
    if folder is None or not folder.is_dir():
        raise ValueError(f"{folder or root / _IMAGES[0]} is missing. Say where the images are with --images DIR.")
    images = _by_stem(folder)
    names, table, voids, origin = _classes(root, classes)
    lists, unused = _lists(root, masks)
    by_split, bare = {}, sorted(images.keys() - masks.keys()) if not lists else []
    if (root / _LABELMAP).is_file():  # CVAT and Datumaro list what nobody annotated as well
        bare += [key for keys in lists.values() for key in keys if key in images and key not in masks]
        lists = {split: [key for key in keys if key not in bare] for split, keys in lists.items()}
    for split, keys in (lists or {"all": [key for key in masks if key in images]}).items():
        by_split[split] = []
        for key, safe in zip(keys, unique_keys(keys), strict=True):
            try:
                mask = _companion(masks, key, split, "mask", masks and next(iter(masks.values())).parent)
                image = _companion(images, key, split, "image", folder)
            except ValueError as error:
                unreadable(error)
                continue
            label = partial(mask_label, mask, len(names), table, ignore_label, voids=voids)
            by_split[split].append(AnnotatedImage(safe, partial(ImageAndLabel, image, label)))
    alone = {} if lists else {"mask without image": sorted(masks.keys() - images.keys())}
    left_out = {**unused, "image without mask": bare, **alone}
    return Annotations(names, by_split, [f"classes: {origin}"], left_out)


def mask_label(path, num_classes, table, ignore_label, _, *, voids=()):
    """Read the ids of one mask.

    Args:
        table: a `ClassTable` with colours, or None where palette indices are ids and RGB masks hold VOC's colours.
        voids: sorted ids of void among those of the classes, which close up.

    Raises:
        ValueError: if it holds something that is no class.
    """
    mask = read_mask(path, colored=table is not None)
    if mask.ndim == 3 and table is not None:
        ids, known = table.lookup(mask)
    elif mask.ndim == 3:
        ids = voc_ids(mask)
        known = ids >= 0
    else:
        ids, known = mask.astype(np.int64), np.True_
    if not known.all():
        y, x = np.unravel_index(np.argmin(known), known.shape)
        raise ValueError(
            f"{path} holds the colour {', '.join(map(str, mask[y, x]))} (red, green, blue) at row {y}, column {x}, "
            "which no class has."
        )
    void = (ids == VOID) | ((ids == ignore_label) & (mask.ndim == 2)) | np.isin(ids, voids)
    outside = ~void & ((ids < 0) | (ids >= num_classes + len(voids)))
    if outside.any():
        raise ValueError(
            f"{path} holds the ids {some(np.unique(ids[outside]).tolist())}, and {num_classes} classes have the ids 0 "
            f"to {num_classes + len(voids) - 1}. Give the right --classes, or name the void id with --ignore-label."
        )
    return np.where(void, VOID, ids - np.searchsorted(voids, ids)).astype(np.uint8)


def _root(source):
    """Return the folder that holds the masks' folder."""
    places = [source, *sorted(source.glob("VOC20*")), *sorted(source.glob("VOCdevkit/VOC20*"))]
    roots = [place for place in places if any(_has_masks(place / name) for name in _MASKS)]
    if len(roots) != 1:
        expected = f"Expected {_MASKS[1]} with PNG masks beside {_IMAGES[0]}, in it or in VOCdevkit/VOC2012 below it"
        hint = f"Found: {', '.join(map(str, roots))}. Name one of them" if roots else expected
        raise ValueError(f"{source} holds {len(roots) or 'no'} folder{'s'[: len(roots) != 1]} of VOC's masks. {hint}.")
    return roots[0]


def _has_masks(folder):
    return folder.is_dir() and any(path.suffix.lower() == ".png" for path in folder.iterdir())


def _by_stem(folder):
    """Map ids to the files below a folder."""
    return {stem(path.relative_to(folder).as_posix()): path for path in files_below(folder)}


def _companion(files, key, split, what, folder):
    if key not in files:
        raise ValueError(
            f"{split} lists {key!r:.80}, and {folder} holds no {what} of that name. Add it, take the line out of "
            f"{split}.txt, or go on without with --on-error skip."
        )
    return files[key]


def _classes(root, given):
    """Return the names, a `ClassTable` with colours or None, ids of void among the names', and where they come from."""
    own = [root / name for name in (_LABELMAP, "class_names.txt") if (root / name).is_file()]
    if given is None and not own:
        if re.fullmatch(r"VOC20\d\d", root.resolve().name):
            return tuple(CLASSES), None, (), "VOC's own"
        raise ValueError(f"{root} names no classes: there is no labelmap.txt or class_names.txt. Say --classes FILE.")
    if isinstance(given, int):
        return ClassTable(given).names, None, (), f"{given}, as given"
    path = given or own[0]
    table = read_colors(path)
    if table is not None:
        return table.names, table, (), Path(path).name
    names = ClassTable(path).names
    names = names[1:] if names[0] == _LABELMES_VOID else names
    voids = tuple(index for index, name in enumerate(names) if is_void(name))
    told = "".join(f"; id {index}, {names[index]}, is void" for index in voids)
    return plain_names(names), None, voids, f"{Path(path).name}{told}"


def _lists(root, masks):
    """Return the ids of every split that has masks, and the names of lists that are not used, by reason.

    The first is {} if the lists do not divide.

    Raises:
        ValueError: if a list is no text, or two are of one split.
    """
    lists, left_out = {}, {"list without masks": [], "list of no split": []}
    for path in sorted((root / "ImageSets" / "Segmentation").glob("*.txt")):
        split = split_of(path.stem)
        if split not in _DIVIDING:
            left_out["list of no split"] += [] if split.casefold() in _UNIONS else [path.name]
            continue
        if split in lists:
            raise ValueError(f"{lists[split][0]} and {path.name} are both lists of {split}. Take one of them out.")
        keys = _listed(path)
        if any(key in masks for key in keys):
            lists[split] = path.name, keys
        else:
            left_out["list without masks"].append(path.name)
    if len(lists) == 1:
        left_out["list that alone divides nothing"] = [name for name, _ in lists.values()]
    ordered = {split: lists[split][1] for split in _DIVIDING if split in lists}
    return (ordered if len(lists) > 1 else {}), left_out


def _listed(path):
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text. Expected a list of ids, one a line.") from error
    return list(dict.fromkeys(stem(line.strip()) for line in lines if line.strip()))
