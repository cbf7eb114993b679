"""Correct one mask: its colours, ids and size."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcn_keras.datasets.images import read_mask_file, read_size
from fcn_keras.datasets.label_reading import palette_ids
from fcn_keras_console.words import counted, some

from ..annotations.class_colors import ids_without_doubt
from ..annotations.masks import VOID, describe_mask, packed, unpacked, voc_ids, without_mixed

_ASPECT = 0.01  # relative difference of two aspect ratios up to which a mask is resized
_NAMED = 100  # changes of ids that are named


@dataclass(frozen=True)
class FixedMask:
    """A mask as it is to be written.

    Attributes:
        ids: `(H, W)` uint8; None if it cannot be corrected.
        reason: why it cannot.
        changed: which ids became which, such as `1 -> 0 (12 pixels); 2 -> 1 (1 pixel)`; before, which colours that no
            class has became which ids; after, the sizes if those changed.
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
    before, reason = ids_of(file, index, reading, examination)
    if before is None:
        return FixedMask(None, reason)
    ids = before.astype(np.int64)
    if codes & {"mask-is-jpeg", "mask-resized-smoothly"} and not _by_color(file, index, reading):
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
    if fitting is None:
        return FixedMask(None, reason)
    colors = _colors_changed(file, index, examination, before)
    return FixedMask(fitting, None, "; ".join([*colors, *_changed(before, ids, fitting.shape)]))


def _renumbered(ids, reading, codes, chosen):
    """Take ids for what they mean, as was chosen where that is not clear."""
    void = (ids == VOID) | (ids == reading.ignore_label)
    if "zero-void" in chosen:
        return np.where(void | (ids == 0), VOID, ids - 1)
    if "multiples" in chosen:
        return np.where(void, VOID, ids // reading.step)
    if "ids-off-by-one" in codes and "last-void" not in chosen:
        return np.where(void, VOID, ids - 1)
    if codes & {"ids-out-of-range", "ids-off-by-one"}:
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
    return ([some(changes, _NAMED, "; ")] if changes else []) + resized


def _colors_changed(file, index, examination, ids):
    """Tell which colours that no class has became which ids, and of how many pixels, most first."""
    if not _by_color(file, index, examination.reading):
        return []
    colors, _, known = _looked_up(file, examination)
    became = np.stack([packed(colors)[~known], ids[~known].astype(np.int64)])
    became, counts = np.unique(became, axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    old, new = unpacked(became[0, order]).tolist(), became[1, order].tolist()
    rows = zip(old, new, counts[order].tolist(), strict=True)
    changes = [f"{tuple(color)} -> {id_} ({counted(number, 'pixel')})" for color, id_, number in rows]
    return [some(changes, _NAMED, "; ")] if changes else []


def ids_of(file, index, reading, examination):
    """Return the ids of a `MaskFile` as it is read, colours translated, and None; or None, and why they are unknown."""
    pixels = file.pixels
    if index in reading.greys:
        return examination.table.grey_ids[pixels], None
    if _by_color(file, index, reading):
        colors, ids, known = _looked_up(file, examination)
        if known.all():
            return ids, None
        found, reason = ids_without_doubt(colors, examination.table, known, lossy=file.kind == "JPEG")
        return (None, reason) if found is None else (np.where(known, ids, found), None)
    if pixels.ndim == 2:
        return pixels, None
    if index in reading.voc:
        return voc_ids(pixels), None
    grey = (pixels == pixels[..., :1]).all()
    return (pixels[..., 0], None) if grey else (None, "in colours that stand for no class")


def _by_color(file, index, reading):
    return reading.colored and index not in reading.greys and (file.palette is not None or file.pixels.ndim == 3)


def _looked_up(file, examination):
    """Return `(H, W, 3)` colours, their `(H, W)` ids, and where they are known."""
    if file.palette is None:
        return file.pixels, *examination.table.lookup(file.pixels)
    ids, known = palette_ids(file, examination.table, examination.reading.ignore_label)
    return colors_of(file), ids[file.pixels], known[file.pixels]


def colors_of(file):
    """Return the `(H, W, 3)` colours of a `MaskFile`, black where its palette has none; None of a grey one."""
    if file.palette is None:
        return file.pixels if file.pixels.ndim == 3 else None
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(file.palette)] = file.palette
    return colors[file.pixels]


def _fitted(ids, pair, codes):
    """Resize a mask to its image's size if their aspect ratios agree."""
    if "size-mismatch" not in codes:
        return ids, None
    (height, width), (mine, across) = read_size(pair.image), ids.shape
    if abs(height * across / (width * mine) - 1) > _ASPECT:
        return None, "image and mask of different shape"
    return np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST)), None
