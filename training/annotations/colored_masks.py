"""Read images with masks in colours, as CamVid and many other data sets have them."""

from collections import Counter
from functools import partial
from pathlib import Path

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.images import read_header, read_mask
from fcn_keras.datasets.names import SPLITS, split_of

from ..reading import read_each
from .annotations import BACKGROUND, VOID, AnnotatedImage, Annotations, ImageAndLabel, unique_keys
from .class_colors import FILES, in_voc_colors, nearest_ids, read_colors
from .class_colors import unknown_colors as unknown_colors_of
from .image_lookup import ImageLookup, stem
from .voc import mask_label

_IMAGES = ("images", "image", "imgs", "img", "JPEGImages", "leftImg8bit", "701_StillsRaw_full")
_MASKS = ("labels", "masks", "label", "mask", "annotations", "gtFine", "LabeledApproved_full")
_BESIDE = ("_labels", "_masks", "_label", "_mask", "annot")  # train_labels beside train
_IMAGE_ENDS = ("", "_leftImg8bit", "_sat")
_MASK_ENDS = ("", "_L", "_mask", "_label", "_labels", "_gt", "_seg", "_gtFine_color")
_NAMED = 6
_CAMVID, _BLACK = "label_colors.txt", (0, 0, 0)


def read(
    source,
    *,
    classes=None,
    images=None,
    masks=None,
    ignore_label=VOID,
    unlabelled="background",
    unknown_colors="fail",
    unreadable,
    progress,
):
    """Find images and masks, and look through all masks for colours that no class has.

    Args:
        source: folder that holds them, in one of the layouts of `_folders`.
        classes: class file with colours; default: the one of `FILES` in `source`.
        images: folder of the images, and `masks` that of the masks, if they are called otherwise.
        ignore_label: void id besides 255, of masks that are grey.
        unlabelled: what black pixels are, `background` or `void`, where `label_colors.txt` has no line of that colour:
            so Datumaro writes CamVid's layout for what no shape covers.
        unknown_colors: what becomes of such pixels: `fail`, `void`, or `near`, the class of the nearest colour or else
            of the neighbours.
        unreadable: called with the `ValueError` of a file that cannot be used.
        progress: called as `progress(done, total)` after each mask.

    Returns:
        `Annotations`, divided if the folders are.

    Raises:
        ValueError: if the layout or the classes are not clear, or colours are unknown and `unknown_colors` is `fail`.
    """
    source = Path(source)
    table, path = _table(source, classes)
    folders, alone = _folders(source, images, masks)
    pairs, left_out = _pairs(folders)
    left_out["folder of a split without masks"] = alone
    number = sum(map(len, pairs.values()))
    if not number:
        raise ValueError(f"{source}: no image has a mask of the same name. Say --images DIR and --masks DIR.")
    every = [(split, *pair) for split, of_split in pairs.items() for pair in of_split]
    readable = read_each(lambda item: _unknown_in(item[3], table), every, unreadable=unreadable, progress=progress)
    found = list(readable)
    table, decisions = _with_black(table, path, unlabelled, [own for _, own in found if unknown_colors == "fail"])
    unknown, files, by_split = Counter(), [], {split: [] for split in pairs}
    for (split, key, image, mask), own in found:
        if own:
            unknown.update(own)
            files.append(mask)
        label = partial(_label, mask, table, ignore_label, unknown_colors)
        by_split[split].append(AnnotatedImage(key, partial(ImageAndLabel, image, label)))
    decisions = [f"classes: {path.name}", *decisions]
    if files:
        counted = _counted(unknown, files, number, path)
        if unknown_colors == "fail":
            raise ValueError(f"{counted} {_advice(files, path)}")
        decisions.append(f"unknown colours: {unknown_colors}. {counted}")
    return Annotations(table.names, by_split, decisions, left_out)


def _unknown_in(mask, table):
    """Count the colours of a mask that no class has."""
    pixels = read_mask(mask, colored=True)
    if pixels.ndim == 3:
        return unknown_colors_of(pixels, table)
    if read_header(mask)[0] == "JPEG":
        raise ValueError(f"{mask} is a grey JPEG file, which keeps neither colours nor ids. Get the mask as PNG.")
    return Counter()


def _counted(unknown, files, number, path):
    most = ", ".join(f"{color} {count}" for color, count in unknown.most_common(_NAMED))
    return (
        f"{len(files)} of {number} masks, first {files[0]}, hold {len(unknown)} colours that {path.name} does not "
        f"have, by their pixels: {most}{', ...' if len(unknown) > _NAMED else ''}."
    )


def _advice(files, path):
    if any(read_header(file)[0] == "JPEG" for file in files):
        return "JPEG does not keep colours: get the masks as PNG, or take the nearest ones with --unknown-colors near."
    return f"Add them to {path} (as `void R G B` if they are to be ignored), or say --unknown-colors void or near."


def _label(path, table, ignore_label, unknown_colors, _):
    if unknown_colors != "fail":
        pixels = read_mask(path, colored=True)
        if pixels.ndim == 3:
            return table.lookup(pixels)[0] if unknown_colors == "void" else nearest_ids(pixels, table, path)
    return mask_label(path, len(table.names), table, ignore_label, _)


