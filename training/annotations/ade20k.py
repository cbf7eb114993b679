"""Read the 150 classes of ADE20K's scene parsing, whose masks hold 0 for void and 1 for the first class."""

from pathlib import Path

from .annotations import VOID, Annotations
from .class_ids import IdTable, lines_of, read_ids
from .id_masks import annotated, paired

TABLE = "objectInfo150.txt"


def read(source, *, classes=None, unreadable, progress):
    """Find `images/training` and `annotations/training`, and the same of `validation`.

    Args:
        source: the folder of `images` and `annotations`, such as `ADEChallengeData2016`.
        classes: class file that names the ids, which begin at 1; default: `objectInfo150.txt` in `source`.
        unreadable: not called: nothing is read yet.
        progress: not called.

    Returns:
        `Annotations`, divided.

    Raises:
        ValueError: if the layout is another, or there are no names.
    """
    source = Path(source)
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder. Expected that of images, annotations and {TABLE}.")
    table = _table(source, classes)
    pairs, left_out = paired(source, "images/{split}/**/*", "annotations/{split}/{folder}/{name}.png")
    others = left_out.pop("file that no pattern matches")
    left_out["file of no known use"] = [
        name for name in others if Path(name).name not in (TABLE, "sceneCategories.txt")
    ]
    decisions = [f"classes: {table.origin}", "id 0: void, as in ADE20K; the ids of the classes begin at 1"]
    return Annotations(table.names, annotated(pairs, lambda _: table), decisions, left_out)


def _table(source, classes):
    if isinstance(classes, int):
        return IdTable.of([(0, "void"), *((n, str(n)) for n in range(1, classes + 1))], f"--classes {classes}")
    if classes is not None:
        table = read_ids(classes)
        first = 0 if 0 in table.meanings else 1  # plain names count from 0, and these ids from 1
        meanings = {number + 1 - first: place for number, place in table.meanings.items()}
        return IdTable(table.names, {0: VOID, **meanings}, Path(classes).name)
    if not (source / TABLE).is_file():
        raise ValueError(f"{source} has no {TABLE} that names the ids. Say --classes FILE, one name a line.")
    rows = [line.split("\t") for line in lines_of(source / TABLE)[1:] if line.strip()]
    if any(len(row) < 2 or not row[0].strip().isdigit() for row in rows):
        raise ValueError(f"{source / TABLE} is not ADE20K's: expected the id first and the names last, by tabs.")
    names = [row[-1].strip() for row in rows]
    short = [name.split(",")[0].split(";")[0].strip() for name in names]
    names = short if len(set(short)) == len(short) else names
    return IdTable.of([(0, "void"), *((int(row[0]), name) for row, name in zip(rows, names, strict=True))], TABLE)
