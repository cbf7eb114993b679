"""Draw masks of regions and of thin things, and resize them as one should not.

`CLEAN` has the kinds of masks: each draws one from `(generator, width, height, ids)` as `(H, W)` uint8. `RESIZERS` has
the ways to resize: each takes `(mask, width, height)`.
"""

import cv2
import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

VOID = 255


def class_ids(generator):
    """Draw the ids of a data set: in a row, with gaps, multiplied to be seen, or with void."""
    ids = np.arange(generator.integers(2, 20))
    return [
        ids,
        np.sort(generator.choice(34, len(ids), replace=False)),
        ids * generator.integers(2, max(3, 250 // len(ids))),
        np.append(ids, VOID),
    ][generator.integers(4)]


def regions(generator, width, height, ids):
    """Draw bands, and ellipses, polygons, boxes and broad lines on them."""
    image = Image.new("L", (width, height), int(generator.choice(ids)))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.integers(0, 3)):
        top = generator.uniform(0.2, 0.9) * height
        line = [(x, top + generator.uniform(-0.05, 0.05) * height) for x in np.linspace(0, width, 5)]
        draw.polygon([(0, height), *line, (width, height)], fill=int(generator.choice(ids)))
    for _ in range(generator.integers(2, 9)):
        color = int(generator.choice(ids))
        (x, y), (across, down) = (generator.uniform(*limits) * (width, height) for limits in ((0, 1, 2), (0.1, 0.5, 2)))
        what = generator.integers(4)
        if what == 0:
            draw.ellipse((x - across / 2, y - down / 2, x + across / 2, y + down / 2), fill=color)
        elif what == 1:
            draw.polygon(_corners(generator, width, height), fill=color)
        elif what == 2:
            draw.rectangle((x, y, x + across, y + down), fill=color)
        else:
            draw.line([(x, y), (x + across, y - down)], fill=color, width=int(generator.integers(4, 12)))
    return np.array(image)


def _corners(generator, width, height):
    middle, radius = generator.uniform((0, 0), (width, height)), generator.uniform(0.08, 0.35) * min(width, height)
    turns = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(3, 7)))
    away = radius * generator.uniform(0.6, 1.2, len(turns))
    return [(middle[0] + r * np.cos(t), middle[1] + r * np.sin(t)) for r, t in zip(away, turns, strict=True)]


def wires(generator, width, height, ids, *, widest=3, most=10):
    """Draw regions, and poles, wires and kerbs one to three pixels wide over them."""
    image = Image.fromarray(regions(generator, width, height, ids))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.integers(1, most)):
        x, other_x = generator.uniform(0, width, 2)
        y, other_y = generator.uniform(0, height, 2)
        ways = (
            [(x, y), (x, other_y)],
            [(0, y), (width, y)],
            [(x, y), (other_x, other_y)],
            [(each, height * generator.uniform(0.1, 0.9)) for each in np.linspace(0, width, 6)],
        )
        line = ways[generator.integers(4)]
        draw.line(line, fill=int(generator.choice(ids)), width=int(generator.integers(1, widest + 1)))
    return np.array(image)


def between(generator, width, height, ids):
    """Draw lines one pixel wide, each of one class, along nearly all borders of a lower and a higher id."""
    low, *inside, high = np.sort(generator.choice(ids, min(len(ids), 5), replace=False))
    inside = inside or [low]
    sway = generator.normal(0, generator.choice([0, 0.3, 1]), width).cumsum()
    line = (height * 0.4 + sway).astype(int).clip(3, height - 4)
    rows = np.arange(height)[:, None]
    gaps = generator.random(width) < 0.02
    mask = np.where(rows < line, low, high)
    mask[(rows == line) & ~gaps] = generator.choice(inside)
    for _ in range(generator.integers(1, 6)):
        top, left = generator.integers(0, height - 10), generator.integers(0, width - 10)
        down, across = generator.integers(4, 20, 2)
        mask[top : top + down, left : left + across] = generator.choice([low, high])
        mask[top : top + down, [left, min(width - 1, left + across)]] = generator.choice(inside)
    return mask.astype(np.uint8)


def contours(generator, width, height, ids, *, of, wide=1):
    """Draw objects with contours inside their rims on a background of the lowest id.

    Args:
        of: takes the background's id and the object's, and returns the ids of the contours from the outside in.
    """
    background, *others = np.unique(ids)
    mask = np.full((height, width), background)
    for _ in range(generator.integers(2, 9)):
        thing = int(generator.choice(others))
        image = Image.new("L", (width, height))
        draw = ImageDraw.Draw(image)
        x, y, across, down = generator.uniform((0, 0, 0.1, 0.1), (1, 1, 0.6, 0.6)) * (width, height, width, height)
        if generator.random() < 0.6:
            draw.ellipse((x - across / 2, y - down / 2, x + across / 2, y + down / 2), fill=1)
        else:
            draw.polygon(_corners(generator, width, height), fill=1)
        inside = np.array(image, bool)
        for color in of(int(background), thing, generator):
            mask[inside] = color
            inside = ndimage.binary_erosion(inside, iterations=wide)
        mask[inside] = thing
    return mask.astype(np.uint8)


