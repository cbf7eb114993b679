"""Read Roboflow's semantic masks: `x.jpg`, `x_mask.png` and `_classes.csv`, in a folder a split."""

from pathlib import Path

from .annotations import SPLITS, VOID, Annotations
from .class_ids import read_ids
from .id_masks import annotated, paired

CLASSES, MASK = "_classes.csv", "_mask.png"


def read(source, *, classes=None, ignore_label=VOID, unreadable, progress):
    """Find images, masks and the classes of each split.

    Args:
        source: the folder of the splits, or of one.
        classes: class file that names the ids; default: `_classes.csv` of each split.
        ignore_label: void id besides 255.
        unreadable: not called: nothing is read yet.
        progress: not called.

    Returns:
        `Annotations`, divided if there are several splits.

    Raises:
        ValueError: if there is no `_classes.csv`, or no mask.
    """
    source = Path(source)
    own = {SPLITS[path.parent.name.lower()]: path for path in _tables(source) if path.parent != source}
    if not own and not (source / CLASSES).is_file():
        raise ValueError(f"{source} has no {CLASSES}, and neither have train, valid and test below it.")
    if isinstance(classes, int):
        raise ValueError(f"--classes {classes} gives no names, and {CLASSES} has some. Name a class file.")
    pairs, left_out = paired(source, "{split}/*" if own else "*", f"{{split}}/{{name}}{MASK}" if own else f"*{MASK}")
    tables = {split: read_ids(classes or path) for split, path in (own or {"all": source / CLASSES}).items()}
    names = tuple(dict.fromkeys(name for table in tables.values() for name in table.names))
    one = next(iter(tables.values())).within(names)
    by_split = annotated(pairs, lambda split: tables[split].within(names) if split in tables else one, ignore_label)
    others = left_out.pop("file that no pattern matches")
    left_out["file of no known use"] = [name for name in others if Path(name).name != CLASSES]
    alone = left_out["image without mask"]
    left_out["mask without image"] = [name for name in alone if name.endswith(MASK)]
    left_out["image without mask"] = [name for name in alone if not name.endswith(MASK)]
    return Annotations(names, by_split, [f"classes: {classes or CLASSES}", *_differences(tables)], left_out)


def _differences(tables):
    """Say which id is called differently in the splits: masks go by the names."""
    (first, one), *others = tables.items()
    for split, other in others:
        for number in sorted(other.meanings):
            own, theirs = (table.name_of(number) for table in (one, other))
            if own != theirs:
                return [
                    f"the splits number their classes differently: {number} is {own} in {first}, {theirs} in {split}"
                ]
    return []


def _tables(source):
    below = [folder / CLASSES for folder in sorted(source.iterdir()) if folder.name.lower() in SPLITS]
    return [path for path in [source / CLASSES, *below] if path.is_file()]
