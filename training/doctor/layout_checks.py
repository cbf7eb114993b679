"""Say what is wrong with the names of files and splits; only two files of one id are opened, to be compared."""

from collections import Counter
from pathlib import Path

import numpy as np

from fcn_keras.datasets.images import read_mask
from fcn_keras.datasets.listing import key_of
from fcn_keras.datasets.names import split_of

from .numbering import readings

IMAGES, LABELS = "images", "labels"
ORDER = ("train", "val", "test")
_USUAL = {*ORDER, "trainval", "all"}


def note_unlisted(layout, names, where):
    if names:
        layout.findings.note(
            "unlisted",
            f"{len(names)} files in {IMAGES} and {LABELS} are {where}, so that no split has them.",
            "Nothing to do if they are left out on purpose.",
            files=names,
        )


def check_columns(content, path, layout):
    if content.unknown:
        layout.findings.error(
            "list-columns",
            f"{path.name} has {len(content.unknown)} lines of several columns that name no files of the data set, the "
            f"first {content.unknown[0]!r}.",
            "Write an id a line, or an image and its mask: images/a.jpg labels/a.png.",
        )
        content.keys = [key for key in content.keys if key not in set(content.unknown)]


def checked_ids(keys, known, path, layout):
    """Return a list's ids without repetition and without extensions, and say what was wrong."""
    twice = sorted(key for key, times in Counter(keys).items() if times > 1)
    if twice:
        layout.findings.error(
            "listed-twice", f"{path.name} lists {len(twice)} ids more than once.", "Keep each once.", files=twice
        )
    suffixed = [key for key in keys if key not in known and stem_of(key, known) in known]
    if suffixed:
        layout.findings.error(
            "listed-with-extension",
            f"{path.name} lists {len(suffixed)} file names. An id is a name without the extension.",
            "Write the names without the extension.",
            files=suffixed,
        )
    return list(dict.fromkeys(stem_of(key, known) for key in keys))


def stem_of(key, known):
    return key if key in known else Path(key).with_suffix("").as_posix()


def check_doubled(layout, folder, listing):
    layout.doubled += listing.doubled
    if listing.doubled:
        firsts = [listing.images[key_of(path, folder)] for path in listing.doubled]
        same = all(_same_pixels(*files) for files in zip(firsts, listing.doubled, strict=True))
        layout.findings.error(
            "two-files-one-id",
            f"{len(listing.doubled)} files in {layout.name(folder)} have the id of another file there, such as "
            f"{firsts[0].name} and {listing.doubled[0].name}.",
            "Keep one of each."
            if same
            else "They differ: keep one of each. --fix takes the first by name if you say --read-as first-file.",
            files=[layout.name(path) for path in listing.doubled],
            readings=None if same else readings("first-file"),
        )


def _same_pixels(first, second):
    try:
        return np.array_equal(read_mask(first), read_mask(second))
    except ValueError:
        return False


def check_partners(layout, indices):
    """Find files without a partner: masks without images, images without masks, ids of neither."""
    pairs = layout.pairs
    without_mask = [i for i in indices if pairs[i].image and not pairs[i].label]
    without_image = [i for i in indices if pairs[i].label and not pairs[i].image]
    for code, alone, have, what, lack in (
        ("image-without-mask", without_mask, IMAGES, "mask", LABELS),
        ("mask-without-image", without_image, LABELS, "image", IMAGES),
    ):
        if alone:
            here, there = (layout.name(pairs[alone[0]].place.folder(name)) for name in (have, lack))
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


def check_splits(layout):
    strange = [split for split in layout.splits if split_of(split) not in _USUAL]
    if strange:
        layout.findings.note(
            "split-unused",
            f"fcn-train reads train and val, and does not use {' and '.join(strange)}.",
            "Nothing to do if that is meant; else rename, or name two: fcn-train --splits TRAIN VAL.",
        )
    for split, indices in layout.splits.items():
        if not indices:
            layout.findings.error("split-empty", f"The split {split} holds no image.", "Add images, or remove it.")
    if "all" in layout.splits and "all" not in layout.lists:
        layout.findings.note(
            "not-divided",
            "The data set is not divided: fcn-train --data holds about a fifth of it out to validate on.",
            f"To choose yourself, write {layout.directory / 'train.txt'} and {layout.directory / 'val.txt'}, one id a "
            "line, as fcn-doctor --fix OUT --val 0.2 does in a copy.",
        )
    elif missing := [split for split in ("train", "val") if split not in layout.splits]:
        layout.findings.note(
            "split-missing",
            f"There is no split {' and no split '.join(missing)}, and fcn-train reads train and val.",
            "Divide the data set so that both are there; without val, fcn-train --data holds out about a fifth of "
            "train.",
        )