def _middle(low, high, _):
    return [(low + high) // 2]


def _any_between(low, high, generator):
    return [generator.integers(low + 1, high)] if high > low + 1 else []


def _contours(of, **options):
    return lambda generator, width, height, ids: contours(generator, width, height, ids, of=of, **options)


def levels(generator, width, height, ids, *, finest=2):
    """Draw a landscape cut into levels, ids that rise by one from band to band."""
    cell, number = generator.uniform(finest, 20), generator.integers(4, 20)
    coarse = generator.normal(size=(int(height / cell) + 2, int(width / cell) + 2)).astype(np.float32)
    land = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return ((land - land.min()) / (np.ptp(land) + 1e-6) * number * 0.9999).astype(np.uint8)


def stairs(generator, width, height, ids):
    """Draw ids that rise by one, in steps one to three pixels wide, along rows, columns or both."""
    last, step = generator.integers(3, 30), generator.integers(1, 4)
    across = ((np.arange(width) - generator.integers(0, width // 2)) // step).clip(0, last)
    down = ((np.arange(height) - generator.integers(0, height // 2)) // step).clip(0, last)
    shapes = (np.tile(across, (height, 1)), np.tile(across[::-1], (height, 1)), np.maximum(across, down[:, None]))
    return shapes[generator.integers(3)].astype(np.uint8)


def salted(generator, width, height, ids):
    """Draw regions and wires, and change up to 5 % of the pixels to any class."""
    mask = wires(generator, width, height, ids)
    changed = generator.random(mask.shape) < generator.uniform(0.001, 0.05)
    mask[changed] = generator.choice(ids, np.count_nonzero(changed))
    return mask


CLEAN = {
    "regions": regions,
    "wires and poles, 1 to 3 pixels": wires,
    "many wires of 1 pixel": lambda *of: wires(*of, widest=1, most=25),
    "lines between a lower and a higher id": between,
    "contours, a class each": _contours(_middle),
    "contours of one class": _contours(lambda low, high, _: [low + 1] if high > low + 1 else []),
    "contours of any class": _contours(_any_between),
    "two contours": _contours(lambda low, high, _: [low + 1, low + 2] if high > low + 2 else []),
    "contours 2 pixels wide": _contours(_middle, wide=2),
    "contours of void": _contours(lambda low, high, _: [VOID]),
    "trimaps of 0, 128, 255": lambda generator, width, height, _: contours(
        generator, width, height, [0, VOID], of=lambda low, high, _: [128], wide=generator.integers(1, 4)
    ),
    "levels": levels,
    "stairs of 1 to 3 pixels": stairs,
    "salted": salted,
}


def _pillow(kernel):
    return lambda mask, width, height: np.asarray(Image.fromarray(mask).resize((width, height), kernel))


def _opencv(kernel):
    return lambda mask, width, height: cv2.resize(mask, (width, height), interpolation=kernel)


def _floats(mask, width, height):
    """Resize as PyTorch and TensorFlow do: bilinear in floats, without smoothing before, and rounded."""
    return np.rint(cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)).astype(
        np.uint8
    )


def _smoothed(mask, width, height):
    """Resize as scikit-image does with `order=1`: a Gaussian kernel before, bilinear, and rounded."""
    scale = height / mask.shape[0], width / mask.shape[1]
    smooth = ndimage.gaussian_filter(mask.astype(float), [max(0, (1 / each - 1) / 2) for each in scale], mode="mirror")
    return np.rint(ndimage.zoom(smooth, scale, order=1, mode="mirror", grid_mode=True)).clip(0, VOID).astype(np.uint8)


RESIZERS = {
    "Pillow, bilinear": _pillow(Image.Resampling.BILINEAR),
    "Pillow, bicubic": _pillow(Image.Resampling.BICUBIC),
    "Pillow, Lanczos": _pillow(Image.Resampling.LANCZOS),
    "Pillow, Hamming": _pillow(Image.Resampling.HAMMING),
    "Pillow, box": _pillow(Image.Resampling.BOX),
    "OpenCV, linear": _opencv(cv2.INTER_LINEAR),
    "OpenCV, area": _opencv(cv2.INTER_AREA),
    "OpenCV, cubic": _opencv(cv2.INTER_CUBIC),
    "OpenCV, Lanczos": _opencv(cv2.INTER_LANCZOS4),
    "bilinear in floats": _floats,
    "scikit-image, order 1": _smoothed,
}
