"""Decode the regions of COCO's annotations: polygons, and run lengths as numbers or packed into text."""

import numpy as np

from fcn_keras_console.words import counted

from .json_values import as_json
from .runs import Runs
from .shape_tally import ShapeFault
from .shape_values import check_in_reach, coordinates

_LONGEST = 10_000_000  # pixels of outline: pycocotools keeps five points of each
_MOST_DIGITS = 7  # of six bits, of a run length packed into text: 32 bits


def coder_of_masks(what="COCO files"):
    """Return pycocotools' module of masks.

    Args:
        what: needs it, for the error.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError:
        raise ImportError(f'{what} need pycocotools: pip install "fcn_keras[coco]"') from None
    return mask


def decode(segmentation, size, *, faults=None):
    """Decode a `segmentation`; its parts are one region.

    Args:
        segmentation: list of polygons `[x, y, x, y, ...]`, or run lengths `{"counts", "size"}`.
        size: `(H, W)` of the image.
        faults: list that gets `(number of the part, ShapeFault)` of parts that cannot be read, where others can.

    Returns:
        `Runs`, and whether brackets had to be put right.

    Raises:
        ShapeFault: if no part is left, or one is wrong and there is no list for it.
    """
    parts, mended = _parts(segmentation)
    found, wrong = [], []
    for number, part in enumerate(parts):
        try:
            found.append(_runs_of(part, size))
        except ShapeFault as fault:
            wrong.append((number, fault))
    if wrong and (not found or faults is None):
        raise wrong[0][1]
    if wrong:
        faults += wrong
    return found[0] if len(found) == 1 else Runs.union(found), mended


def decode_box(box, size):
    """Decode a `bbox`, `[x, y, width, height]`, into the `Runs` of its rectangle.

    Raises:
        ShapeFault: if it is none, or covers nothing of the image.
    """
    numbers = coordinates(box) if isinstance(box, list) else np.empty(0)
    if numbers.shape != (4,):
        raise ShapeFault("annotation without a region")
    x, y, width, height = numbers
    return _runs_of(np.array([x, y, x, y + height, x + width, y + height, x + width, y]), size)


def has_region(segmentation):
    """Tell whether a `segmentation` holds anything; of what has none there may be a box."""
    if isinstance(segmentation, dict):
        return segmentation.get("counts") is not None
    if isinstance(segmentation, list):
        return any(not isinstance(part, list | np.ndarray) or len(part) for part in segmentation)
    return bool(segmentation)


def _parts(segmentation):
    """Return polygons and run lengths of one region, and whether brackets had to be put right to tell them."""
    if not has_region(segmentation):
        raise ShapeFault("annotation without a region")
    if isinstance(segmentation, dict):
        return [segmentation], False
    if not isinstance(segmentation, list):
        raise ShapeFault("region that is neither polygons nor run lengths", as_json(segmentation))
    if all(isinstance(part, np.ndarray) and len(part) != 2 for part in segmentation):
        return segmentation, False  # the usual case
    if _are_points(segmentation):
        return [_joined(segmentation)], True
    if not any(isinstance(part, list | dict | np.ndarray) for part in segmentation):
        if len(segmentation) == 4:
            raise ShapeFault("four numbers where polygons should be")
        return [coordinates(segmentation)], True
    parts, mended = segmentation, False
    inner = segmentation[0] if len(segmentation) == 1 else None
    if isinstance(inner, list) and inner and all(isinstance(part, list) for part in inner) and not _are_points(inner):
        parts, mended = inner, True
    read = [_joined(_bare(part)) if _are_points(_bare(part)) else _bare(part) for part in parts]
    return read, mended or any(new is not old or isinstance(new, dict) for new, old in zip(read, parts, strict=True))


def _bare(part):
    """Return a part without a bracket too many."""
    return part[0] if isinstance(part, list) and len(part) == 1 and isinstance(part[0], list) else part


def _are_points(part):
    """Tell whether this looks like a polygon of `[x, y]` each."""
    return (
        isinstance(part, list) and len(part) > 2 and all(isinstance(p, list | np.ndarray) and len(p) == 2 for p in part)
    )


def _joined(points):
    return coordinates([list(point) for point in points]).ravel()


def _runs_of(part, size):
    """Return the `Runs` of one part, which cover something."""
    if isinstance(part, dict):
        runs = _from_counts(part, size)
    else:
        part = _polygon(coordinates(part), size)
        runs = Runs.of_counts(_unpacked(coder_of_masks().frPyObjects([part], *size)[0]["counts"]))
    if runs.area:
        return runs
    if not isinstance(part, dict):
        corners = part.reshape(-1, 2)
        if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= size[::-1]).any():
            raise ShapeFault("shape outside of the image")
    raise ShapeFault("shape that covers no pixel")


def _polygon(numbers, size):
    """Return the numbers of a polygon after a look at them."""
    if numbers.ndim != 1:
        raise ShapeFault("points that are not x and y")
    if len(numbers) % 2:
        raise ShapeFault("odd number of coordinates", f"{len(numbers)} numbers")
    if len(numbers) < 6:
        raise ShapeFault("polygon of fewer than three points", counted(len(numbers) // 2, "point"))
    corners = numbers.reshape(-1, 2)
    check_in_reach(corners, size)
    most = min(4 * (size[0] + 1) * (size[1] + 1), _LONGEST)
    if 3 * len(corners) * max(size) > most:  # it may be so long
        outline = np.abs(np.diff(corners, axis=0, append=corners[:1])).max(axis=1).sum()
        if outline > most:
            raise ShapeFault("polygon with a longer outline than the image can hold", f"{outline:.0f} pixels")
    return numbers


def _from_counts(segmentation, size):
    """Decode run lengths down the columns, background first. pycocotools would read past the end of damaged ones."""
    counts, stated = segmentation.get("counts"), segmentation.get("size")
    if stated is not None and coordinates(stated).tolist() != list(size):
        told = "x".join(f"{side:g}" for side in coordinates(stated).ravel()[:3])
        raise ShapeFault("run lengths of another size than the image", f"{told} for {size[0]}x{size[1]} pixels")
    if isinstance(counts, str):
        counts = _unpacked(counts.encode(errors="replace"))
    elif isinstance(counts, list):
        counts = coordinates(counts)
    else:
        raise ShapeFault("run lengths that cannot be read", as_json(counts, 40))
    if counts.ndim != 1 or (counts < 0).any() or (counts % 1).any() or counts.sum() != size[0] * size[1]:
        raise ShapeFault("run lengths that do not add up to the image's pixels")
    return Runs.of_counts(counts.astype(np.int64))


def _unpacked(packed):
    """Unpack COCO's bytes: digits of five bits from the lowest, the sixth says that more follow, and the top one is the
    sign; from the fourth number on, differences from the number before the last.
    """
    codes = np.frombuffer(packed, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 32 == 0)
    digits = np.diff(ends, prepend=-1)
    if (
        not len(ends)
        or ends[-1] != len(codes) - 1
        or digits.max() > _MOST_DIGITS
        or codes.min() < 0
        or codes.max() > 63
    ):
        raise ShapeFault("run lengths that cannot be read", as_json(packed[:40].decode(errors="replace"), 40))
    place = np.arange(len(codes)) - np.repeat(ends - digits + 1, digits)
    values = np.add.reduceat((codes & 31) << 5 * place, ends - digits + 1)
    values -= np.where(codes[ends] & 16, 1 << 5 * digits, 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
