"""Find the images, masks and lists of a data set in folders, whatever is wrong with them."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .findings import Ledger

IMAGES, LABELS = "images", "labels"
_LISTS = ("train", "val", "test", "trainval")  # a `.txt` file of another name is a list if it lists a file
_ORDER = ("train", "val", "test")


@dataclass(frozen=True)
class Pair:
    """An id with its files.

    Attributes:
        key: the id, as `fcn_keras.datasets.folder.Folder` makes it.
        root: the folder that holds `images` and `labels`.
        image: its file, or None.
        label: its mask, or None.
    """

    key: str
    root: Path
    image: Path | None
    label: Path | None


@dataclass
class Layout:
    """What the names say, before any file is opened.

    Attributes:
        pairs: every id once.
        splits: indices of pairs by split, `train`, `val` and `test` first; the only split of a data set that is not
            divided is `all`.
        lists: the list file of a split, where it has one.
        doubled: files whose id another file has.
        ledger: what is wrong with the names.
    """

    directory: Path
    pairs: list[Pair] = field(default_factory=list)
    splits: dict[str, list[int]] = field(default_factory=dict)
    lists: dict[str, Path] = field(default_factory=dict)
    doubled: list[Path] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)

    def name(self, path):
        return path.relative_to(self.directory).as_posix()


def find_layout(directory):
    """List a data set in one of the layouts that `Folder` reads.

    Raises:
        ValueError: if the folder holds no data set.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory} is not a folder. Expected the folder of a data set.")
    layout, found = Layout(directory), {}
    for folder in sorted(directory.iterdir()):
        if folder.name not in (IMAGES, LABELS) and any((folder / name).is_dir() for name in (IMAGES, LABELS)):
            found[folder.name] = _add(layout, folder)
    if (directory / IMAGES).is_dir():
        found |= _from_lists(layout, set(found)) or ({} if found else {"all": _add(layout, directory)})
    if not found:
        raise ValueError(
            f"{directory} holds no data set. Expected {directory}/train/{IMAGES} and {directory}/train/{LABELS}, or "
            f"{directory}/{IMAGES}, {directory}/{LABELS} and train.txt. fcn-doctor --import makes that of other tools' "
            "annotations."
        )
    rank = {name: place for place, name in enumerate(_ORDER)}
    layout.splits = {name: found[name] for name in sorted(found, key=lambda name: (rank.get(name, 9), name))}
    _check_splits(layout)
    return layout


def _add(layout, root, keys=None):
    """Append the pairs below a folder, of all ids or of those that a list names; return their indices."""
    images, labels = (_files(layout, root / name) for name in (IMAGES, LABELS))
    if keys is None:
        keys = sorted(images.keys() | labels.keys())
    first = len(layout.pairs)
    layout.pairs += [Pair(key, root, images.get(key), labels.get(key)) for key in keys]
    indices = list(range(first, len(layout.pairs)))
    _check_partners(layout, indices)
    return indices


def _from_lists(layout, taken):
    """Read every list beside the folder of images; ids of several lists become one pair."""
    root = layout.directory
    known = _files(Layout(root), root / IMAGES).keys() | _files(Layout(root), root / LABELS).keys()
    listed = {}
    for path in sorted(root.glob("*.txt")):
        if path.name == "classes.txt" or path.stem in taken or path.name.startswith("."):
            continue
        keys = _listed(path, layout)
        if path.stem in _LISTS or any(_stem(key, known) in known for key in keys):
            listed[path.stem], layout.lists[path.stem] = _checked(keys, known, path, layout), path
    if not listed:
        return {}
    every = sorted({key for keys in listed.values() for key in keys})
    place = dict(zip(every, _add(layout, root, every), strict=True))
    unlisted = sorted(known - set(every))
    if unlisted:
        layout.ledger.note(
            "unlisted",
            f"{len(unlisted)} files in {IMAGES} and {LABELS} are in no list, so that no split has them.",
            "Nothing to do if they are left out on purpose.",
            files=unlisted,
        )
    return {split: [place[key] for key in keys] for split, keys in listed.items()}


