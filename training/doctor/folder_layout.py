"""Find the images, masks and lists of a data set in folders, whatever is wrong with them."""

from dataclasses import dataclass, field
from pathlib import Path

from fcn_keras.datasets import layouts
from fcn_keras.datasets.layouts import Place
from fcn_keras.datasets.listing import Listing, files_below, list_images
from fcn_keras.datasets.names import split_of
from fcn_keras.datasets.split_lists import Listed, read_list
from fcn_keras_console.given import require_directory
from fcn_keras_console.left_alone import kinds_of

from .findings import Files, Findings
from .layout_checks import (
    IMAGES,
    LABELS,
    ORDER,
    check_columns,
    check_doubled,
    check_partners,
    check_splits,
    checked_ids,
    note_unlisted,
    stem_of,
)

HHA = "hha"


@dataclass(frozen=True)
class FilePair:
    """An id with its files.

    Attributes:
        key: the id, as `fcn_keras.datasets.folder.Folder` makes it.
        place: of its split.
        image: its file, or None.
        label: its mask, or None.
    """

    key: str
    place: Place
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
        others: files and folders in the data set's that are not read.
        unlabelled: number of images by split, of splits to test on that have no masks.
        findings: what is wrong with the names, and later with what the files hold.
    """

    directory: Path
    pairs: list[FilePair] = field(default_factory=list)
    splits: dict[str, list[int]] = field(default_factory=dict)
    lists: dict[str, Path] = field(default_factory=dict)
    doubled: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    unlabelled: dict[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def name(self, path):
        return path.relative_to(self.directory).as_posix()

    def left_alone(self):
        """Count `others` by kind, as `kinds_of` does, and the files of whole folders by the folder's name."""
        kinds, files = {}, []
        for path in self.others:
            real = path.resolve()
            if not path.is_dir() or path.name.startswith(".") or self.directory.resolve().is_relative_to(real):
                files.append(path)
            elif number := len(files_below(path)):
                kinds[f"file in {self.name(path)}"] = number
        kinds |= {f"image of {split} without masks": number for split, number in self.unlabelled.items()}
        return kinds_of(files) | kinds

    def all_files(self):
        """Return the paths of all files that the doctor reads, `classes.txt` apart."""
        folders = {pair.place.folder(HHA) for pair in self.pairs}
        hha = [path for folder in folders if folder.is_dir() for path in list_images(folder).images.values()]
        pairs = [path for pair in self.pairs for path in (pair.image, pair.label) if path]
        return [*pairs, *self.doubled, *self.lists.values(), *hha]

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
    require_directory(directory, "", "Expected the folder of a data set.")
    layout = Layout(directory)
    places = layouts.divided(directory, IMAGES, LABELS)
    whole = Place(directory)
    splits = _add_places(layout, places)
    if whole.folder(IMAGES).is_dir():
        files = _files_of(whole)
        listed = _from_lists(layout, set(splits), files)
        if splits and not listed:
            layout.others += [folder for kind in (IMAGES, LABELS) if (folder := whole.folder(kind)).is_dir()]
        splits |= listed or ({} if splits else _inner_or_whole(layout, whole, files))
    if not splits:
        raise ValueError(
            f"{directory} holds no data set. Expected {directory}/train/{IMAGES} and {directory}/train/{LABELS}, or "
            f"{directory}/{IMAGES}, {directory}/{LABELS} and train.txt. fcn-doctor --import makes that of other tools' "
            "annotations."
        )
    named = _named(layout, splits)
    rank = {name: place for place, name in enumerate(ORDER)}
    layout.splits = {name: named[name] for name in sorted(named, key=lambda name: (rank.get(name, 9), name))}
    check_splits(layout)
    _look_around(layout, places)
    return layout


def _files_of(place):
    """Return the `Listing` of the images and that of the masks of a place."""
    folders = [place.folder(kind) for kind in (IMAGES, LABELS)]
    return [list_images(folder) if folder.is_dir() else Listing() for folder in folders]


def _add_places(layout, places):
    """Add the splits that are folders; one to test on that has no mask at all is only counted."""
    splits = {}
    for name, place in places.items():
        files = _files_of(place)
        if split_of(name) == "test" and files[0].images and not files[1].images:
            layout.unlabelled[name] = len(files[0].images)
        else:
            splits[name] = _add(layout, place, files)
    return splits


