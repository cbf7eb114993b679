"""Read Cityscapes' layout, and KITTI's masks, which have Cityscapes' ids; both as Datumaro writes them as well."""

import re
from functools import partial
from pathlib import Path

from fcn_keras.datasets.classes import ClassTable
from fcn_keras.datasets.names import is_background
from fcn_keras_console.image_files import files_below

from .annotations import BACKGROUND, SPLITS, VOID, AnnotatedImage, Annotations, ImageAndLabel, unique_keys
from .class_colors import in_voc_colors, read_colors
from .class_ids import IdTable
from .image_lookup import ImageLookup, stem
from .voc import mask_label

TABLE = "label_colors.txt"  # Datumaro's, of any classes
# Of cityscapesscripts' labels.py: id, name, trainId, colour. Ids below 4 are void in every use.
LABELS = (
    (4, "static", 255, (0, 0, 0)),
    (5, "dynamic", 255, (111, 74, 0)),
    (6, "ground", 255, (81, 0, 81)),
    (7, "road", 0, (128, 64, 128)),
    (8, "sidewalk", 1, (244, 35, 232)),
    (9, "parking", 255, (250, 170, 160)),
    (10, "rail track", 255, (230, 150, 140)),
    (11, "building", 2, (70, 70, 70)),
    (12, "wall", 3, (102, 102, 156)),
    (13, "fence", 4, (190, 153, 153)),
    (14, "guard rail", 255, (180, 165, 180)),
    (15, "bridge", 255, (150, 100, 100)),
    (16, "tunnel", 255, (150, 120, 90)),
    (17, "pole", 5, (153, 153, 153)),
    (18, "polegroup", 255, (153, 153, 153)),
    (19, "traffic light", 6, (250, 170, 30)),
    (20, "traffic sign", 7, (220, 220, 0)),
    (21, "vegetation", 8, (107, 142, 35)),
    (22, "terrain", 9, (152, 251, 152)),
    (23, "sky", 10, (70, 130, 180)),
    (24, "person", 11, (220, 20, 60)),
    (25, "rider", 12, (255, 0, 0)),
    (26, "car", 13, (0, 0, 142)),
    (27, "truck", 14, (0, 0, 70)),
    (28, "bus", 15, (0, 60, 100)),
    (29, "caravan", 255, (0, 0, 90)),
    (30, "trailer", 255, (0, 0, 110)),
    (31, "train", 16, (0, 80, 100)),
    (32, "motorcycle", 17, (0, 0, 230)),
    (33, "bicycle", 18, (119, 11, 32)),
)
_BLACK = (0, 0, 0)
_NOTHING = (0, 1, 2, 3)  # unlabeled, ego vehicle, rectification border, out of roi
_ENDS = ("_labelIds", "_labelTrainIds", "_color")  # of masks, the best first
_ROOTS = re.compile(r"(leftImg8bit|gtFine|gtCoarse|image_2|semantic|semantic_rgb)(_.*)?")


def read(source, *, classes=None, images=None, label_ids="train", unlabelled=None, unreadable, progress):
    """Find the masks and the image of each.

    Args:
        source: the folder of `leftImg8bit` and `gtFine`, or of KITTI's `training/image_2` and `training/semantic`.
        classes: class file in the place of `label_colors.txt`, which counts from 0.
        images: folder of the images, if they lie elsewhere.
        label_ids: `train`, the 19 classes that are scored, or `all`, 30. Where there is a class file, it says nothing.
        unlabelled: what the ids of no class are that a class file leaves before its first; default background there.
        unreadable: not called: nothing is read yet.
        progress: not called.

    Returns:
        `Annotations`, divided if the folders are.

    Raises:
        ValueError: if there are no masks, or the classes are not clear.
    """
    source = Path(source)
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected the folder of leftImg8bit and gtFine.")
    files = ImageLookup(source).files
    masks, end = _masks(source, files)
    own = Path(classes) if isinstance(classes, str | Path) else source / TABLE
    if isinstance(classes, int):
        raise ValueError(f"--classes {classes} gives no names. Name a class file, or leave it out.")
    if own.is_file():
        names, table, told = _of_file(own, unlabelled or "background", end)
    else:
        names, table, told = _of_cityscapes(label_ids, end)
    folder = Path(images) if images else source
    photos = {_key(path, folder): path for path in ImageLookup(folder).files if _is_photo(path, end)}
    by_split, left_out = _divided(masks, photos, partial(_label, table=table, names=names))
    used = {*masks.values(), *photos.values(), own}
    used |= {path for path in files if path.stem.endswith(("_instanceIds", "_instanceTrainIds", *_ENDS))}
    left_out["file of no known use"] = [
        path.relative_to(source).as_posix() for path in files_below(source) if path not in used and not _known(path)
    ]
    return Annotations(names, by_split, [f"masks: {end[1:] or 'semantic'}", *told], left_out)


def _known(path):
    """Tell whether a file belongs to the layout, though nothing is read of it."""
    return path.name.endswith("_polygons.json") or path.parent.name in ("instance", "semantic_rgb")


