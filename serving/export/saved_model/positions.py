"""Which pixels a part of a stage reads and keeps, where sizes are tensors: `fcn_keras.inference.steps` inside a graph.

Importing this imports TensorFlow.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from fcn_keras.inference.steps import main_map, margins, overlap, wasted
from fcn_keras.receptive_field import kernel_and_stride


class Part(NamedTuple):
    """What a part reads and keeps along one axis; all int32 scalars.

    Attributes:
        reads: first pixel of each input map, and the one behind the last; outside the map there are zeros.
        keeps: the same of each output map.
        skips: computed pixels before the first that is kept, of each output.
    """

    reads: list
    keeps: list
    skips: list


class Axis:
    """The parts of a stage along its rows or columns.

    Args:
        stage: `fcn_keras.inference.stages.Stage`.
        lengths: of every map along this axis by its key, int32 scalars.
        most: image pixels that a part reads at most, an int32 scalar; where it is less than the smallest part reads,
            parts are the smallest.

    Attributes:
        count: of the parts, an int32 scalar.
        span: image pixels that the longest reads, an int32 scalar.
    """

    def __init__(self, stage, lengths, most):
        self.stage, self.lengths = stage, lengths
        main, over, phase = main_map(stage), overlap(stage), stage.phase
        self.before, self.behind = margins(stage)
        reach = main.stride * lengths[main.key]
        kept = tf.maximum(phase, (most - over) // phase * phase)
        count = tf.maximum(1, _ceil(reach - over, kept))
        self.kept = tf.maximum(phase, _ceil(_ceil(reach - over, count), phase) * phase)
        # The first part has no margin before it, and keeps that much more. No part begins behind all outputs.
        end = tf.reduce_max(tf.stack([x.stride * lengths[x.key] for x in stage.outputs]))
        parts = [_ceil(length, self.kept) for length in (reach - over, end - self.before)]
        self.count = tf.maximum(1, tf.minimum(*parts))
        self.latest = reach - (self.kept + over)
        self.span = tf.where(self.count > 1, tf.minimum(self.kept + over, reach), reach)

    def part(self, number):
        """Return a `Part` by its number, an int32 scalar."""
        stage, lengths = self.stage, self.lengths
        is_last = tf.equal(number, self.count - 1)
        begin = tf.where(tf.equal(number, 0), 0, self.before + number * self.kept)
        stop = self.before + (number + 1) * self.kept
        keeps = []
        for x in stage.outputs:
            length = lengths[x.key]
            keeps.append((tf.minimum(begin // x.stride, length), _either(is_last, length, stop // x.stride)))
        if stage.exact is not None:
            pad = kernel_and_stride(stage.exact)[0] // 2
            (first, last), *_ = keeps
            return Part([(first - pad, last + pad)], keeps, [tf.constant(0)] * len(keeps))
        # The last part reads to the end of every map, and begins early enough to be as long as the others.
        start = begin - self.before
        start = tf.maximum(0, tf.where(is_last, tf.minimum(start, self.latest), start)) // stage.phase * stage.phase
        end = stop + self.behind
        ends = [end // x.stride + x.more for x in stage.inputs]
        reached = [last >= lengths[x.key] for x, last in zip(stage.inputs, ends, strict=True)]
        is_at_end = is_last | tf.reduce_any(tf.stack(reached))
        reads = [
            (start // x.stride, tf.where(is_at_end, lengths[x.key], last))
            for x, last in zip(stage.inputs, ends, strict=True)
        ]
        skips = [first - start // x.stride for x, (first, _) in zip(stage.outputs, keeps, strict=True)]
        return Part(reads, keeps, skips)


def axes(stage, down, across, pixels):
    """Divide a stage's rows and columns into parts of at most so many image pixels, the fewer the better.

    Args:
        stage: as for `Axis`.
        down, across: lengths of every map's rows and columns, as for `Axis`.
        pixels: of the image that a part reads at most, a float64 scalar.

    Returns:
        two `Axis`, of the rows and of the columns.
    """
    main = main_map(stage)
    height, width = (tf.cast(main.stride * lengths[main.key], tf.float64) for lengths in (down, across))
    # Square parts have the shortest margins; without margins, parts are as wide as the map.
    side = tf.sqrt(pixels) if wasted(stage) else pixels / stage.phase
    columns = Axis(stage, across, _whole(tf.where(height * width <= pixels, width, side)))
    return Axis(stage, down, _whole(pixels / tf.cast(columns.span, tf.float64))), columns


def _whole(length):
    return tf.cast(tf.minimum(length, float(2**30)), tf.int32)


def _either(is_last, length, stop):
    return tf.where(is_last, length, tf.minimum(stop, length))


def _ceil(length, part):
    return -(-length // part)


def pixels_of(stage, memory):
    """Return how many image pixels a part of a stage may read in so many bytes."""
    return math.floor(memory / stage.working)