def _table(source, given):
    """Return the `ClassTable` and the file that it comes from."""
    if isinstance(given, int):
        raise ValueError(f"--classes {given} gives no colours. Name a class file of `name R G B` lines.")
    paths = [Path(given)] if given else [source / name for name in FILES if (source / name).is_file()]
    if not paths:
        raise ValueError(f"{source} has no class file ({', '.join(FILES[:4])}). Say --classes FILE: `road 128 64 128`.")
    table = read_colors(paths[0])
    if table is None and paths[0].name == _CAMVID:
        table = in_voc_colors(ClassTable(paths[0]).names)
    if table is None:
        raise ValueError(f"{paths[0]} gives no colours. Expected `name R G B` a line, such as `road 128 64 128`.")
    return table, paths[0]


def _with_black(table, path, unlabelled, unknown):
    """Give black a meaning where masks hold it and CamVid's class file does not, take it from what is unknown, and say
    so.
    """
    if path.name != _CAMVID or not any(_BLACK in own for own in unknown):
        return table, []
    for own in unknown:
        own.pop(_BLACK, None)
    entries = [("void" if value == VOID else table.names[value], color) for color, value in table.colors.items()]
    name = BACKGROUND if unlabelled == "background" else "void"
    return ClassTable.of_colors([(name, _BLACK), *entries]), [f"black, which {_CAMVID} does not name: {unlabelled}"]


def _folders(source, images, masks):
    """Return `(images' folder, masks' folder)` by split, and the names of splits' folders that have no masks.

    `--images` and `--masks`, or `images` and `masks` (and other usual names), divided into `train`, `val` and `test`
    or not; `train/images` and `train/masks`; `train` and `train_labels` (or `trainannot`).
    """
    if (images is None) != (masks is None):
        raise ValueError("--images and --masks go together for RGB masks. Give both.")
    image, mask = (Path(images), Path(masks)) if images else (_called(source, _IMAGES), _called(source, _MASKS))
    for folder in (image, mask):
        if images and not folder.is_dir():
            raise ValueError(f"{folder} is not a folder. Expected that of the images or masks.")
    if image and mask:
        photos, truths = _splits_in(image), _splits_in(mask)
        below = {split: (photos[split], truths[split]) for split in photos if split in truths}
        return (below, _unlabelled(photos, below)) if len(below) > 1 else ({"all": (image, mask)}, [])
    by_split, splits = {}, _splits_in(source)
    for split, folder in splits.items():
        pair = _called(folder, _IMAGES), _called(folder, _MASKS)
        beside = _called(source, [f"{folder.name}{end}" for end in _BESIDE])
        if all(pair):
            by_split[split] = pair
        elif beside:
            by_split[split] = folder, beside
    if not by_split:
        raise ValueError(
            f"{source} holds no folders of images and masks: expected images and masks in it, train/images and "
            "train/masks, or train and train_labels (or trainannot). Say --images DIR and --masks DIR."
        )
    alone = _unlabelled(splits, by_split)
    return (by_split if len(by_split) > 1 else {"all": next(iter(by_split.values()))}), alone


def _splits_in(folder):
    """Return the folders by the splits that they are called like, in any case.

    Raises:
        ValueError: if two are of one split.
    """
    found = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and path.name.casefold() in SPLITS):
        other = found.setdefault(split_of(path.name), path)
        if other != path:
            raise ValueError(f"{other} and {path.name} both mean the split {split_of(path.name)}. Join or rename them.")
    return found


def _unlabelled(splits, paired):
    """Return the names of the folders of splits that have no masks."""
    return [folder.name for split, folder in splits.items() if split not in paired]


def _called(folder, names):
    """Return the first folder below another of some names, or else of one of them in another case, or None."""
    folders = {path.name: path for path in sorted(folder.iterdir(), reverse=True) if path.is_dir()}
    in_any_case = {name.casefold(): path for name, path in folders.items()}
    found = [folders.get(name) for name in names] + [in_any_case.get(name.casefold()) for name in names]
    return next(filter(None, found), None)


def _pairs(folders):
    """Return `(id, image, mask)` of every pair by split, and images and masks that are alone."""
    pairs, left_out = {}, {"image without mask": [], "mask without image": []}
    for split, (image_folder, mask_folder) in folders.items():
        images, masks = _by_stem(image_folder), _by_stem(mask_folder)
        cut = {(a, b): _cut(images, a).keys() & _cut(masks, b).keys() for a in _IMAGE_ENDS for b in _MASK_ENDS}
        ends = max(cut, key=lambda pair: len(cut[pair]))
        images, masks = _cut(images, ends[0]), _cut(masks, ends[1])
        both = sorted(cut[ends])
        safe = unique_keys(both)
        pairs[split] = [(new, images[key], masks[key]) for new, key in zip(safe, both, strict=True)]
        left_out["image without mask"] += sorted(images.keys() - masks.keys())
        left_out["mask without image"] += sorted(masks.keys() - images.keys())
    return pairs, left_out


def _by_stem(folder):
    return {stem(path.relative_to(folder).as_posix()): path for path in ImageLookup(folder).files}


def _cut(files, end):
    return {key.removesuffix(end): path for key, path in files.items() if key.endswith(end)}
