"""Compute an image's result stage by stage and part by part, from the top down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_keras.inference.overflow import require_numbers, watch_of
from fcn_keras.inference.parts import part_of_canvas, part_of_stage, stages_of
from fcn_keras.inference.stages import Canvas, Map, Stage, cut
from fcn_keras.inference.steps import Step, plan

_MUCH = 1.1  # times as many bytes
Array = NDArray[Any]
Range = tuple[int, int]  # the first, and the one behind the last


def fits(model: keras.Model, images: Any, memory: float) -> bool:
    """Tell whether one pass over the whole of an image takes no more than a budget.

    Args:
        model: as for `predict`.
        images: what `as_input` returns.
        memory: bytes.

    Returns:
        True also for a model that cannot be cut into stages: there is no other way.
    """
    stages = stages_of(model)
    if stages is None:
        return True
    down, across = map(stages.lengths, keras.tree.flatten(images)[0].shape[:2])
    return stages.whole * max(down[x.map.key] * across[x.map.key] for x in stages.canvases) <= memory


class Stream:
    """The result of one image, whose rows are computed when they are asked for.

    Every map keeps the rows that a later stage still needs, and each is computed once. So the memory is that of a band
    of the image, whatever its height.

    Args:
        model: one that can be cut into stages.
        images: what `as_input` returns.
        output: as for `predict`.
        memory: bytes.
        sideways: whether to compute it from left to right: of a wide image, columns are shorter than rows. Height and
            width, rows and columns change places then in all that follows, but for what the network sees.

    Attributes:
        height, width: of the image.

    Raises:
        ValueError: if the model cannot be cut; while rows are computed, if a sum is no number.
    """

    def __init__(self, model: keras.Model, images: Any, output: str, memory: float, *, sideways: bool = False) -> None:
        stages = stages_of(model) or cut(model)  # the second says why there are none
        self._sideways = sideways
        flat = [self._turned(x) for x in keras.tree.flatten(images)]
        self.height, self.width = flat[0].shape[:2]
        self._structure, self._results, self._output = model.output, stages.results, output
        down, across = stages.lengths(self.height), stages.lengths(self.width)
        self._stages, self._plan = stages.stages, plan(stages, self.height, self.width, memory, output)
        self._watch, self._observed, self._part_of = watch_of(model), 0.0, partial(part_of_stage, model, stages)
        self._weights = self._watch.weigh()
        self._is_thorough = not self._watch.accepts(self._weights, 0.0)
        self._require_numbers = partial(require_numbers, model)
        self._done = [0] * len(stages.stages)
        self._rows = {x.key: _Rows(down[x.key], across[x.key]) for stage in stages.stages for x in stage.outputs}
        self._pixels = {
            x.map.key: _Pixels(x, flat[x.place], part_of_canvas(model, x) if x.layers else None)
            for x in stages.canvases
        }
        self._giver = {x.key: number for number, stage in enumerate(stages.stages) for x in stage.outputs}

    def bands(self) -> Iterator[tuple[int, Any]]:
        """Compute the whole result.

        Yields:
            the first row of a band, and the band as `rows` gives it, from the top down.
        """
        first = 0
        while first < self.height:
            for x in self._results:
                self._advance(x.key, first + 1)
            last = min(self._rows[x.key].end for x in self._results)
            yield first, self.rows(first, last)
            first = last

    def rows(self, first: int, last: int) -> Any:
        """Return some rows of the result, and forget those before them.

        Args:
            first, last: the first row, and the one behind the last. Neither may be less than at an earlier call.

        Returns:
            arrays `(last - first, W)` or `(last - first, W, C)`, structured as the model's output.
        """
        found = []
        for x in self._results:
            self._advance(x.key, last)
            self._rows[x.key].drop(first)
            found.append(self._rows[x.key].read((first, last), (0, self.width)))
        return keras.tree.pack_sequence_as(self._structure, found)

    def _advance(self, key: int, last: int) -> None:
        """Compute a map up to a row."""
        while self._rows[key].end < last:
            self._step(self._giver[key])

    def _step(self, number: int) -> None:
        """Compute the next rows of a stage's outputs."""
        stage = self._stages[number]
        down = self._plan.rows[number][self._done[number]]
        for x, alone, (_, last) in zip(stage.inputs, stage.size_alone, down.reads, strict=True):
            if not alone and x.key in self._rows:
                self._advance(x.key, min(last, self._rows[x.key].length))
        bands = [self._part(number, down, across) for across in self._plan.columns[number]]
        for place, x in enumerate(stage.outputs):
            band = [part[place] for part in bands]
            self._rows[x.key].append(_alone(band[0]) if len(band) == 1 else np.concatenate(band, axis=1))
        self._done[number] += 1
        for x, alone in zip(stage.inputs, stage.size_alone, strict=True):
            if not alone and x.key in self._rows:
                self._rows[x.key].drop(self._first_needed(x))

    def _part(self, number: int, down: Step, across: Step) -> list[Array]:
        stage = self._stages[number]
        given = [
            np.zeros((rows[1] - rows[0], columns[1] - columns[0], x.channels), "float32")
            if alone
            else (self._rows if x.key in self._rows else self._pixels)[x.key].read(rows, columns)
            for x, alone, rows, columns in zip(stage.inputs, stage.size_alone, down.reads, across.reads, strict=True)
        ]
        found = self._computed(number, [self._turned(x)[None] for x in given])
        return [
            self._turned(x[0])[top : top + rows[1] - rows[0], left : left + columns[1] - columns[0]]
            for x, top, left, rows, columns in zip(
                found, down.skips, across.skips, down.keeps, across.keeps, strict=True
            )
        ]

    def _computed(self, number: int, given: list[Array]) -> list[Array]:
        """Compute a part of a stage, and look closer from where on it may overflow.

        Raises:
            ValueError: if a sum is no number.
        """
        if not self._is_thorough:
            part = self._part_of(number, self._output, self._watch.observed)
            found: list[Array] = part.predict_on_batch(given)
            if not part.looked_at:
                return found
            self._observed = float(np.maximum(self._observed, found.pop().max()))  # which stays NaN
            if self._watch.accepts(self._weights, self._observed):
                return found
            self._is_thorough = True
        part = self._part_of(number, self._output, None)
        *found, is_finite = part.predict_on_batch(given)
        self._require_numbers(part.looked_at, is_finite)
        return found

    def _turned(self, given: Array) -> Array:
        return given.swapaxes(0, 1) if self._sideways else given

    def _first_needed(self, given: Map) -> int:
        """Return the first row of a map that a stage has still to read."""
        needed = [
            steps[done].reads[place][0]
            for stage, steps, done in zip(self._stages, self._plan.rows, self._done, strict=True)
            for place in _places(stage, given)
            if done < len(steps)
        ]
        return min(needed, default=self._rows[given.key].length)


