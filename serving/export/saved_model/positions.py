"""Which pixels a part of a stage reads and keeps, where sizes are tensors: `fcn_keras.inference.steps` inside a graph.

A graph of many small operations takes long to write and to load. So they are a few functions, which all stages of all
signatures call with their numbers, and which compute all parts at once. Importing this imports TensorFlow.
"""

from typing import NamedTuple

import tensorflow as tf

from fcn_keras.inference.steps import main_map, margins, overlap, wasted
from fcn_keras.receptive_field import kernel_and_stride

FAR = 2**30  # image pixels, more than any image has


def _called(*shapes):
    """Make a function of int32 tensors that is built once, whichever graphs call it."""
    specs = [tf.TensorSpec(shape, tf.int32) for shape in shapes]
    return tf.function(input_signature=specs, autograph=False)


class Part(NamedTuple):
    """What a part reads and keeps along one axis, int32; or many parts, along a first dimension.

    Attributes:
        reads: `[inputs, 2]`, first pixel of each input map, and the one behind the last; outside the map there are
            zeros.
        keeps: `[outputs, 2]`, the same of each output map.
        skips: `[outputs]`, computed pixels before the first that is kept.
    """

    reads: tf.Tensor
    keeps: tf.Tensor
    skips: tf.Tensor


class Axis:
    """The parts of a stage along its rows or columns.

    Args:
        stage: `fcn_keras.inference.stages.Stage`.
        lengths: of every map along this axis by its key, int32 scalars.
        most: as for `divide`; None to call that later.
        wanted: `[outputs, 2]`, first pixel of each output that is wanted, and the one behind the last, as a `Part` of
            the stage `keeps` them, or one of the next stage `reads` them; None for all.

    Attributes:
        reach: image pixels that all parts together read, an int32 scalar.
        count: of the parts, an int32 scalar.
        span: image pixels that the longest reads, an int32 scalar.
    """

    def __init__(self, stage, lengths, most=None, wanted=None):
        self.stage, main = stage, main_map(stage)
        given, made = (tf.stack([lengths[x.key] for x in maps]) for maps in (stage.inputs, stage.outputs))
        if wanted is None:
            wanted = tf.stack([tf.zeros_like(made), made], axis=-1)
        pad = -1 if stage.exact is None else kernel_and_stride(stage.exact)[0] // 2
        numbers = tf.constant([stage.phase, overlap(stage), *margins(stage), pad])
        taken, strides = [[x.stride, x.more] for x in stage.inputs], [x.stride for x in stage.outputs]
        self._given = numbers, tf.constant(strides), made, wanted
        self._reached = _reached(*self._given, main.stride * lengths[main.key])
        self._taken = tf.constant(taken), given
        self.reach = self._reached[2]
        if most is not None:
            self.divide(most)

    def divide(self, most):
        """Choose how long parts are.

        Args:
            most: image pixels that a part reads at most, an int32 scalar; where it is less than the smallest part
                reads, parts are the smallest.
        """
        self._divided = _divided(self._given[0], self._reached, most)
        self.kept, self.count, self.span, _ = tf.unstack(self._divided)

    def part(self, number):
        """Return a `Part` by its number, an int32 scalar; or many by their numbers, an int32 vector."""
        return Part(*_parts(*self._given, self._reached, *self._taken, self._divided, number))


@_called([5], [None], [None], [None, 2], [])
def _reached(numbers, strides, made, wanted, whole):
    """Find between which image pixels all parts of an axis read.

    Returns:
        `[4]` int32: where they begin, where the last of what is wanted ends, how many they read, and whether that is to
        the end of the map.
    """
    phase, over, before, _, _ = tf.unstack(numbers)
    first, last = tf.unstack(wanted, axis=-1)
    is_at_end = tf.reduce_all(last >= made)
    base = tf.maximum(0, tf.reduce_min(strides * first) - before) // phase * phase
    end = _ceil(tf.reduce_max(strides * last), phase) * phase
    stop = tf.where(is_at_end, whole, tf.minimum(whole, end + over - before))
    return tf.stack([base, end, stop - base, tf.cast(is_at_end, tf.int32)])


