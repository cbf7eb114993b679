"""Read every file of a data set once, and write down what is wrong with it.

Nothing here stops at a bad file. What is kept of an image is its size, a digest and a thumbnail of 1 KiB, of a mask
the pixels of each id, so that memory grows by little more than that with each pair.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..annotations.masks import VOID, Mask, describe_mask
from .duplicates import near_pairs, thumbnail

MASK_MENDABLE = {  # faults of a mask that `mend` corrects where it can
    "mask-is-rgb",
    "mask-colors-unknown",
    "mask-is-luma",
    "mask-is-0-255",
    "mask-is-jpeg",
    "mask-resized-smoothly",
    "ids-off-by-one",
    "ids-out-of-range",
    "size-mismatch",
}
# What makes the pixels of a mask count for nothing.
MASK_FAULTS = MASK_MENDABLE | {"exif-mask-unturned", "image-unreadable", "mask-unreadable"}
_THREADS = min(8, os.cpu_count() or 1)
_CHUNK = 256
_COMPARED = ("train", "val", "test", "all")  # lists of other names are parts or unions of these


@dataclass(frozen=True)
class Picture:
    """What the checks need to know of one image.

    Attributes:
        size: `(H, W)`, turned upright by its EXIF orientation.
        turned: its EXIF orientation, 1..8.
        digest: of its pixels.
        thumbnail: `(32, 36)` uint8 grey.
    """

    size: tuple[int, int]
    turned: int
    digest: bytes
    thumbnail: np.ndarray


@dataclass(frozen=True)
class Look:
    """What one pair holds: `picture` and `mask`, or the sentence that says why not; None where there is no file."""

    picture: Picture | str | None
    mask: Mask | dict[str, Mask] | str | None
    mask_digest: bytes = b""


class Where:
    """Say how many of the files, and in which splits.

    Args:
        splits: indices of pairs by split.
        names: of the files, by index of the pair.
        noun: of what is counted, in the plural.
    """

    def __init__(self, splits, names, noun):
        self.splits, self.names, self.noun = splits, names, noun

    def __call__(self, indices):
        chosen = set(indices)
        parts = {split: sum(i in chosen for i in members) for split, members in self.splits.items()}
        places = ", ".join(f"{split} {number}" for split, number in parts.items() if number)
        inside = f" ({places})" if list(self.splits) != ["all"] else ""
        return f"{len(chosen)} of {len(set().union(*self.splits.values()))} {self.noun}{inside}"

    def files(self, indices):
        return [self.names[i] for i in indices]


def look_at(image_file, label_file, *, table=None, ignore_label=VOID):
    """Read a pair of files. Errors become sentences."""
    from fcn_keras.datasets.images import orientation, read_header, read_image, read_mask

    picture = mask = None
    digest = b""
    if image_file is not None:
        try:
            picture = describe_picture(read_image(image_file), orientation(image_file))
        except ValueError as error:
            picture = str(error)
    if label_file is not None:
        try:
            pixels = read_mask(label_file, colored=bool(table and table.colored))
            kind, mode, _ = read_header(label_file)
            mask = describe_mask(pixels, mode=mode, lossy=kind == "JPEG", table=table, ignore_label=ignore_label)
            digest = _digest(pixels)
        except ValueError as error:
            mask = str(error)
    return Look(picture, mask, digest)


def look_at_example(examples, index):
    """Read an example of a data set."""
    from fcn_keras.interface import heads_of

    try:
        example = examples[index]
        labels = heads_of(example.get("label", {}))  # a test split has none
        masks = {head: describe_mask(np.asarray(ids)) for head, ids in labels.items()}
        return Look(describe_picture(np.asarray(example["image"])), masks)
    except ValueError as error:
        return Look(str(error), None)


def describe_picture(pixels, turned=1):
    """Describe `(H, W, 3)` uint8 RGB."""
    return Picture(tuple(int(n) for n in pixels.shape[:2]), turned, _digest(pixels), thumbnail(pixels))


def read_all(look, number, progress=None):
    """Call `look(index)` for every index on all cores, and return the results in order."""
    found = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, number, _CHUNK):
            for result in pool.map(look, range(start, min(start + _CHUNK, number))):
                found.append(result)
                if progress is not None:
                    progress(len(found), number)
    return found


def check_reading(looks, where_images, where_masks, directory, ledger):
    """Say which files could not be read."""
    for kind, code, where in (("picture", "image-unreadable", where_images), ("mask", "mask-unreadable", where_masks)):
        bad = [i for i, look in enumerate(looks) if isinstance(getattr(look, kind), str)]
        if bad:
            first = getattr(looks[bad[0]], kind).replace(f"{directory}{os.sep}", "")
            ledger.error(
                code,
                f"{where(bad)} cannot be read. The first: {first}",
                "Get them again, or take the pairs out.",
                files=where.files(bad),
                pairs=bad,
            )


def check_pair_sizes(looks, where, ledger):
    """Compare the sizes of images and masks, with EXIF rotation in mind."""
    unturned, turned, undecided, wrong = _by_fit(looks)
    if unturned:
        ledger.error(
            "exif-mask-unturned",
            f"{where(unturned)} are turned sideways by their EXIF orientation; their masks fit the unturned pixels.",
            "Drop the EXIF orientation, or turn the masks too; fcn-doctor --fix drops it.",
            files=where.files(unturned),
            pairs=unturned,
        )
    if wrong:
        first = looks[wrong[0]]
        ledger.error(
            "size-mismatch",
            f"{where(wrong)} differ from their masks in size, the first {first.picture.size} from {first.mask.size} "
            "(height, width).",
            "Resize the masks with nearest neighbour, or take the pairs out; fcn-doctor --fix resizes where the aspect "
            "ratio is the same within 1 %, else takes out.",
            files=where.files(wrong),
            pairs=wrong,
        )
    for code, found, message, advice in (
        (
            "exif-rotated",
            turned,
            "and their masks fit the turned pixels.",
            "Right here, but programs that ignore EXIF see them lying; fcn-doctor --fix turns the pixels.",
        ),
        (
            "exif-undecided",
            undecided,
            "and the sizes do not tell whether their masks fit the turned pixels, which is how they are read.",
            "Look at a few of them with their masks.",
        ),
    ):
        if found:
            message = f"{where(found)} are turned by their EXIF orientation, {message}"
            ledger.note(code, message, advice, files=where.files(found), pairs=found)


def _by_fit(looks):
    """Sort pairs by how they fail to fit: masks of the unturned pixels, of the turned ones, of either, of neither."""
    unturned, turned, undecided, wrong = [], [], [], []
    for index, look in enumerate(looks):
        if not isinstance(look.picture, Picture) or not isinstance(look.mask, Mask):
            continue
        size, sideways = look.picture.size, look.picture.turned >= 5
        if look.mask.size != size:
            (unturned if sideways and look.mask.size == size[::-1] else wrong).append(index)
        elif look.picture.turned != 1:
            (turned if sideways and size[0] != size[1] else undecided).append(index)
    return unturned, turned, undecided, wrong


def check_duplicates(looks, splits, names, ledger):
    """Find pictures that are there twice: across splits an error where one of them is trained on, else a note."""
    order = [split for split in _COMPARED if split in splits] or list(splits)
    readable = {s: [i for i in splits[s] if isinstance(looks[i].picture, Picture)] for s in order}
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            _across(looks, first, second, readable, names, ledger)
    for split in order:
        _inside(looks, split, readable[split], names, ledger)


def _across(looks, first, second, readable, names, ledger):
    mine, theirs = readable[first], readable[second]
    digests = {looks[i].picture.digest: i for i in reversed(theirs)}
    exact = [(i, digests[looks[i].picture.digest]) for i in mine if looks[i].picture.digest in digests]
    same = {i for i, _ in exact}
    mine = [i for i in mine if i not in same]
    near = [(mine[a], theirs[b]) for a, b in near_pairs(_thumbnails(looks, mine), _thumbnails(looks, theirs))]
    for code, found, how in (
        ("duplicate-across-splits", exact, "are also in"),
        ("near-duplicate-across-splits", near, "are also, changed a little or mirrored, in"),
    ):
        if not found:
            continue
        trained = first == "train"
        (ledger.error if trained else ledger.note)(
            code,
            f"{len(found)} of {len(readable[first])} images of {first} {how} {second}, the first {names[found[0][0]]} "
            f"and {names[found[0][1]]}" + (": what is scored there was trained on." if trained else "."),
            "Take them out of train; fcn-doctor --fix does." if trained else "Keep each in one split.",
            files=[names[i] for i, _ in found],
            pairs=[i for i, _ in found],
        )


def _inside(looks, split, members, names, ledger):
    first, exact = {}, []
    for index in members:
        twin = first.setdefault(looks[index].picture.digest, index)
        if twin != index:
            exact.append((index, twin))
    distinct = list(first.values())
    near = [(distinct[a], distinct[b]) for a, b in near_pairs(_thumbnails(looks, distinct))]
    for code, found, what in (
        ("duplicate-inside-split", exact, "the same picture as another one"),
        ("near-duplicate-inside-split", near, "nearly the same picture as another one"),
    ):
        if found:
            differing = sum(looks[i].mask_digest != looks[j].mask_digest for i, j in found)
            masks = f" {differing} of them have different masks." if code == "duplicate-inside-split" else ""
            ledger.note(
                code,
                f"{len(found)} of {len(members)} images of {split} show {what} there, the first {names[found[0][0]]} "
                f"and {names[found[0][1]]}.{masks}",
                "Nothing to do for frames of a video; else keep one of each, and never one in each of two splits.",
                files=[names[i] for i, _ in found],
                pairs=[i for i, _ in found],
            )


def _thumbnails(looks, indices):
    empty = np.zeros((0, 32, 36), np.uint8)
    return np.stack([looks[i].picture.thumbnail for i in indices]) if indices else empty


def _digest(pixels):
    return hashlib.blake2b(
        np.ascontiguousarray(pixels), digest_size=16, person=str(pixels.shape).encode()[:16]
    ).digest()
