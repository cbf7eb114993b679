"""Describe one mask in numbers, and undo what smooth resizing, JPEG and grey conversion do to masks."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcn_keras.examples import VOID
from fcn_keras.visualize import VOID_COLOR, palette

from .mixed_borders import Borders, borders_of, has_ramps
from .thin_parts import ThinParts, differences, thin_parts

SAMPLE = 32  # rows and columns of `Mask.sample`
_MOST_COLORS = 300
_RUNS = 0.05  # of the pixels: up to so many runs of one value are counted one by one
_SOLID_SHARE = 0.25  # of an id's pixels that lie in a 3x3 block of it, if the id is true
_FAR = np.iinfo(np.int64).max
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Mask:
    """What the checks need to know of one mask.

    Attributes:
        size: `(H, W)`.
        mode: Pillow's, such as `L`, `P`, `RGB`.
        lossy: whether it is a JPEG file that shows anything.
        values: the ids that it holds, ascending; of a mask in colours only if the three channels are equal.
        counts: pixels of each.
        smooth: whether ids seem mixed at borders, as smooth resizing does, and thin classes between two others.
        solid: the ids that are left once those are taken away.
        colors: `(K, 3)` uint8 if it holds colours that no class has, the most frequent first; else None.
        color_counts: pixels of each.
        unknown: of a mask in colours, pixels whose colour no class has.
        remark: `few bits`, `void cut off` or `void lost` of a file of 2 or 4 bits a pixel, as `checks` tells them.
        thin: `ThinParts` of the classes that have any, void left out.
        sample: `(32, 32)` uint8, the ids at the centres of so many cells; void where there is none.
        borders: of a mask that is `smooth`, what its borders go through; else None.
    """

    size: tuple[int, int]
    mode: str
    lossy: bool
    values: np.ndarray
    counts: np.ndarray
    smooth: bool
    solid: np.ndarray
    colors: np.ndarray | None = None
    color_counts: np.ndarray | None = None
    unknown: int = 0
    remark: str = ""
    thin: tuple[ThinParts, ...] = ()
    sample: np.ndarray | None = None
    borders: Borders | None = None


def describe_mask(pixels, *, mode="L", lossy=False, table=None, ignore_label=VOID, remark=""):
    """Describe the pixels of a mask.

    Args:
        pixels: `(H, W)` integers or `(H, W, 3)` uint8, as `fcn_keras.datasets.images.read_mask` returns them.
        table: a `ClassTable`, whose colours are looked up.
    """
    colored = table is not None and table.colored
    ids, unknown, colors, color_counts = pixels, 0, None, None
    if pixels.ndim == 3 and colored:
        ids, known = table.lookup(pixels)
        unknown = int((~known).sum())
    elif pixels.ndim == 3:
        ids = pixels[..., 0] if _is_grey(pixels) else pixels[:0, :, 0]
        unknown = pixels.shape[0] * pixels.shape[1]
    if unknown:
        colors, color_counts = frequent_colors(pixels)
    values, counts = count(ids)
    with_void = ids if ignore_label == VOID else np.where(ids == ignore_label, VOID, ids)
    differs = differences(with_void)
    # The ids of unknown colours say nothing about borders.
    smooth = not (unknown and colored) and has_ramps(with_void, *differs)
    true = true_ids(ids) if smooth or lossy else None
    solid = values if true is None else count(ids[true])[0]
    borders = borders_of(with_void, true) if smooth else None
    size = tuple(int(n) for n in pixels.shape[:2])
    lossy = bool(lossy and len(values) != 1)
    thin = () if lossy else thin_parts(with_void, *differs, void=VOID)
    sample = _sample(with_void) if ids.size else None
    about_colors = colors, color_counts, unknown
    return Mask(size, mode, lossy, values, counts, smooth, solid, *about_colors, remark, thin, sample, borders)


def _sample(ids):
    """Return the `(32, 32)` uint8 ids at the centres of equal cells."""
    picked = ids[np.ix_(*((2 * np.arange(SAMPLE) + 1) * length // (2 * SAMPLE) for length in ids.shape))]
    return np.where((picked < 0) | (picked > VOID), VOID, picked).astype(np.uint8)


def count(ids):
    """Return the ids that occur, ascending, and the pixels of each."""
    if ids.dtype == np.uint8:
        counts = histogram(ids)
        values = np.flatnonzero(counts)
        return values, counts[values]
    values, counts = np.unique(ids, return_counts=True)
    return values.astype(np.int64), counts


def histogram(ids):
    """Return the number of each of the 256 values of uint8 of any shape.

    Masks are runs of one value: those are counted. Where they are short, Pillow is twice as fast as NumPy.
    """
    if not ids.size:
        return np.zeros(256, np.int64)
    flat = np.ascontiguousarray(ids).reshape(-1)
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    if len(starts) <= _RUNS * flat.size:
        return np.bincount(flat[starts], np.diff(starts, append=flat.size), 256).astype(np.int64)
    return np.array(Image.frombuffer("L", (flat.size, 1), flat, "raw", "L", 0, 1).histogram())


def voc_ids(colors):
    """Return the ids of `(..., 3)` uint8 colours in VOC's map, void included, and -1 for other colours."""
    known = packed(np.concatenate([palette(), [VOID_COLOR]]).astype(np.uint8))
    ids = np.append(np.arange(256), VOID)
    order = np.argsort(known, kind="stable")
    numbers = packed(colors)
    place = np.searchsorted(known[order], numbers).clip(0, len(known) - 1)
    return np.where(known[order][place] == numbers, ids[order][place], -1)


