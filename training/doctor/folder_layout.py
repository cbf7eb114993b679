"""Find the images, masks and lists of a data set in folders, whatever is wrong with them."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fcn_keras.datasets.images import extensions
from fcn_keras_console.image_files import files_below

from .findings import Files, Findings

IMAGES, LABELS = "images", "labels"
_LISTS = ("train", "val", "test", "trainval")  # a `.txt` file of another name is a list if it lists a file
_ORDER = ("train", "val", "test")


@dataclass(frozen=True)
class FilePair:
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
        findings: what is wrong with the names, and later with what the files hold.
    """

    directory: Path
    pairs: list[FilePair] = field(default_factory=list)
    splits: dict[str, list[int]] = field(default_factory=dict)
    lists: dict[str, Path] = field(default_factory=dict)
    doubled: list[Path] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def name(self, path):
        return path.relative_to(self.directory).as_posix()

    def files(self, kind, noun):
        """Return the `Files` of one kind, `image` or `label`; where a pair has none, its id stands for it."""
        files = [(getattr(pair, kind), pair.key) for pair in self.pairs]
        return Files(self.splits, [self.name(path) if path else key for path, key in files], noun, self.findings)


def find_layout(directory):
    """List a data set in one of the layouts that `Folder` reads.

    Raises:
        ValueError: if the folder holds no data set.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory} is not a folder. Expected the folder of a data set.")
    layout, splits = Layout(directory), {}
    for folder in sorted(directory.iterdir()):
        if folder.name not in (IMAGES, LABELS) and any((folder / name).is_dir() for name in (IMAGES, LABELS)):
            splits[folder.name] = _add(layout, folder, *_files_of(folder))
    if (directory / IMAGES).is_dir():
        files = _files_of(directory)
        splits |= _from_lists(layout, set(splits), files) or (
            {} if splits else {"all": _add(layout, directory, *files)}
        )
    if not splits:
        raise ValueError(
            f"{directory} holds no data set. Expected {directory}/train/{IMAGES} and {directory}/train/{LABELS}, or "
            f"{directory}/{IMAGES}, {directory}/{LABELS} and train.txt. fcn-doctor --import makes that of other tools' "
            "annotations."
        )
    rank = {name: place for place, name in enumerate(_ORDER)}
    layout.splits = {name: splits[name] for name in sorted(splits, key=lambda name: (rank.get(name, 9), name))}
    _check_splits(layout)
    return layout


def _files_of(root):
    """Return the image files and the masks below a folder, each as `_files` does."""
    return _files(root / IMAGES), _files(root / LABELS)


def _add(layout, root, images, labels, keys=None):
    """Append the pairs below a folder, of all ids or of those that a list names; return their indices."""
    for name, (files, doubled) in ((IMAGES, images), (LABELS, labels)):
        _check_doubled(layout, root / name, files, doubled)
    images, labels = images[0], labels[0]
    if keys is None:
        keys = sorted(images.keys() | labels.keys())
    first = len(layout.pairs)
    layout.pairs += [FilePair(key, root, images.get(key), labels.get(key)) for key in keys]
    indices = list(range(first, len(layout.pairs)))
    _check_partners(layout, indices)
    return indices


def _from_lists(layout, taken, files):
    """Read every list beside the folder of images; ids of several lists become one pair."""
    root = layout.directory
    (images, _), (labels, _) = files
    known = images.keys() | labels.keys()
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
    place = dict(zip(every, _add(layout, root, *files, every), strict=True))
    unlisted = sorted(known - set(every))
    if unlisted:
        layout.findings.note(
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
        layout.findings.error("list-unreadable", f"{path.name} is not UTF-8 text.", "Save it as UTF-8, one id a line.")
        return []
    return [line.strip() for line in lines if line.strip()]


def _checked(keys, known, path, layout):
    """Return a list's ids without repetition and without extensions, and say what was wrong."""
    twice = sorted(key for key, times in Counter(keys).items() if times > 1)
    if twice:
        layout.findings.error(
            "listed-twice", f"{path.name} lists {len(twice)} ids more than once.", "Keep each once.", files=twice
        )
    suffixed = [key for key in keys if key not in known and _stem(key, known) in known]
    if suffixed:
        layout.findings.error(
            "listed-with-extension",
            f"{path.name} lists {len(suffixed)} file names. An id is a name without the extension.",
            "Write the names without the extension.",
            files=suffixed,
        )
    return list(dict.fromkeys(_stem(key, known) for key in keys))


def _stem(key, known):
    return key if key in known else Path(key).with_suffix("").as_posix()


def _files(folder):
    """Map ids to the image files below a folder, of several files of one id the first by name; and list the others."""
    known, files, doubled = extensions(), {}, []
    for path in files_below(folder) if folder.is_dir() else ():
        if path.suffix.lower() in known:
            key = path.relative_to(folder).with_suffix("").as_posix()
            if key in files:
                doubled.append(path)
            else:
                files[key] = path
    return files, doubled


def _check_doubled(layout, folder, files, doubled):
    layout.doubled += doubled
    if doubled:
        layout.findings.error(
            "two-files-one-id",
            f"{len(doubled)} files in {layout.name(folder)} have the id of another file there, such as "
            f"{files[doubled[0].relative_to(folder).with_suffix('').as_posix()].name} and {doubled[0].name}.",
            "Keep one of each.",
            files=[layout.name(path) for path in doubled],
        )


def _check_partners(layout, indices):
    """Find files without a partner: masks without images, images without masks, ids of neither."""
    pairs = layout.pairs
    without_mask = [i for i in indices if pairs[i].image and not pairs[i].label]
    without_image = [i for i in indices if pairs[i].label and not pairs[i].image]
    for code, alone, have, what, lack in (
        ("image-without-mask", without_mask, IMAGES, "mask", LABELS),
        ("mask-without-image", without_image, LABELS, "image", IMAGES),
    ):
        if alone:
            here, there = (layout.name(pairs[alone[0]].root / name) for name in (have, lack))
            layout.findings.error(
                code,
                f"{len(alone)} of {len(indices)} files in {here} have no {what} of the same name in {there}.",
                "Add the partners, or take these files out.",
                files=[layout.name(pairs[i].image or pairs[i].label) for i in alone],
                pairs=alone,
            )
    neither = [i for i in indices if not (pairs[i].image or pairs[i].label)]
    if neither:
        layout.findings.error(
            "listed-but-missing",
            f"The lists name {len(neither)} ids of which there is neither image nor mask.",
            "Add the files, or take the ids out of the lists.",
            files=[pairs[i].key for i in neither],
            pairs=neither,
        )


def _check_splits(layout):
    for split, indices in layout.splits.items():
        if not indices:
            layout.findings.error("split-empty", f"The split {split} holds no image.", "Add images, or remove it.")
    if "all" in layout.splits and "all" not in layout.lists:
        layout.findings.note(
            "not-divided",
            "The data set is not divided: fcn-train --data holds a fifth of it out to validate on.",
            f"To choose yourself, write {layout.directory / 'train.txt'} and {layout.directory / 'val.txt'}, one id a "
            "line, as fcn-doctor --fix OUT --val 0.2 does in a copy.",
        )
    elif missing := [split for split in ("train", "val") if split not in layout.splits]:
        layout.findings.note(
            "split-missing",
            f"There is no split {' and no split '.join(missing)}, and fcn-train reads train and val.",
            "Divide the data set so that both are there; without val, fcn-train --data holds out a fifth of train.",
        )
