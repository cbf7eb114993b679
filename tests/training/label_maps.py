"""Label maps that are hard to outline, and how LabelMe paints polygons."""

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("sky", "road", "car", "tree")


def maps():
    """Label maps with regions of one pixel, lines, diagonals, rings in rings, and noise."""
    generator = np.random.default_rng(0)
    for number in range(60):
        height, width, count = *generator.integers(1, 14, 2), generator.integers(1, 5)
        labels = generator.integers(0, count, (height, width))
        if number % 3:
            labels = labels.repeat(number % 3 + 1, axis=0).repeat(3, axis=1)
        if number % 3 == 1:
            labels = np.where(generator.random(labels.shape) < 0.1, generator.integers(0, count, labels.shape), labels)
        yield labels
    y, x = np.mgrid[:41, :33]
    yield np.hypot(y - 20, x - 16).astype(int) // 3 % 3  # rings
    yield (y + x)[:9, :7] % 2  # a chessboard


def painted(shape, polygons):
    """Paint polygons in their order on a canvas of 0, each as LabelMe's `shape_to_mask` paints it."""
    labels = np.zeros(shape, int)
    for index, points in polygons:
        assert len(points) > 2
        mask = Image.new("L", shape[::-1])
        ImageDraw.Draw(mask).polygon([tuple(point) for point in points], outline=1, fill=1)
        labels[np.array(mask) > 0] = index
    return labels