def _listed(path, layout):
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        layout.ledger.error("list-unreadable", f"{path.name} is not UTF-8 text.", "Save it as UTF-8, one id a line.")
        return []
    return [line.strip() for line in lines if line.strip()]


def _checked(keys, known, path, layout):
    """Return a list's ids without repetition and without extensions, and say what was wrong."""
    twice = sorted(key for key, times in Counter(keys).items() if times > 1)
    if twice:
        layout.ledger.error(
            "listed-twice", f"{path.name} lists {len(twice)} ids more than once.", "Keep each once.", files=twice
        )
    suffixed = [key for key in keys if key not in known and _stem(key, known) in known]
    if suffixed:
        layout.ledger.error(
            "listed-with-extension",
            f"{path.name} lists {len(suffixed)} file names. An id is a name without the extension.",
            "Write the names without the extension.",
            files=suffixed,
        )
    return list(dict.fromkeys(_stem(key, known) for key in keys))


def _stem(key, known):
    return key if key in known else Path(key).with_suffix("").as_posix()


def _files(layout, folder):
    """Map ids to the image files below a folder; of several files of one id the first by name."""
    from fcn_keras.datasets.images import extensions

    known, found, doubled = extensions(), {}, []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in known:
                continue
            key = path.relative_to(folder).with_suffix("").as_posix()
            if key in found:
                doubled.append(path)
            else:
                found[key] = path
    layout.doubled += doubled
    if doubled:
        layout.ledger.error(
            "two-files-one-id",
            f"{len(doubled)} files in {layout.name(folder)} have the id of another file there, such as "
            f"{found[doubled[0].relative_to(folder).with_suffix('').as_posix()].name} and {doubled[0].name}.",
            "Keep one of each.",
            files=[layout.name(path) for path in doubled],
        )
    return found


def _check_partners(layout, indices):
    pairs = layout.pairs
    for code, files, what in (
        ("image-without-mask", [i for i in indices if pairs[i].image and not pairs[i].label], (IMAGES, "mask", LABELS)),
        (
            "mask-without-image",
            [i for i in indices if pairs[i].label and not pairs[i].image],
            (LABELS, "image", IMAGES),
        ),
    ):
        if files:
            folder = layout.name(pairs[files[0]].root / what[0])
            there = layout.name(pairs[files[0]].root / what[2])
            layout.ledger.error(
                code,
                f"{len(files)} of {len(indices)} files in {folder} have no {what[1]} of the same name in {there}.",
                "Add the partners, or take these files out.",
                files=[layout.name(pairs[i].image or pairs[i].label) for i in files],
                pairs=files,
            )
    neither = [i for i in indices if not (pairs[i].image or pairs[i].label)]
    if neither:
        layout.ledger.error(
            "listed-but-missing",
            f"The lists name {len(neither)} ids of which there is neither image nor mask.",
            "Add the files, or take the ids out of the lists.",
            files=[pairs[i].key for i in neither],
            pairs=neither,
        )


def _check_splits(layout):
    for split, indices in layout.splits.items():
        if not indices:
            layout.ledger.error("split-empty", f"The split {split} holds no image.", "Add images, or remove it.")
    if "all" in layout.splits and "all" not in layout.lists:
        layout.ledger.note(
            "not-divided",
            "The data set is not divided: fcn-train --data holds a fifth of it out to validate on.",
            f"To choose yourself, write {layout.directory / 'train.txt'} and {layout.directory / 'val.txt'}, one id a "
            "line, as fcn-doctor --fix OUT --val 0.2 does in a copy.",
        )
    elif missing := [split for split in ("train", "val") if split not in layout.splits]:
        layout.ledger.note(
            "split-missing",
            f"There is no split {' and no split '.join(missing)}, and fcn-train reads train and val.",
            "Divide the data set so that both are there; without val, fcn-train --data holds out a fifth of train.",
        )
