"""Arrays that hold a map or a block of it: parts are read of them and put into them. Importing this imports TensorFlow.

A map is zero outside. Where a part begins and ends is a row of `positions.table`: four numbers a map.
"""

from typing import NamedTuple

import tensorflow as tf


class Placed(NamedTuple):
    """Some pixels of a map.

    Attributes:
        pixels: `(N, h, w, C)` of any dtype; None where only sizes count.
        rows, columns: where in the map they begin, and how many they are.
    """

    pixels: tf.Tensor | None
    rows: tuple = (0, 0)
    columns: tuple = (0, 0)

    def read(self, rows, columns, function, empty):
        """Read a part.

        Args:
            rows, columns: the first of `pixels` and the one behind the last, and how many zeros stand before and behind
                them.
            function: what is done to pixels, but not to the zeros, or None.
            empty: batch and channels of a part of which only the size counts.

        Returns:
            `(N, h, w, C)`: float32 of an image, else of the map's dtype.
        """
        (top, bottom, *above_below), (left, right, *sides) = rows, columns
        if self.pixels is None:
            return tf.zeros([empty[0], above_below[1], sides[1], empty[1]])
        pixels = self.pixels[:, top:bottom, left:right]
        pixels = pixels if pixels.dtype.is_floating else tf.cast(pixels, tf.float32)
        if function is not None:
            (pixels,) = function(pixels)
        return tf.pad(pixels, [[0, 0], above_below, sides, [0, 0]])


def start(stage, batch, kept, heights, widths):
    """Make what parts of a stage's outputs are put into.

    Args:
        stage: `fcn_keras.inference.stages.Stage`.
        batch: how many images.
        kept: `{key of an output: {name: keeping.Kept}}`.
        heights, widths: of each output.

    Returns:
        `{key: {name: tensor}}`.
    """
    return {
        x.key: {name: to.start(batch, *size) for name, to in kept[x.key].items()}
        for x, *size in zip(stage.outputs, heights, widths, strict=True)
    }


def put(wholes, kept, part, rows, columns):
    """Put a part of a stage's output into what is kept of it.

    Args:
        wholes, kept: `{name: tensor}` and `{name: keeping.Kept}`.
        part: `(N, h, w, C)`, as it was computed.
        rows, columns: the first of the whole and the one behind the last, and the same of the part.
    """
    (*down, top, bottom), (*across, left, right) = rows, columns
    part = part[:, top:bottom, left:right]
    return {name: to.put(wholes[name], part, down, across) for name, to in kept.items()}


def by_map(numbers, count):
    """Split a row of `positions.table` of so many maps: four numbers a map."""
    numbers = tf.unstack(numbers, 4 * count)
    return [numbers[at : at + 4] for at in range(0, len(numbers), 4)]
