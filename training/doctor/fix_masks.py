"""Correct one mask: its colours, ids and size."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcn_keras.datasets.images import read_mask_file, read_size
from fcn_keras.datasets.label_reading import palette_ids
from fcn_keras_console.words import counted, some

from ..annotations.masks import VOID, describe_mask, voc_ids, without_mixed

_ASPECT = 0.01  # relative difference of two aspect ratios up to which a mask is resized
_KNOWN_SHARE = 0.5  # of a mask's pixels whose colour must be known for the others to follow
_NAMED = 100  # changes of ids that are named


@dataclass(frozen=True)
class FixedMask:
    """A mask as it is to be written.

    Attributes:
        ids: `(H, W)` uint8; None if it cannot be corrected.
        reason: why it cannot.
        changed: which ids became which, such as `1 -> 0 (12 pixels); 2 -> 1 (1 pixel)`; the sizes if those changed.
    """

    ids: np.ndarray | None
    reason: str | None = None
    changed: str = ""


def fixed_mask(examination, index, codes, chosen=frozenset()):
    """Correct one mask.

    Args:
        codes: of the findings about it.
        chosen: names of `numbering.READINGS`.

    Returns:
        `FixedMask`.
    """
    reading, pair = examination.reading, examination.layout.pairs[index]
    file = read_mask_file(pair.label)
    before = ids_of(file, index, reading, examination)
    if before is None:
        return FixedMask(None, "in colours that stand for no class")
    ids = before.astype(np.int64)
    if codes & {"mask-is-jpeg", "mask-resized-smoothly"}:
        ids = without_mixed(ids)
        if describe_mask(ids, ignore_label=reading.ignore_label).smooth:
            return FixedMask(None, "mixed ids everywhere")
    if "mask-is-luma" in codes:
        table = np.arange(256)
        table[list(reading.luma)] = list(reading.luma.values())
        ids = table[ids]
    if "mask-is-0-255" in codes:
        ids[ids == VOID] = 1
    ids = _renumbered(ids, reading, codes, chosen)
    ids = ids.astype(np.uint8)
    fitting, reason = _fitted(ids, pair, codes)
    return FixedMask(fitting, reason, "" if fitting is None else _changed(before, ids, fitting.shape))


def _renumbered(ids, reading, codes, chosen):
    """Take ids for what they mean, as was chosen where that is not clear."""
    void = (ids == VOID) | (ids == reading.ignore_label)
    if "zero-void" in chosen:
        return np.where(void | (ids == 0), VOID, ids - 1)
    if "multiples" in chosen:
        return np.where(void, VOID, ids // reading.step)
    if "ids-off-by-one" in codes:
        return np.where(void, VOID, ids - 1)
    if "ids-out-of-range" in codes:
        ids[~void & ((ids < 0) | (ids >= reading.num_classes))] = VOID
    return ids


def _changed(before, ids, shape):
    """Tell which ids became which, and of how many pixels, most first; and what shape was given to them."""
    old, new = before[before != ids].astype(np.int64), ids[before != ids].astype(np.int64)
    became, counts = np.unique(np.stack([old, new]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows = zip(*became[:, order].tolist(), counts[order].tolist(), strict=True)
    changes = [f"{old} -> {new} ({counted(number, 'pixel')})" for old, new, number in rows]
    sizes = [" x ".join(map(str, each)) for each in (ids.shape, shape)]
    resized = [] if ids.shape == shape else [f"{' -> '.join(sizes)} pixels (height x width)"]
    return "; ".join([*([some(changes, _NAMED, "; ")] if changes else []), *resized])


def ids_of(file, index, reading, examination):
    """Return the ids of a `MaskFile` as it is read, colours translated; None for colours that stand for no class."""
    pixels, table = file.pixels, examination.table
    if index in reading.greys:
        return table.grey_ids[pixels]
    if reading.colored and file.palette is not None:
        ids, known = palette_ids(file, table, reading.ignore_label)
        ids, known = ids[pixels], known[pixels]
    elif pixels.ndim == 2:
        return pixels
    elif reading.colored:
        ids, known = table.lookup(pixels)
    elif index in reading.voc:
        return voc_ids(pixels)
    else:
        return pixels[..., 0] if (pixels == pixels[..., :1]).all() else None
    if known.all():
        return ids
    return without_mixed(ids, known) if known.mean() >= _KNOWN_SHARE else None


def _fitted(ids, pair, codes):
    """Resize a mask to its image's size if their aspect ratios agree."""
    if "size-mismatch" not in codes:
        return ids, None
    (height, width), (mine, across) = read_size(pair.image), ids.shape
    if abs(height * across / (width * mine) - 1) > _ASPECT:
        return None, "image and mask of different shape"
    return np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST)), None