def luma_tables(num_classes):
    """Map grey values to the ids whose colours in VOC's map turn into them when a palette mask is read as grey.

    Returns:
        dicts of grey value -> set of ids, 255 among them: 0.299 R + 0.587 G + 0.114 B rounded, as Pillow does, and
        cut off, as TensorFlow and OpenCV do.
    """
    colors = np.concatenate([palette(num_classes), [VOID_COLOR]]).astype(float)
    luma = colors @ _LUMA + 1e-6
    tables = {}, {}
    for index, value in zip([*range(num_classes), VOID], luma, strict=True):
        for table, grey in zip(tables, (int(value + 0.5), int(value)), strict=True):
            table.setdefault(grey, set()).add(index)
    return tables


def without_mixed(ids, known=None):
    """Replace ids that smooth resizing or JPEG mixed by the true id beside them.

    An id is true where a 3x3 block holds nothing else; what is thinner than three pixels is lost. The others take,
    step by step from the true ones, the id of the neighbour nearest in value.

    Args:
        ids: `(H, W)` integers, or `(H, W, 3)` colours.
        known: `(H, W)` bool, the true ones, if that is known otherwise; of colours it is.

    Returns:
        the same shape and dtype.
    """
    known = true_ids(ids) if known is None else known
    if not known.any():
        return ids.copy()
    height, width = ids.shape[:2]
    rim = ((1, 1), (1, 1), (0, 0))
    wanted = np.pad(ids.reshape(height, width, -1).astype(np.int64), rim).reshape((height + 2) * (width + 2), -1)
    result, known = wanted.copy(), np.pad(known, 1).ravel()
    around = np.array([dy * (width + 2) + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx])
    inside = np.pad(np.ones((height, width), bool), 1).ravel()
    open_ = np.flatnonzero(inside & ~known)
    while open_.size:
        beside = open_[:, None] + around  # (pixels, 8)
        gaps = np.abs(result[beside] - wanted[open_, None]).sum(axis=2)
        gaps[~known[beside]] = _FAR
        nearest = gaps.argmin(axis=1)[:, None]
        reached = np.take_along_axis(gaps, nearest, 1)[:, 0] < _FAR
        result[open_[reached]] = result[np.take_along_axis(beside, nearest, 1)[reached, 0]]
        known[open_[reached]] = True
        open_ = open_[~reached]
    return result.reshape(height + 2, width + 2, -1)[1:-1, 1:-1].reshape(ids.shape).astype(ids.dtype)


def true_ids(ids):
    """Mark the pixels in constant 3x3 blocks, unless such blocks are rare among the pixels of their id."""
    solid = in_blocks(ids)
    values, place = np.unique(ids, return_inverse=True)
    place = place.reshape(ids.shape)
    share = np.bincount(place.ravel(), solid.ravel(), len(values)) / np.bincount(place.ravel())
    return solid & (share >= _SOLID_SHARE)[place]


def in_blocks(ids):
    """Mark the pixels of all constant 3x3 blocks (of a smaller size at the image's edge)."""
    padded = np.pad(ids, 1, mode="edge")
    height, width = ids.shape
    centre = np.ones(ids.shape, bool)
    for dy in range(3):
        for dx in range(3):
            centre &= padded[dy : dy + height, dx : dx + width] == ids
    padded, solid = np.pad(centre, 1), np.zeros(ids.shape, bool)
    for dy in range(3):
        for dx in range(3):
            solid |= padded[dy : dy + height, dx : dx + width]
    return solid


def _is_grey(pixels):
    return bool((pixels == pixels[..., :1]).all())


def frequent_colors(pixels, most=_MOST_COLORS):
    """Return `(K, 3)` uint8 colours of `(..., 3)`, the most frequent first, and the pixels of each."""
    values, counts = np.unique(packed(pixels), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return unpacked(values[order]), counts[order]


def packed(colors):
    """Return `(...)` int64, one number for each of `(..., 3)` uint8 colours."""
    red, green, blue = np.moveaxis(np.asarray(colors), -1, 0).astype(np.int64)
    return red << 16 | green << 8 | blue


def unpacked(numbers):
    """Return the `(..., 3)` uint8 colours of what `packed` makes of them."""
    return np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=-1).astype(np.uint8)