@_called([5], [4], [])
def _divided(numbers, reached, most):
    """Divide an axis.

    Returns:
        `[4]` int32: image pixels that a part keeps, count of the parts, image pixels that the longest reads, and where
        the last begins at the latest.
    """
    phase, over, before, _, _ = tf.unstack(numbers)
    base, end, reach, _ = tf.unstack(reached)
    kept = tf.maximum(phase, (most - over) // phase * phase)
    count = tf.maximum(1, _ceil(reach - over, kept))
    kept = tf.maximum(phase, _ceil(_ceil(reach - over, count), phase) * phase)
    # The first part has no margin before it, and keeps that much more. No part begins behind all outputs.
    count = tf.maximum(1, _ceil(tf.minimum(reach - over, end - base - before), kept))
    span = tf.where(count > 1, tf.minimum(kept + over, reach), reach)
    return tf.stack([kept, count, span, base + reach - (kept + over)])


@_called([5], [None], [None], [None, 2], [4], [None, 2], [None], [4], None)
def _parts(numbers, strides, made, wanted, reached, taken, given, divided, number):
    """Compute parts by their numbers: a `Part`."""
    phase, _, before, behind, pad = tf.unstack(numbers)
    base, last_end, _, is_at_end = tf.unstack(reached)
    kept, count, _, latest = tf.unstack(divided)
    (first, last), (strides_read, more) = tf.unstack(wanted, axis=-1), tf.unstack(taken, axis=-1)
    number = tf.expand_dims(number, -1)
    is_last = tf.equal(number, count - 1)
    start = base + number * kept
    begin, stop = start + before, start + before + kept
    firsts = tf.where(number > 0, tf.clip_by_value(begin // strides, first, last), first)
    lasts = tf.where(is_last, last, tf.minimum(stop // strides, last))
    keeps = tf.stack([firsts, lasts], axis=-1)
    # The last part reads to the end of all that is read, and begins early enough to be as long as the others.
    start = tf.where(is_last, tf.maximum(base, tf.minimum(start, latest)), start) // phase * phase
    ends = (tf.where(is_last, last_end, stop) + behind) // strides_read + more
    reaches_end = is_last & (is_at_end > 0) | tf.reduce_any(ends >= given, axis=-1, keepdims=True)
    reads = tf.stack([start // strides_read, tf.where(reaches_end, given, ends)], axis=-1)
    # A stage of one exact convolution reads as many pixels more, even beyond its map.
    is_exact = pad >= 0
    reads = tf.where(is_exact, keeps[..., :1, :] + pad * tf.constant([-1, 1]), reads)
    return reads, keeps, tf.where(is_exact, 0, firsts - start // strides)


def axes(stage, down, across, pixels, wanted=(None, None)):
    """Divide a stage's rows and columns into parts of at most so many image pixels, the fewer the better.

    Args:
        stage: as for `Axis`.
        down, across: lengths of every map's rows and columns, as for `Axis`.
        pixels: of the image that a part reads at most, a float64 scalar.
        wanted: of the rows and of the columns, as for `Axis`.

    Returns:
        two `Axis`, of the rows and of the columns.
    """
    rows, columns = Axis(stage, down, None, wanted[0]), Axis(stage, across, None, wanted[1])
    height, width = (tf.cast(x.reach, tf.float64) for x in (rows, columns))
    # Square parts have the shortest margins; without margins, parts are as wide as the map.
    side = tf.sqrt(pixels) if wasted(stage) else pixels / stage.phase
    columns.divide(_whole(tf.where(height * width <= pixels, width, side)))
    rows.divide(_whole(pixels / tf.cast(columns.span, tf.float64)))
    return rows, columns


def table(parts, sources, corners):
    """Find what parts read of arrays, and what they write into others.

    Args:
        parts: many, as `Axis.part` returns them.
        sources: `[inputs, 2]` int32: where in its map every input's array begins, and how long it is.
        corners: `[outputs]` int32: where in its map every output's array begins.

    Returns:
        `[parts, 4 (inputs + outputs)]` int32. Of each input, the first pixel that is read and the one behind the last,
        and how many zeros stand before and behind them. Of each output, the first pixel that is written and the one
        behind the last, and the same of the pixels that are computed.
    """
    return tf.ensure_shape(_table(*parts, sources, corners), [None, 4 * (sources.shape[0] + corners.shape[0])])


@_called([None, None, 2], [None, None, 2], [None, None], [None, 2], [None])
def _table(reads, keeps, skips, sources, corners):
    begins, lengths = tf.unstack(sources[..., None], axis=1)
    wanted = reads - begins
    inside = tf.clip_by_value(wanted, 0, lengths)
    size = _size(wanted)
    ahead = tf.clip_by_value(-wanted[..., 0], 0, size)
    zeros = tf.stack([ahead, size - ahead - _size(inside)], axis=-1)
    written = keeps - corners[:, None]
    computed = tf.stack([skips, skips + _size(written)], axis=-1)
    found = tf.concat([tf.concat(pair, axis=-1) for pair in ((inside, zeros), (written, computed))], axis=1)
    return tf.reshape(found, [tf.shape(found)[0], -1])


def _size(ranges):
    return ranges[..., 1] - ranges[..., 0]


def _whole(length):
    return tf.cast(tf.minimum(length, float(FAR)), tf.int32)


def _ceil(length, part):
    return -(-length // part)