def _places(stage: Stage, given: Map) -> list[int]:
    return [
        place
        for place, (x, alone) in enumerate(zip(stage.inputs, stage.size_alone, strict=True))
        if x.key == given.key and not alone
    ]


class _Rows:
    """The rows of a map that are still needed.

    Args:
        length, width: of the whole map.
    """

    def __init__(self, length: int, width: int) -> None:
        self.length, self.width = length, width
        self.first = self.end = 0
        self._bands: list[Array] = []

    def append(self, band: Array) -> None:
        self._bands.append(band)
        self.end += len(band)

    def read(self, rows: Range, columns: Range) -> Array:
        """Return a part; outside the map it is zero."""
        found, begin = [], self.first
        for band in self._bands:
            first, last = max(rows[0] - begin, 0), max(rows[1] - begin, 0)
            if first < len(band) and last:
                found.append(band[first:last, max(columns[0], 0) : columns[1]])
            begin += len(band)
        part = found[0] if len(found) == 1 else np.concatenate(found)
        return _surrounded(part, rows, columns, (0, self.length), (0, self.width))

    def drop(self, first: int) -> None:
        """Forget the rows before `first`."""
        while self._bands and self.first + len(self._bands[0]) <= first:
            self.first += len(self._bands.pop(0))
        if self._bands and self.first < first:
            self._bands[0] = self._bands[0][first - self.first :].copy()  # a view would keep the memory of all
            self.first = first


class _Pixels:
    """A canvas, which is computed when it is read.

    Args:
        canvas: what the first window sees.
        image: `(H, W, C)`.
        part: of the layers that turn an image into pixels; None if there are none.
    """

    def __init__(self, canvas: Canvas, image: Array, part: keras.Model | None) -> None:
        self._canvas, self._image, self._part = canvas, image, part

    def read(self, rows: Range, columns: Range) -> Array:
        """Return a part; outside the image it is zero."""
        before = self._canvas.before
        (top, bottom), (left, right) = (
            (max(first - before, 0), min(last - before, length))
            for (first, last), length in zip((rows, columns), self._image.shape[:2], strict=True)
        )
        if top >= bottom or left >= right:
            return np.zeros((rows[1] - rows[0], columns[1] - columns[0], self._canvas.map.channels), "float32")
        pixels = self._image[top:bottom, left:right].astype("float32")
        if self._part is not None:
            pixels = self._part.predict_on_batch([pixels[None]])[0][0]
        return _surrounded(pixels, rows, columns, (top + before, bottom + before), (left + before, right + before))


def _alone(part: Array) -> Array:
    """Copy a view of much more, whose memory it would keep."""
    return part.copy("K") if part.base is not None and part.base.nbytes > _MUCH * part.nbytes else part


def _surrounded(part: Array, rows: Range, columns: Range, inside_rows: Range, inside_columns: Range) -> Array:
    """Add zeros to what lies inside, where rows and columns lie outside."""
    pads = [
        (max(inside[0] - wanted[0], 0), max(wanted[1] - inside[1], 0))
        for wanted, inside in ((rows, inside_rows), (columns, inside_columns))
    ]
    if not any(map(any, pads)):
        return part
    return np.pad(part, [*pads, *[(0, 0)] * (part.ndim - 2)])
