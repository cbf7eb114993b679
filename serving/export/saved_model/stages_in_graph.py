"""A network computed stage by stage and part by part inside a graph, with the scores of one pass.

`fcn_keras.inference` does the same with arrays, one part after another. Importing this imports TensorFlow.
"""

import math
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf

from fcn_keras.inference.parts import Part

from .keeping import scores_kept
from .placed import Placed, by_map, put, start
from .positions import axes, table

MAPS = 16  # bytes an image pixel of the maps that a stage hands on: pool3 of VGG16


class _Given(NamedTuple):
    """What a stage reads.

    Attributes:
        maps: `{key: placed.Placed}`.
        batch: how many images, an int32 scalar.
        down, across: lengths of all maps by their keys, int32 scalars.
    """

    maps: dict
    batch: tf.Tensor
    down: dict
    across: dict

    def made_by(self, stage):
        """List the lengths of a stage's outputs, down and across."""
        return [[lengths[x.key] for x in stage.outputs] for lengths in (self.down, self.across)]

    def share(self, pixels):
        """Divide pixels among the images."""
        return pixels / tf.cast(self.batch, tf.float64)


class Staged:
    """Stages as functions of a graph.

    Args:
        stages: `fcn_keras.inference.stages.Stages`, the last of which gives all results.
        heads: `{head: key of its scores}`.
        function: makes of a `fcn_keras.inference.parts.Part` and its inputs, pairs of channels and dtype, a function
            from tensors to a list of tensors.
        memory: bytes that a part may take.
        observed: as for `fcn_keras.inference.parts.Part`, whose last output `function` then leaves out.
        transposed: as for `Part`.

    Attributes:
        block: bytes that the maps of a block may take.
        nested: number of the first stage whose maps the next one reads and no other. They exist in blocks: of each, the
            next stage computes all that it can, and maps of the whole image are those of the next stage alone.
    """

    def __init__(self, stages, heads, function, memory, observed=(), transposed=MappingProxyType({})):
        self.stages, self.heads, self.memory, self._lengths = stages.stages, heads, memory, stages.lengths
        self.block, self.nested = memory, _nested(self.stages)
        self._traced = {}
        self._keys = list(dict.fromkeys(x.key for stage in self.stages for x in (*stage.inputs, *stage.outputs)))
        self._canvases = {x.map.key: x for x in stages.canvases}
        self._to_pixels = {
            x.map.key: function(_of_canvas(x), [(x.layers[0].input.shape[-1], "float32")])
            for x in stages.canvases
            if x.layers
        }
        self._functions = [function(_of_stage(x, observed, transposed), _taken_by(x)) for x in self.stages]

    @property
    def largest_part(self):
        """Side of the largest square image, in pixels, that is computed in one part."""
        return math.isqrt(int(self.memory / max(x.working for x in self.stages)))

    @property
    def waiting(self):
        """Bytes an image pixel of the maps that exist at once, while a stage computes its own; blocks do not count."""
        found, last = 0.0, len(self.stages) - 1
        for number, stage in enumerate(self.stages):
            if number == self.nested:
                continue
            before = [x for earlier in self.stages[:number] if earlier is not self._inner for x in earlier.outputs]
            first = number if self.nested != number - 1 else number - 1
            needed = {x.key for later in self.stages[first:] for x in later.inputs}
            own = 0.0 if number == last else sum(x.bytes for x in stage.outputs)
            found = max(found, own + sum(x.bytes for x in before if x.key in needed))
        return found

    @property
    def in_blocks(self):
        """Bytes an image pixel of the maps that exist in blocks."""
        return 0.0 if self.nested is None else sum(x.bytes for x in self._inner.outputs)

    @property
    def _inner(self):
        return None if self.nested is None else self.stages[self.nested]

    def begin(self, images):
        """Compute all stages but the last.

        Args:
            images: batches `(N, H, W, C)` of any dtype, in the order of the model's inputs as Keras flattens them.

        Returns:
            what `finish` takes: `{key: map}` of the maps that the last stage reads, and the lengths of all maps, down
            and across.
        """
        dtypes = tuple(x.dtype for x in images)
        specs = [tf.TensorSpec([None, None, None, x.shape[-1]], x.dtype) for x in images]
        return self._shared(("begin", *dtypes), self._begin, specs)(*images)

    def _shared(self, key, function, specs):
        """Make a graph of its own, which signatures share: it takes most of the time to build."""
        if key not in self._traced:
            self._traced[key] = tf.function(function, input_signature=specs, autograph=False)
        return self._traced[key]

    def _begin(self, *images):
        found = self._lengths(tf.shape(images[0])[1:3])
        lengths = tf.stack([found[key] for key in self._keys], axis=1)
        maps = {key: images[x.place] for key, x in self._canvases.items()}
        for number, stage in enumerate(self.stages[:-1]):
            if number != self.nested:
                maps |= {key: made[""] for key, made in self._stage(number, maps, lengths, _all_kept(stage)).items()}
        return {x.key: maps[x.key] for x in _seen(self.stages[-1]) if x.key not in self._canvases}, lengths

    def finish(self, images, begun, kept):
        """Compute the last stage, and keep what is made of its scores.

        Args:
            images: as for `begin`.
            begun: what `begin` returned.
            kept: `{head: {name: keeping.Kept}}`.

        Returns:
            `{head: {name: tensor}}`.
        """
        maps, lengths = begun
        maps = maps | {key: images[x.place] for key, x in self._canvases.items()}
        made = self._stage(len(self.stages) - 1, maps, lengths, {self.heads[head]: x for head, x in kept.items()})
        return {head: made[self.heads[head]] for head in kept}

    def _stage(self, number, maps, lengths, kept):
        """Compute a stage.

        Args:
            maps: `{key: tensor}` of whole maps, and of images under the keys of their canvases.
            lengths: of the maps in `_keys`, `[2, maps]` int32, down and across.
            kept: `{key of an output: {name: keeping.Kept}}`.

        Returns:
            `{key: {name: tensor}}`.
        """
        seen = _seen(self.stages[number])
        if number - 1 == self.nested:
            seen = [*_seen(self._inner), *(x for x in seen if x not in self._inner.outputs)]
        maps = {x.key: maps[x.key] for x in seen}

        def compute(maps, lengths):
            return self._compute(number, self._given(maps, lengths), kept)

        if not self._canvases.keys().isdisjoint(maps):
            return compute(maps, lengths)  # dtypes of images differ
        specs = {x.key: tf.TensorSpec([None, None, None, x.channels], x.dtype) for x in seen}
        key = number, *((key, *named) for key, of_map in kept.items() for named in of_map.items())
        return self._shared(key, compute, [specs, tf.TensorSpec([2, len(self._keys)], tf.int32)])(maps, lengths)

    def _given(self, maps, lengths):
        down, across = (dict(zip(self._keys, tf.unstack(x), strict=True)) for x in tf.unstack(lengths))
        placed = {}
        for key, pixels in maps.items():
            if key in self._canvases:
                before, (height, width) = self._canvases[key].before, tf.unstack(tf.shape(pixels)[1:3])
                placed[key] = Placed(pixels, (before, height), (before, width))
            else:
                placed[key] = Placed(pixels, (0, down[key]), (0, across[key]))
        return _Given(placed, tf.shape(next(iter(maps.values())))[0], down, across)

    def _compute(self, number, given, kept):
        """Compute a stage, in blocks if the one before it is nested in it: `_stage` of a `_Given`."""
        stage = self.stages[number]
        wholes = start(stage, given.batch, kept, *given.made_by(stage))
        if self.nested is None or number - 1 != self.nested:
            return self._parts(number, given, kept, wholes)
        rows, columns = axes(stage, given.down, given.across, given.share(self.block / self.in_blocks))

        def compute(place, wholes):
            row, column = rows.part(place // columns.count), columns.part(place % columns.count)
            within = given._replace(maps=given.maps | self._block(given, row.reads, column.reads))
            return place + 1, self._parts(number, within, kept, wholes, (row.keeps, column.keeps))

        return _each(rows.count * columns.count, compute, wholes)

    def _block(self, given, *read):
        """Compute the maps that exist in blocks.

        Args:
            read: ranges of the rows and of the columns that the next stage reads, `[inputs, 2]`.

        Returns:
            `{key: Placed}`.
        """
        stage, places = self._inner, [self.stages[self.nested + 1].inputs.index(x) for x in self._inner.outputs]
        wanted = [
            tf.clip_by_value(tf.gather(ranges, places), 0, tf.stack(lengths)[:, None])
            for ranges, lengths in zip(read, given.made_by(stage), strict=True)
        ]
        begins, sizes = zip(*((x[:, 0], x[:, 1] - x[:, 0]) for x in wanted), strict=True)
        kept = _all_kept(stage)
        made = start(stage, given.batch, kept, *map(tf.unstack, sizes))
        made = self._parts(self.nested, given, kept, made, wanted, begins)
        ranges = (tf.unstack(tf.stack(pair, axis=1)) for pair in zip(begins, sizes, strict=True))
        return {x.key: Placed(made[x.key][""], *at) for x, *at in zip(stage.outputs, *ranges, strict=True)}

    def _parts(self, number, given, kept, wholes, wanted=(None, None), begins=None):
        """Compute what is wanted of a stage's outputs part by part.

        Args:
            kept: `{key of an output: {name: keeping.Kept}}`.
            wholes: `{key: {name: what parts are put into}}`.
            wanted: rows and columns, as for `axes`.
            begins: rows and columns at which the wholes begin in the outputs, `[outputs]` int32; None for 0.

        Returns:
            `wholes` with the parts.
        """
        stage, function, count = self.stages[number], self._functions[number], len(self.stages[number].inputs)
        rows, columns = axes(stage, given.down, given.across, given.share(self.memory / stage.working), wanted)
        sources = [
            Placed(None) if alone else given.maps[x.key]
            for x, alone in zip(stage.inputs, stage.size_alone, strict=True)
        ]
        parts = [axis.part(tf.range(axis.count)) for axis in (rows, columns)]
        if begins is not None:
            parts = [x._replace(keeps=x.keeps - at[:, None]) for x, at in zip(parts, begins, strict=True)]
        down, across = map(table, parts, (tf.stack([getattr(x, of) for x in sources]) for of in ("rows", "columns")))

        def compute(place, wholes):
            numbers = tf.gather(down, place // columns.count), tf.gather(across, place % columns.count)
            where = list(zip(*(by_map(x, count + len(stage.outputs)) for x in numbers), strict=True))
            found = function(
                *(
                    source.read(*at, self._to_pixels.get(x.key), (given.batch, x.channels))
                    for x, source, at in zip(stage.inputs, sources, where[:count], strict=True)
                )
            )
            made = zip(stage.outputs, found, where[count:], strict=True)
            return place + 1, {x.key: put(wholes[x.key], kept[x.key], part, *at) for x, part, at in made}

        return _each(rows.count * columns.count, compute, wholes)


def _nested(stages):
    """Find the first stage whose maps only the next one reads, which is not the last: that keeps what it likes."""
    for number in range(len(stages) - 2):
        made = {x.key for x in stages[number].outputs}
        if all(made.isdisjoint(x.key for x in later.inputs) for later in stages[number + 2 :]):
            return number
    return None


def _each(count, compute, wholes):
    """Compute parts one after another, from `(number, wholes)` to the next number and new wholes."""

    def unfinished(number, _):
        return number < count

    return tf.while_loop(unfinished, compute, (tf.constant(0), wholes), parallel_iterations=1)[1]


def _seen(stage):
    """List the maps of which a stage reads pixels."""
    return [x for x, alone in zip(stage.inputs, stage.size_alone, strict=True) if not alone]


def _all_kept(stage):
    return {x.key: {"": scores_kept(x.channels, x.dtype)} for x in stage.outputs}


def _taken_by(stage):
    """List channels and dtype of what a stage is given; zeros stand for what counts by its size alone."""
    maps = zip(stage.inputs, stage.size_alone, strict=True)
    return [(x.channels, "float32" if alone else x.dtype) for x, alone in maps]


def _of_canvas(canvas):
    return Part(canvas.layers, [id(canvas.layers[0].input)], [id(canvas.layers[-1].output)], [None], None)


def _of_stage(stage, observed, transposed):
    inputs, outputs = ([x.key for x in maps] for maps in (stage.inputs, stage.outputs))
    return Part(stage.layers, inputs, outputs, [None] * len(outputs), stage.exact, observed, transposed=transposed)