def _masks(source, files):
    """Return the masks by id, and the end of their names; of fine and coarse ones of an image, the fine one."""
    found = {end: [path for path in files if path.stem.endswith(end)] for end in _ENDS}
    found[""] = [path for path in files if path.parent.name == "semantic"]
    end = next((end for end, paths in found.items() if paths), None)
    if end is None:
        raise ValueError(
            f"{source} holds no masks of Cityscapes' or KITTI's: expected gtFine/train/.../x_gtFine_labelIds.png, or "
            "training/semantic/x.png."
        )
    paths = sorted(found[end], key=lambda path: "gtCoarse" not in path.as_posix())
    return {_key(path, source): path for path in paths}, end


def _is_photo(path, end):
    return path.stem.endswith("_leftImg8bit") if end else path.parent.name == "image_2"


def _key(path, root):
    """Return what an image and its mask share: the folders but those of the kind, and the name without its ends."""
    *folders, name = path.relative_to(root).parts
    bare = re.sub(r"(_leftImg8bit|_(gtFine|gtCoarse)_(labelIds|labelTrainIds|color))$", "", stem(name))
    return "/".join([*(part for part in folders if not _ROOTS.fullmatch(part)), bare])


def _divided(masks, photos, label):
    """Return the `AnnotatedImage`s by split, and what is alone."""
    by_split, no_split = {}, []
    for key in sorted(masks.keys() & photos.keys()):
        first, _, rest = key.partition("/")
        split = SPLITS.get(first.lower()) if rest else "all"
        if split is None:
            no_split.append(key)
        else:
            by_split.setdefault(split, []).append((rest or key, key))
    if not by_split:
        raise ValueError(f"No mask has an image: that of {next(iter(masks.values()))} is missing. Say --images DIR.")
    if len(by_split) == 1:
        by_split = {"all": next(iter(by_split.values()))}
    annotated = {}
    for split, members in by_split.items():
        keys = unique_keys([rest for rest, _ in members])
        annotated[split] = [
            AnnotatedImage(safe, partial(ImageAndLabel, photos[key], partial(label, masks[key])))
            for safe, (_, key) in zip(keys, members, strict=True)
        ]
    alone = {"image without mask": sorted(photos.keys() - masks.keys())}
    alone["mask without image"] = sorted(masks.keys() - photos.keys())
    return annotated, {**alone, "image in no split": no_split}


def _label(mask, _, *, table, names):
    if isinstance(table, ClassTable):
        return mask_label(mask, len(names), table, VOID, _)
    return table.label(mask)


def _of_cityscapes(label_ids, end):
    """Return names, a table of ids or colours, and what was decided, of Cityscapes' own classes."""
    known = [label for label in LABELS if label_ids == "all" or label[2] != VOID]
    names = tuple(name for _, name, _, _ in known)
    told = [f"classes: Cityscapes' {len(names)}" + (" that are scored (--label-ids)" if label_ids == "train" else "")]
    if end == "_labelTrainIds":
        if label_ids == "all":
            raise ValueError("The masks are _labelTrainIds, which hold 19 classes. Leave out --label-ids all.")
        return names, IdTable(names, {number: number for number in range(19)}, "Cityscapes"), told
    if end == "_color":
        colors = {color: "void" for _, _, _, color in LABELS} | {_BLACK: "void"}
        colors |= {color: name for _, name, _, color in reversed(known)}
        told.append("colours do not tell polegroup from pole, and static from unlabelled")
        ordered = sorted(colors.items(), key=lambda item: names.index(item[1]) if item[1] in names else VOID)
        return names, ClassTable.of_colors((name, color) for color, name in ordered), told
    ids = dict.fromkeys((*_NOTHING, *(number for number, *_ in LABELS)), VOID)
    ids |= {number: names.index(name) for number, name, _, _ in known}
    return names, IdTable(names, ids, "Cityscapes"), told


def _of_file(path, unlabelled, end):
    """Return the same of a class file, where ids are lines: of KITTI's masks from 0, else from 1 if no line is
    background, as Datumaro counts.
    """
    table = read_colors(path)
    lines = ClassTable(path).names if table is None else _in_order(table)
    black = table is not None and _BLACK in table.colors
    first = [] if black or not end or any(map(is_background, lines)) else [BACKGROUND]
    rest = "void" if unlabelled == "void" else BACKGROUND
    entries = [(number, rest if name == BACKGROUND and first else name) for number, name in enumerate([*first, *lines])]
    told = [f"classes: {path.name}"] + ([f"id 0, which no line names: {unlabelled}"] if first else [])
    if not end and not (black or is_background(lines[0])):
        told.append(f"id 0: {lines[0]}, and what nothing covers if Datumaro wrote this, which does not tell them apart")
    if end != "_color":
        ids = IdTable.of(entries, path.name)
        return ids.names, ids, told
    colors = table or in_voc_colors(lines)
    named = {color: _name(colors, value) for color, value in colors.colors.items()}
    if first:
        named = {_BLACK: rest} | {color: name for color, name in named.items() if color != _BLACK}
    colors = ClassTable.of_colors((name, color) for color, name in named.items())
    return colors.names, colors, told


def _name(table, value):
    return "void" if value == VOID else table.names[value]


def _in_order(table):
    """Return the names of a table's colours in the order of the lines."""
    return [_name(table, value) for value in table.colors.values()]
