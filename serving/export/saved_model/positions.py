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
    """Make a function of int32 tensors that stays one in the graphs that call it.

    No argument may be a constant, or TensorFlow makes another function for every call, which takes long.
    """
    specs = [tf.TensorSpec(shape, tf.int32) for shape in shapes]
    return tf.function(input_signature=specs, autograph=False, experimental_attributes={"_noinline": True})


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
        pad = -1 if stage.exact is None else kernel_and_stride(stage.exact)[0] // 2
        self._numbers = tf.stack([main.stride * lengths[main.key], stage.phase, overlap(stage), *margins(stage), pad])
        self._inputs = tf.stack([[lengths[x.key], x.stride, x.more] for x in stage.inputs])
        self._outputs = tf.stack([[lengths[x.key], x.stride] for x in stage.outputs])
        self._wanted = tf.pad(self._outputs[:, :1], [[0, 0], [1, 0]]) if wanted is None else wanted
        self._reached = _reached(self._numbers, self._outputs, self._wanted)
        self.reach = self._reached[2]
        if most is not None:
            self.divide(most)

    def divide(self, most):
        """Choose how long parts are.

        Args:
            most: image pixels that a part reads at most, an int32 scalar; where it is less than the smallest part
                reads, parts are the smallest.
        """
        self._divided = _divided(self._numbers, self._reached, most)
        self.kept, self.count, self.span, _ = tf.unstack(self._divided)

    def part(self, number):
        """Return a `Part` by its number, an int32 scalar; or many by their numbers, an int32 vector."""
        given = self._numbers, self._inputs, self._outputs, self._wanted, self._reached, self._divided
        return Part(*_parts(*given, number))


@_called([6], [None, 2], [None, 2])
def _reached(numbers, outputs, wanted):
    """Find between which image pixels all parts of an axis read.

    Returns:
        `[4]` int32: where they begin, where the last of what is wanted ends, how many they read, and whether that is to
        the end of the map.
    """
    whole, phase, over, before, _, _ = tf.unstack(numbers)
    (made, strides), (first, last) = tf.unstack(outputs, axis=-1), tf.unstack(wanted, axis=-1)
    is_at_end = tf.reduce_all(last >= made)
    base = tf.maximum(0, tf.reduce_min(strides * first) - before) // phase * phase
    end = _ceil(tf.reduce_max(strides * last), phase) * phase
    stop = tf.where(is_at_end, whole, tf.minimum(whole, end + over - before))
    return tf.stack([base, end, stop - base, tf.cast(is_at_end, tf.int32)])


@_called([6], [4], [])
def _divided(numbers, reached, most):
    """Divide an axis.

    Returns:
        `[4]` int32: image pixels that a part keeps, count of the parts, image pixels that the longest reads, and where
        the last begins at the latest.
    """
    _, phase, over, before, _, _ = tf.unstack(numbers)
    base, end, reach, _ = tf.unstack(reached)
    kept = tf.maximum(phase, (most - over) // phase * phase)
    count = tf.maximum(1, _ceil(reach - over, kept))
    kept = tf.maximum(phase, _ceil(_ceil(reach - over, count), phase) * phase)
    # The first part has no margin before it, and keeps that much more. No part begins behind all outputs.
    count = tf.maximum(1, _ceil(tf.minimum(reach - over, end - base - before), kept))
    span = tf.where(count > 1, tf.minimum(kept + over, reach), reach)
    return tf.stack([kept, count, span, base + reach - (kept + over)])


@_called([6], [None, 3], [None, 2], [None, 2], [4], [4], None)
def _parts(numbers, inputs, outputs, wanted, reached, divided, number):
    """Compute parts by their numbers: a `Part`."""
    _, phase, _, before, behind, pad = tf.unstack(numbers)
    base, last_end, _, is_at_end = tf.unstack(reached)
    kept, count, _, latest = tf.unstack(divided)
    (given, strides_read, more), (_, strides) = tf.unstack(inputs, axis=-1), tf.unstack(outputs, axis=-1)
    first, last = tf.unstack(wanted, axis=-1)
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


def table(parts, sources):
    """Find what parts read of arrays, and what they write into others.

    Args:
        parts: many, as `Axis.part` returns them; what they keep is counted from where every output's array begins.
        sources: `[inputs, 2]` int32: where in its map every input's array begins, and how long it is.

    Returns:
        `[parts, 4 (inputs + outputs)]` int32. Of each input, the first pixel that is read and the one behind the last,
        and how many zeros stand before and behind them. Of each output, the first pixel that is written and the one
        behind the last, and the same of the pixels that are computed.
    """
    return _table(*parts, sources)


@_called([None, None, 2], [None, None, 2], [None, None], [None, 2])
def _table(reads, keeps, skips, sources):
    begins, lengths = tf.unstack(sources[..., None], axis=1)
    wanted = reads - begins
    inside = tf.clip_by_value(wanted, 0, lengths)
    size = _size(wanted)
    ahead = tf.clip_by_value(-wanted[..., 0], 0, size)
    zeros = tf.stack([ahead, size - ahead - _size(inside)], axis=-1)
    computed = tf.stack([skips, skips + _size(keeps)], axis=-1)
    found = tf.concat([tf.concat(pair, axis=-1) for pair in ((inside, zeros), (keeps, computed))], axis=1)
    return tf.reshape(found, [tf.shape(found)[0], -1])


def _size(ranges):
    return ranges[..., 1] - ranges[..., 0]


def _whole(length):
    return tf.cast(tf.minimum(length, float(FAR)), tf.int32)


def _ceil(length, part):
    return -(-length // part)
