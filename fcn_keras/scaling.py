"""Reduce a photograph exactly, and bring the scores of the reduced one back to its size as labels. NumPy alone.

`serving/export/saved_model/scaling.py` does the same in a TensorFlow graph, bit by bit where it reduces.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Scores that are interpolated at once, in rows of the photograph: 4 MiB, of which some copies are made.
BAND = 2**20

_Taps = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]
_Finish = Callable[[NDArray[np.float32]], NDArray[Any]]


def area_reduced(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Reduce colours by averaging areas: a box filter whose edges count by the exact share of the pixels they cut.

    Pixel `i` of `h` is the mean of the photograph from `i * H / h` to `(i + 1) * H / h`, and likewise across. It is
    computed in whole numbers and rounded once, half up: the result is that of real numbers, on every machine.

    Args:
        pixels: `(H, W, C)` uint8.
        size: `(h, w)`, of which none is larger than the photograph's.

    Returns:
        `(h, w, C)` uint8.
    """
    height, width, channels = pixels.shape
    down, across = size
    # In units of 1/h of a row, and of 1/w of a column, all edges are whole numbers.
    whole, part = np.divmod(np.arange(across + 1) * width, across)
    cut = np.minimum(whole, width - 1)
    reduced = np.empty((down, across, channels), np.uint8)
    sums = np.zeros((width + 1, channels), np.int64)
    for row in range(down):
        first, last = row * height // down, -(-(row + 1) * height // down)
        edges = np.clip(np.arange(first, last + 1) * down, row * height, (row + 1) * height)
        rows = pixels[first:last].reshape(last - first, -1).astype(np.float64)
        # float64 holds these whole numbers exactly: they are below 255 * H.
        columns = (np.diff(edges).astype(np.float64) @ rows).reshape(width, channels).astype(np.int64)
        np.cumsum(columns, axis=0, out=sums[1:])
        total = np.diff(across * sums[whole] + part[:, None] * columns[cut], axis=0)
        reduced[row] = (total + height * width // 2) // (height * width)
    return reduced


def nearest_reduced(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Reduce depth or HHA by the pixel in the middle: a mean of two surfaces is neither.

    Args:
        pixels: `(H, W, C)` of any dtype.
        size: `(h, w)`.

    Returns:
        `(h, w, C)` of that dtype.
    """
    rows, columns = ((2 * np.arange(n) + 1) * length // (2 * n) for n, length in zip(size, pixels.shape, strict=False))
    reduced: NDArray[Any] = pixels[rows[:, None], columns]
    return reduced


def labels_at(scores: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.unsignedinteger]:
    """Bring scores to another size, bilinearly with half-pixel centres, and take the classes there.

    It goes band by band, in memory of the labels and some MiB. Where the four scores around a pixel have one best
    class, that is the class of every mean of them: only the rest is computed.

    Args:
        scores: `(h, w, C)` float.
        size: `(H, W)` of the labels.

    Returns:
        `(H, W)` uint8 class ids, or uint16 above 256 classes; the lowest id where scores tie.
    """
    height, width = size
    classes = scores.shape[-1]
    best = scores.argmax(axis=-1).astype(np.uint8 if classes <= 256 else np.uint16)
    across = _taps(scores.shape[1], np.arange(width), width)
    labels = np.empty(size, best.dtype)
    band = max(1, BAND // (width * classes))
    for top in range(0, height, band):
        rows = np.arange(top, min(top + band, height))
        labels[rows] = _band(scores, best, _taps(scores.shape[0], rows, height), across)
    return labels


def finished_at(scores: NDArray[np.float32], size: tuple[int, int], finish: _Finish) -> NDArray[Any]:
    """Bring scores to another size as `labels_at` does, and make something of them there, band by band.

    Args:
        scores: `(h, w, C)` float.
        size: `(H, W)` of the result.
        finish: a function from a band's scores `(rows, W, C)` to an array whose first axes are the band's.

    Returns:
        `(H, W)` or `(H, W, ...)`, of the function's dtype.
    """
    height, width = size
    left, right, rightward = _taps(scores.shape[1], np.arange(width), width)
    rightward = rightward[:, None]
    band = max(1, BAND // (width * scores.shape[-1]))
    bands = []
    for top in range(0, height, band):
        upper, lower, downward = _taps(scores.shape[0], np.arange(top, min(top + band, height)), height)
        needed = scores[upper[0] : lower[-1] + 1]
        across = needed[:, left] * (1 - rightward) + needed[:, right] * rightward
        downward = downward[:, None, None]
        bands.append(finish(across[upper - upper[0]] * (1 - downward) + across[lower - upper[0]] * downward))
    return np.concatenate(bands)


def _band(
    scores: NDArray[np.float32], best: NDArray[np.unsignedinteger], down: _Taps, across: _Taps
) -> NDArray[np.unsignedinteger]:
    """Label the pixels between some rows and all columns of a map."""
    upper, lower, downward = down
    left, right, rightward = across
    labels = best[upper][:, left]
    same = labels == best[upper][:, right]
    same &= labels == best[lower][:, left]
    same &= labels == best[lower][:, right]
    y, x = np.nonzero(~same)
    to_right, to_bottom = rightward[x, None], downward[y, None]
    above = scores[upper[y], left[x]] * (1 - to_right) + scores[upper[y], right[x]] * to_right
    below = scores[lower[y], left[x]] * (1 - to_right) + scores[lower[y], right[x]] * to_right
    labels[y, x] = (above * (1 - to_bottom) + below * to_bottom).argmax(axis=-1)
    return labels


def _taps(source: int, pixels: NDArray[np.intp], target: int) -> _Taps:
    """Find between which two of `source` pixels some of `target` lie, and how near they are to the second."""
    place = np.clip((pixels + 0.5) * (source / target) - 0.5, 0, source - 1)
    lower = place.astype(np.intp)
    return lower, np.minimum(lower + 1, source - 1), (place - lower).astype(np.float32)
