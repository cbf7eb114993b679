"""Find photographs that are blurred, too dark or too bright, and of a shape or size far from the rest.

Each is held against the rest of its data set: what all images are, none is blamed for. docs/doctor.md tells how often
the rules are right.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

FEWEST = 10  # images that make a rest to compare with
LARGE = 1_000_000  # pixels: `fcn-train` reduces what has more, to about `_SEEN`
_SEEN = 187_500  # 500x375, as PASCAL VOC's
_LINES = 16  # rows and columns of an image that are looked at, each at full resolution along it
_NEAR, _FAR = 1, 4  # pixels apart
_FLAT = 1.0  # mean squared difference of pixels `_FAR` apart below which there is nothing to be sharp
_BLURRED = 0.1  # of `Look.sharpness`; a smooth picture has (1 / 4) ** 2, one of hard edges 1 / 4, noise 1
_DARK, _BRIGHT, _WHITE = 80, 192, 250  # grey levels
_ODD = 1.0  # log2: twice, or half, the median
_DEVIATIONS, _RARE = 5, 0.05


class Look(NamedTuple):
    """A photograph in four numbers.

    Attributes:
        sharpness: mean squared difference of neighbouring pixels by that of pixels 4 apart, in the green channel, along
            rows or along columns, whichever is less: motion blurs one direction. Of a large photograph, once it is
            as small as a network sees it: phones' are soft pixel by pixel, and enlarged ones are, which costs nothing.
        light: level that the largest channel of the brightest twentieth of the pixels reaches, 0..255.
        dark: level that the smallest channel of the darkest twentieth does not exceed.
        white: share of the pixels that are white, or nearly: 250 and more in every channel.
    """

    sharpness: float
    light: int
    dark: int
    white: float


def look(picture):
    """Describe a photograph by 16 of its rows and 16 of its columns.

    Args:
        picture: a Pillow image of mode RGB.

    Returns:
        `Look`.
    """
    width, height = picture.size
    rows, columns = _lines(picture)
    red, green, blue = (rows[..., channel] for channel in range(3))
    highest = _cumulative(np.maximum(np.maximum(red, green), blue))
    lowest = _cumulative(np.minimum(np.minimum(red, green), blue))
    if width * height > LARGE:
        rows, columns = _lines(picture.reduce(round((width * height / _SEEN) ** 0.5)))
    sharpness = min(_sharpness(rows[..., 1]), _sharpness(columns[..., 1]))
    light, dark = np.searchsorted(highest, 0.95), np.searchsorted(lowest, 0.05)
    return Look(sharpness, int(light), int(dark), float(1 - lowest[_WHITE - 1]))


def _lines(picture):
    """Return rows and columns at equal distances, each `(lines, pixels, 3)`."""
    width, height = picture.size
    rows = _pixels(picture, (width, min(_LINES, height)))
    return rows, _pixels(picture, (min(_LINES, width), height)).transpose(1, 0, 2)


def _pixels(picture, size):
    """Return `(h, w, 3)` pixels at equal distances, whole ones."""
    return np.asarray(picture.resize(size, Image.Resampling.NEAREST))


def _cumulative(levels):
    counts = np.bincount(levels.reshape(-1), minlength=256)
    return np.cumsum(counts) / levels.size


def _sharpness(lines):
    if lines.shape[1] <= _FAR:
        return 1.0
    lines = lines.astype(np.float32)
    near, far = (_mean_square(lines[:, apart:] - lines[:, :-apart]) for apart in (_NEAR, _FAR))
    return near / far if far > _FLAT else 1.0


def _mean_square(values):
    flat = values.reshape(-1)
    return float(flat @ flat) / flat.size


def check_photographs(pictures, images):
    """Name the photographs that differ from the rest.

    Args:
        pictures: `ImageFacts` by index of the pair.
        images: `Files`.
    """
    if len(pictures) < FEWEST:
        return
    index = np.array(list(pictures))
    looks = np.array([picture.look for picture in pictures.values()], np.float64)
    sharp, light, dark, white = looks.T
    middle = np.median(looks, axis=0)
    blurred = (sharp < _BLURRED) & (sharp < middle[0] / 2)
    _note(
        images,
        "image-blurred",
        index[blurred][np.argsort(sharp[blurred], kind="stable")],
        "are much less sharp than the rest",
        "Look at them. What cannot be told apart in an image should not be labelled in it.",
    )
    under = (light < _DARK) & (light < middle[1] / 2)
    _note(
        images,
        "image-dark",
        index[under][np.argsort(light[under], kind="stable")],
        f"are under-exposed: 19 of 20 of their pixels are darker than {_DARK} of 255, and the rest is not like that",
        "Look at them. Keep them if such pictures will be asked about, and if the masks could be drawn.",
    )
    over = (dark > _BRIGHT) & (255 - dark < (255 - middle[2]) / 2) | (white > 0.5) & (white > 2 * middle[3])
    _note(
        images,
        "image-bright",
        index[over][np.argsort(-white[over], kind="stable")],
        "are over-exposed: half of their pixels are white, or hardly one is darker than "
        f"{_BRIGHT} of 255, and the rest is not like that",
        "Look at them. Keep them if such pictures will be asked about, and if the masks could be drawn.",
    )
    _check_shapes(pictures, index, images)


def _check_shapes(pictures, index, images):
    heights, widths = np.array([picture.size for picture in pictures.values()], np.float64).T
    longer = np.log2(np.maximum(heights, widths) / np.minimum(heights, widths))
    side = np.log2(heights * widths) / 2
    for code, values, what, advice in (
        (
            "image-odd-aspect",
            longer,
            "are much longer, or less long, than the rest for their width: the median image is {:.2f} times as long as "
            "wide",
            "Check that they are what they should be. They cost padding: cut them, or take them out.",
        ),
        (
            "image-odd-size",
            side,
            "are of another size than the rest: the median image is as large as a square of {:.0f} pixels a side",
            "Check that they are what they should be: thumbnails, or scans of another resolution, show things at "
            "another scale.",
        ),
    ):
        odd = far_off(values)
        text = what.format(2 ** np.median(values))
        _note(
            images, code, index[odd][np.argsort(-np.abs(values[odd] - np.median(values)), kind="stable")], text, advice
        )


def far_off(values):
    """Mark the values that lie far from the rest: by more than 1 and by more than five robust standard deviations.

    Where more than a twentieth of all would be, they are no exceptions, and none is marked.

    Args:
        values: `(N,)` logarithms to base 2.
    """
    distance = np.abs(values - np.median(values))
    odd = distance > max(_ODD, _DEVIATIONS * 1.4826 * np.median(distance))
    return odd if odd.mean() <= _RARE else np.zeros(len(values), bool)


def _note(images, code, indices, message, advice):
    images.note(code, indices.tolist(), f"{message}.", advice)
