"""A network computed stage by stage and part by part inside a graph, with the scores of one pass.

`fcn_keras.inference` does the same with arrays, one part after another. Importing this imports TensorFlow.
"""

import math

import tensorflow as tf

from fcn_keras.inference.parts import Part

from .keeping import scores_kept
from .positions import axes

MAPS = 16  # bytes an image pixel of the maps that a stage hands on: pool3 of VGG16


class Staged:
    """Stages as functions of a graph.

    Args:
        stages: `fcn_keras.inference.stages.Stages`, the last of which gives all results.
        heads: `{head: key of its scores}`.
        function: makes of a `fcn_keras.inference.parts.Part` and the channels of its inputs a function from tensors to
            a list of tensors.
        memory: bytes that a part may take.
    """

    def __init__(self, stages, heads, function, memory):
        self.stages, self.heads, self.memory, self._lengths = stages.stages, heads, memory, stages.lengths
        self._begun = {}
        self._canvases = {
            x.map.key: (x, function(_of_canvas(x), [x.layers[0].input.shape[-1]]) if x.layers else None)
            for x in stages.canvases
        }
        self._functions = [function(_of_stage(x), [m.channels for m in x.inputs]) for x in self.stages]

    @property
    def largest_part(self):
        """Side of the largest square image, in pixels, that is computed in one part."""
        return math.isqrt(int(self.memory / max(x.working for x in self.stages)))

    @property
    def waiting(self):
        """Bytes an image pixel of the maps that exist at once, while a stage computes its own."""
        found, last = 0.0, len(self.stages) - 1
        for number, stage in enumerate(self.stages):
            earlier = {x.key: x.bytes for before in self.stages[:number] for x in before.outputs}
            needed = {x.key for later in self.stages[number:] for x in later.inputs} & set(earlier)
            own = 0.0 if number == last else sum(x.bytes for x in stage.outputs)
            found = max(found, own + sum(earlier[key] for key in needed))
        return found

    def begin(self, images):
        """Compute all stages but the last.

        Args:
            images: batches `(N, H, W, C)` of any dtype, in the order of the model's inputs as Keras flattens them.

        Returns:
            what `finish` takes: `{key: map}` of the maps that the last stage reads, and the lengths, down and across,
            of those and of its outputs.
        """
        dtypes = tuple(x.dtype for x in images)
        if dtypes not in self._begun:
            # A function of its own, which signatures share: it takes most of the time to build.
            specs = [tf.TensorSpec([None, None, None, x.shape[-1]], x.dtype) for x in images]
            self._begun[dtypes] = tf.function(self._begin, input_signature=specs, autograph=False)
        return self._begun[dtypes](*images)

    def _begin(self, *images):
        height, width = tf.unstack(tf.shape(images[0])[1:3])
        maps, lengths = {}, (self._lengths(height), self._lengths(width))
        for number, stage in enumerate(self.stages[:-1]):
            kept = {x.key: {"": scores_kept(x.channels)} for x in stage.outputs}
            maps |= {key: made[""] for key, made in self._run(number, images, maps, kept, *lengths).items()}
            needed = {x.key for later in self.stages[number + 1 :] for x in later.inputs}
            maps = {key: x for key, x in maps.items() if key in needed}
        last = {x.key for x in (*self.stages[-1].inputs, *self.stages[-1].outputs)}
        return maps, *({key: length for key, length in of_axis.items() if key in last} for of_axis in lengths)

    def finish(self, images, begun, kept):
        """Compute the last stage, and keep what is made of its scores.

        Args:
            images: as for `begin`.
            begun: what `begin` returned.
            kept: `{head: {name: keeping.Kept}}`.

        Returns:
            `{head: {name: tensor}}`.
        """
        by_key = {self.heads[head]: x for head, x in kept.items()}
        maps, *lengths = begun
        made = self._run(len(self.stages) - 1, images, maps, by_key, *lengths)
        return {head: made[self.heads[head]] for head in kept}

    def _run(self, number, images, maps, kept, down, across):
        """Compute a stage part by part.

        Args:
            kept: `{key of an output: {name: keeping.Kept}}`.

        Returns:
            `{key: {name: tensor}}`.
        """
        stage, function = self.stages[number], self._functions[number]
        batch = tf.shape(images[0])[0]
        pixels = self.memory / stage.working / tf.cast(batch, tf.float64)
        rows, columns = axes(stage, down, across, pixels)
        wholes = {
            x.key: {name: to.start(batch, down[x.key], across[x.key]) for name, to in kept[x.key].items()}
            for x in stage.outputs
        }

        def compute(place, wholes):
            row, column = rows.part(place // columns.count), columns.part(place % columns.count)
            given = [
                self._read(x, alone, images, maps, *ranges, down, across)
                for x, alone, *ranges in zip(stage.inputs, stage.size_alone, row.reads, column.reads, strict=True)
            ]
            found = {}
            for x, part, *where in zip(
                stage.outputs, function(*given), row.keeps, column.keeps, row.skips, column.skips, strict=True
            ):
                part = _cut(part, *where)
                found[x.key] = {name: to.put(wholes[x.key][name], part, *where[:2]) for name, to in kept[x.key].items()}
            return place + 1, found

        def unfinished(place, _):
            return place < rows.count * columns.count

        return tf.while_loop(unfinished, compute, (tf.constant(0), wholes), parallel_iterations=1)[1]

    def _read(self, given, alone, images, maps, rows, columns, down, across):
        """Read a part of a map; outside the map it is zero."""
        if alone:
            return tf.zeros([tf.shape(images[0])[0], rows[1] - rows[0], columns[1] - columns[0], given.channels])
        if given.key in maps:
            return _read(maps[given.key], rows, columns)
        canvas, function = self._canvases[given.key]
        return _read(images[canvas.place], rows, columns, canvas.before, function)


def _of_canvas(canvas):
    return Part(canvas.layers, [id(canvas.layers[0].input)], [id(canvas.layers[-1].output)], [None], None)


def _of_stage(stage):
    inputs, outputs = ([x.key for x in maps] for maps in (stage.inputs, stage.outputs))
    return Part(stage.layers, inputs, outputs, [None] * len(outputs), stage.exact)


def _cut(part, rows, columns, above, left):
    return part[:, above : above + rows[1] - rows[0], left : left + columns[1] - columns[0]]


def _read(source, rows, columns, before=0, function=None):
    """Read a part of a map around which there are `before` zeros above and at the left, and more at the other sides."""
    height, width = tf.unstack(tf.shape(source)[1:3])
    (top, bottom, *above_below), (left, right, *sides) = (
        _inside(*rows, before, height),
        _inside(*columns, before, width),
    )
    pixels = source[:, top:bottom, left:right]
    if source.dtype != tf.float32:
        pixels = tf.cast(pixels, tf.float32)
    if function is not None:
        (pixels,) = function(pixels)
    return tf.pad(pixels, [[0, 0], above_below, sides, [0, 0]])


def _inside(first, last, before, length):
    """Find what of a range lies inside a map, and how many zeros stand before and behind that."""
    size, first, last = last - first, first - before, last - before
    start, stop = tf.clip_by_value(first, 0, length), tf.clip_by_value(last, 0, length)
    ahead = tf.clip_by_value(-first, 0, size)
    return start, stop, ahead, size - ahead - (stop - start)