def _add(layout, place, files, keys=None):
    """Append the pairs of a place, of all ids or of those that a list names; return their indices."""
    for kind, listing in zip((IMAGES, LABELS), files, strict=True):
        check_doubled(layout, place.folder(kind), listing)
        layout.others += listing.others
    images, labels = (listing.images for listing in files)
    if keys is None:
        keys = sorted(images.keys() | labels.keys())
    first = len(layout.pairs)
    layout.pairs += [FilePair(key, place, images.get(key), labels.get(key)) for key in keys]
    indices = list(range(first, len(layout.pairs)))
    check_partners(layout, indices)
    return indices


def _inner_or_whole(layout, whole, files):
    """Add what no list divides: by the folders within `images` and `labels`, if these are splits, or undivided."""
    places = layouts.inner(layout.directory, IMAGES, LABELS)
    if not places:
        return {"all": _add(layout, whole, files)}
    splits = _add_places(layout, places)
    folders = [place.folder(kind) for place in places.values() for kind in (IMAGES, LABELS)]
    every = [path for listing in files for path in (*listing.images.values(), *listing.others)]
    outside = [path for path in every if not any(path.is_relative_to(folder) for folder in folders)]
    note_unlisted(layout, [layout.name(path) for path in outside], "beside the splits' folders")
    return splits


def _named(layout, splits):
    """Call the splits by what their names mean, and say so."""
    meant = layouts.by_split(splits)
    renamed = [f"{name} as {split}" for name, split in meant.items() if name != split]
    if renamed:
        layout.findings.note("split-named", f"Read by its meaning: {', '.join(renamed)}.", "Nothing to do if so meant.")
    for split in sorted({split_of(name) for name in splits}):
        same = [name for name in splits if split_of(name) == split]
        if len(same) > 1:
            layout.findings.note(
                "split-twice",
                f"{' and '.join(same)} are names of one split, {split}"
                + (f", and only {split} is read as that." if split in same else ", and none of them is read as that."),
                "Join them, or name those to use: fcn-train --splits TRAIN VAL, --split NAME of other commands.",
            )
    layout.lists = {meant[name]: path for name, path in layout.lists.items()}
    return {meant[name]: indices for name, indices in splits.items()}


def _look_around(layout, places):
    """Keep what lies beside the folders that are read."""
    tops = [layout.directory] + [place.root for place in places.values()]
    known = {layouts.CLASSES, layouts.CHANGES, IMAGES, LABELS, HHA, *places}
    known |= {path.name for path in layout.lists.values()}
    for top in tops:
        here = known | {layouts.folder_of(top, LABELS).name}
        layout.others += [path for path in sorted(top.iterdir()) if path.name not in here]


def _from_lists(layout, taken, files):
    """Read every list beside the folder of images; ids of several lists become one pair."""
    place = Place(layout.directory)
    known = files[0].images.keys() | files[1].images.keys()
    listed = {}
    for path in layouts.lists_in(layout.directory):
        split = layouts.name_of_list(path)
        if split in taken or split in listed:
            continue
        content = _listed(path, place, known, layout)
        if layouts.is_name_of_list(path) or content.labels or any(stem_of(key, known) in known for key in content.keys):
            check_columns(content, path, layout)
            for listing, own in zip(files, (content.images, content.labels), strict=True):
                listing.images = listing.images | own
            known = files[0].images.keys() | files[1].images.keys()
            listed[split], layout.lists[split] = checked_ids(content.keys, known, path, layout), path
    if not listed:
        return {}
    every = sorted({key for keys in listed.values() for key in keys})
    index = dict(zip(every, _add(layout, place, files, every), strict=True))
    paired = {pair.image for pair in layout.pairs} | {pair.label for pair in layout.pairs}
    left = {key for listing in files for key, path in listing.images.items() if path not in paired}
    note_unlisted(layout, sorted(left), "in no list")
    return {split: [index[key] for key in keys] for split, keys in listed.items()}


def _listed(path, place, known, layout):
    try:
        return read_list(path, place, known, IMAGES)
    except ValueError:
        layout.findings.error("list-unreadable", f"{path.name} is not UTF-8 text.", "Save it as UTF-8, one id a line.")
        return Listed()
