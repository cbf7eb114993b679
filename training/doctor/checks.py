"""Read every file of a data set once, and find what is wrong with pairs of an image and its mask.

Nothing here stops at a bad file. What is kept of an image is its size, four numbers and a thumbnail of 1 KiB, of a
mask the pixels of each id and how many thin parts, so that memory grows by little more than that with each pair.
Images of one thumbnail are read again, to see whether they are the same in every pixel.
"""

import hashlib
import os
from dataclasses import dataclass, replace

import numpy as np

from fcn_keras.datasets.images import read_image, read_mask, read_mask_file, read_picture
from fcn_keras.datasets.label_reading import palette_ids, values_of
from fcn_keras.datasets.mask_files import lacking_color
from fcn_keras.visualize import VOID_COLOR

from ..annotations.masks import VOID, Mask, describe_mask
from .duplicates import thumbnail
from .photographs import Look, look

FIXABLE = {  # faults of a mask that `fix` corrects where it can
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
_READ = (read_image, read_mask)
# What makes the pixels of a mask count for nothing.
MASK_FAULTS = FIXABLE | {"exif-mask-unturned", "image-unreadable", "mask-unreadable"}


@dataclass(frozen=True)
class ImageFacts:
    """What the checks need to know of one image.

    Attributes:
        size: `(H, W)`, turned upright by its EXIF orientation.
        turned: its EXIF orientation, 1..8.
        digest: the same for images of the same pixels; `with_digests` fills it.
        thumbnail: `(32, 36)` uint8 grey.
        look: how sharp, dark and bright it is.
    """

    size: tuple[int, int]
    turned: int
    digest: bytes
    thumbnail: np.ndarray
    look: Look


@dataclass(frozen=True)
class PairFacts:
    """What one pair holds: `image` and `mask`, or the sentence that says why not; None where there is no file."""

    image: ImageFacts | str | None
    mask: Mask | str | None
    mask_digest: bytes = b""


def read_pair(image_file, label_file, *, table=None, ignore_label=VOID):
    """Decode a pair of files, and describe them. Errors become sentences."""
    image = mask = None
    if image_file is not None:
        try:
            picture, turned = read_picture(image_file)
            image = ImageFacts((picture.height, picture.width), turned, b"", thumbnail(picture), look(picture))
        except ValueError as error:
            image = str(error)
    if label_file is not None:
        try:
            file = read_mask_file(label_file)
            mask = _described(file, label_file, table, ignore_label)
        except ValueError as error:
            mask = str(error)
    return PairFacts(image, mask)


def with_digests(files, pairs):
    """Tell which images are the same in every pixel: only those of one size and thumbnail can be, and are read again.

    Args:
        files: `(image, mask)` files of each pair.
        pairs: list of `PairFacts`.

    Returns:
        the same with digests; of an image that no other can equal, its index stands for it.
    """
    alike = {}
    for index, pair in enumerate(pairs):
        if isinstance(pair.image, ImageFacts):
            alike.setdefault((pair.image.size, pair.image.thumbnail.tobytes()), []).append(index)
    result, known = list(pairs), {}
    for indices in alike.values():
        for index in indices:
            digest, mask_digest = str(index).encode(), b""
            if len(indices) > 1:
                digest, mask_digest = (_digest_of(*each, known) for each in zip(_READ, files[index], strict=True))
            image = replace(pairs[index].image, digest=digest)
            result[index] = replace(pairs[index], image=image, mask_digest=mask_digest)
    return result


def _digest_of(read, file, known):
    """Return the digest of a file's pixels, once for copies of it, which `known` keeps by their bytes.

    A file that has changed since, and cannot be read, has a digest of its own.
    """
    if file is None:
        return b""
    try:
        content = read, hashlib.blake2b(file.read_bytes(), digest_size=16).digest()
        if content not in known:
            known[content] = _digest(read(file))
        return known[content]
    except (OSError, ValueError):
        return str(file).encode(errors="surrogatepass")


def _described(file, path, table, ignore_label):
    """Describe a mask by the ids of its palette's colours where classes have colours, else as it lies in its file."""
    options = {"mode": file.mode, "lossy": file.kind == "JPEG", "table": table, "ignore_label": ignore_label}
    options["remark"] = _remark(file)
    if file.palette is None or not (table and table.colored):
        return describe_mask(file.pixels, **options)
    ids, known = palette_ids(file, table, ignore_label)
    used = values_of(file.pixels)
    if lacking := [int(index) for index in used if index >= len(file.palette) and not known[index]]:
        raise ValueError(lacking_color(path, lacking, len(file.palette)))
    if known[used].all():
        return describe_mask(ids[file.pixels], **options)
    colors = np.full((256, 3), VOID_COLOR, np.uint8)
    colors[: len(file.palette)] = file.palette
    return describe_mask(colors[file.pixels], **options)


def _remark(file):
    """Tell what few bits a pixel did to the ids of a mask."""
    if file.bits not in (2, 4):
        return ""
    if file.palette is None:
        return "few bits"
    if len(file.palette) < 2**file.bits:
        return "void cut off" if (file.pixels == VOID).any() else ""
    return "void lost" if (file.pixels == 2**file.bits - 1).any() else ""


def _digest(pixels):
    shape = str(pixels.shape).encode()[:16]
    return hashlib.blake2b(np.ascontiguousarray(pixels), digest_size=16, person=shape).digest()


def check_reading(pairs, images, masks, directory):
    """Say which files could not be read.

    Args:
        pairs: list of `PairFacts`.
        images, masks: `Files`.
        directory: of the data set.
    """
    for kind, files in (("image", images), ("mask", masks)):
        errors = {i: getattr(pair, kind) for i, pair in enumerate(pairs) if isinstance(getattr(pair, kind), str)}
        first = next(iter(errors.values()), "").replace(f"{directory}{os.sep}", "")
        message = f"cannot be read. The first: {first}"
        files.error(f"{kind}-unreadable", list(errors), message, "Get them again, or take the pairs out.")


def check_pair_sizes(pairs, images):
    """Compare the sizes of images and masks, with EXIF rotation in mind."""
    unturned, turned, undecided, wrong = _by_fit(pairs)
    images.error(
        "exif-mask-unturned",
        unturned,
        "are turned sideways by their EXIF orientation; their masks fit the unturned pixels.",
        "Drop the EXIF orientation, or turn the masks too; fcn-doctor --fix drops it.",
    )
    sizes = f"the first {pairs[wrong[0]].image.size} from {pairs[wrong[0]].mask.size}" if wrong else ""
    images.error(
        "size-mismatch",
        wrong,
        f"differ from their masks in size, {sizes} (height, width).",
        "Resize the masks with nearest neighbour, or take the pairs out; fcn-doctor --fix resizes where the aspect "
        "ratio is the same within 1 %, else takes out.",
    )
    images.note(
        "exif-rotated",
        turned,
        "are turned by their EXIF orientation, and their masks fit the turned pixels.",
        "Right here, but programs that ignore EXIF see them lying; fcn-doctor --fix turns the pixels.",
    )
    images.note(
        "exif-undecided",
        undecided,
        "are turned by their EXIF orientation, and the sizes do not tell whether their masks fit the turned pixels, "
        "which is how they are read.",
        "Look at a few of them with their masks.",
    )


def _by_fit(pairs):
    """Sort pairs by how they fail to fit: masks of the unturned pixels, of the turned ones, of either, of neither."""
    unturned, turned, undecided, wrong = [], [], [], []
    for index, pair in enumerate(pairs):
        if not isinstance(pair.image, ImageFacts) or not isinstance(pair.mask, Mask):
            continue
        size, sideways = pair.image.size, pair.image.turned >= 5
        if pair.mask.size != size:
            (unturned if sideways and pair.mask.size == size[::-1] else wrong).append(index)
        elif pair.image.turned != 1:
            (turned if sideways and size[0] != size[1] else undecided).append(index)
    return unturned, turned, undecided, wrong
