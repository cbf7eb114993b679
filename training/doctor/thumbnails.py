"""Draw a pair small: the photograph, and beside it the mask painted over it."""

import numpy as np
from PIL import Image, ImageDraw

from fcn_keras.datasets.images import read_image, read_mask_file
from fcn_keras.visualize import background_of, overlay

from ..annotations.masks import VOID
from ..annotations.thin_parts import thin_places
from .fix_masks import colors_of, ids_of

WIDTH, HEIGHT = 240, 180  # pixels of a panel at most
_RINGS, _RADIUS = 60, 4  # around thin parts, so many at most, from all over the mask
_RED, _BLANK = (230, 30, 30), 235


def thumbnail_pair(examination, index, *, rings=False):
    """Draw one pair.

    Args:
        examination: `Examination`.
        index: of the pair.
        rings: draw rings around islands and slivers of the mask, which are too small to be seen.

    Returns:
        `(h, w, 3)` uint8: photograph and painted mask side by side, grey for what cannot be read; None for neither.
    """
    pair = examination.layout.pairs[index]
    image, mask = _read(read_image, pair.image), _read(read_mask_file, pair.label)
    ids = None if mask is None else ids_of(mask, index, examination.reading, examination)[0]
    colors = colors_of(mask) if mask is not None and ids is None else None
    labels = colors if ids is None else ids
    if image is None and labels is None:
        return None
    size = fit(*(labels if image is None else image).shape[:2])
    small = np.full((*size, 3), _BLANK, np.uint8) if image is None else resized(image, size, Image.Resampling.BOX)
    if labels is None:
        painted = np.full_like(small, _BLANK)
    elif ids is None:
        painted = np.round(small / 2 + resized(colors, size) / 2).astype(np.uint8)
    else:
        painted = _painted(small, ids, examination, rings)
    return np.concatenate([small, painted], axis=1)


def _read(read, path):
    try:
        return None if path is None else read(path)
    except (ValueError, OSError):
        return None


def fit(height, width):
    """Return the `(h, w)` of a panel for an image."""
    scale = min(1, HEIGHT / height, WIDTH / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resized(pixels, size, how=Image.Resampling.NEAREST):
    """Resize pixels to `(h, w)`."""
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], how))


def _painted(small, ids, examination, rings):
    """Paint ids, resized by nearest, over a small photograph."""
    reading = examination.reading
    ids = np.where((ids < 0) | (ids > VOID) | (ids == reading.ignore_label), VOID, ids).astype(np.uint8)
    names = reading.names
    background = background_of(names) if names else None
    painted = overlay(small, resized(ids, small.shape[:2]), background=background, colors=examination.colors)
    if not rings:
        return painted
    picture = Image.fromarray(painted)
    draw = ImageDraw.Draw(picture)
    scale = np.array(small.shape[:2]) / ids.shape
    places = thin_places(ids, VOID)
    for row, column in ((places[:: -(-len(places) // _RINGS) or 1] + 0.5) * scale).tolist():
        draw.ellipse((column - _RADIUS, row - _RADIUS, column + _RADIUS, row + _RADIUS), outline=_RED)
    return np.asarray(picture)
