"""Cut a network into stages that meet where its stride changes, each of which can be computed part by part.

A map is a tensor that one stage hands to later ones. A pixel of pool1 sees 3 pixels of the image to each side, and one
of pool3 seven of pool2: parts of such a stage overlap by little, parts of the whole network by all that a score sees.
All that a part must read is derived from the network's layers by `receptive_field`; nothing is typed in.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from fcn_keras.inference import winograd
from fcn_keras.layers import CropLike, MatrixConv2D, PadToMultiple
from fcn_keras.receptive_field import (
    PIXELWISE,
    WINDOWED,
    Field,
    fields_of,
    kernel_and_stride,
    length_after,
    through,
)

Tensor = Any  # of any backend: Keras names no type for it
_PADS = (layers.ZeroPadding2D, PadToMultiple)
_FAR = 2**20  # rows of an image whose borders are out of sight


@dataclass(frozen=True)
class Map:
    """A tensor that stages hand on. Pixel `i` is centred on row (or column) `start + stride * i` of the image.

    Attributes:
        key: `id` of the model's tensor.
        stride, start: in image pixels.
        more: rows besides `height / stride` that it has of an image whose height is a multiple of every stride.
        channels: of a pixel.
        dtype: of its numbers.
        bytes: of an image pixel.
    """

    key: int
    stride: int
    start: float
    more: int
    channels: int
    dtype: str
    bytes: float


@dataclass(frozen=True, eq=False)
class Canvas:
    """The map that the first window sees: preprocessed pixels, with zeros around them where the network pads.

    Attributes:
        map: what it is to the stages.
        place: of its image among the model's inputs, flattened.
        layers: that turn the image into pixels, each of which sees one pixel.
        before: rows of zeros above the image, and columns at its left.
    """

    map: Map
    place: int
    layers: tuple[keras.Layer, ...]
    before: int


@dataclass(frozen=True, eq=False)
class Stage:
    """Layers that run together on a part of their input maps.

    Attributes:
        layers: in the order that they run in.
        inputs: maps of earlier stages, or canvases.
        size_alone: of each input, whether only its height and width count.
        outputs: maps of later stages, or of the model.
        radii: of each output, how far its pixels see the input maps, in image pixels.
        phase: largest stride of any map of the stage: parts begin at multiples of it.
        exact: the one convolution whose windows are all that the stage sees, so that a part with zeros at the
            image's border needs no margin of its own; None in other stages.
        working: bytes of memory an image pixel of a part.
    """

    layers: tuple[keras.Layer, ...]
    inputs: tuple[Map, ...]
    size_alone: tuple[bool, ...]
    outputs: tuple[Map, ...]
    radii: tuple[float, ...]
    phase: int
    exact: keras.Layer | None
    working: float


@dataclass(frozen=True, eq=False)
class Stages:
    """A network as stages.

    Attributes:
        canvases: what the first stages see.
        stages: in the order that they run in.
        results: the model's outputs, flattened.
        whole: bytes of memory a pixel of the canvas that one pass over a whole image takes.
        all_layers: the model's, in the order that they run in.
        inputs: keys of its inputs.
    """

    canvases: tuple[Canvas, ...]
    stages: tuple[Stage, ...]
    results: tuple[Map, ...]
    whole: float
    all_layers: tuple[keras.Layer, ...]
    inputs: tuple[int, ...]

    def lengths(self, length: int) -> dict[int, int]:
        """Count the rows of every map, by its key, of an image of `length` rows; or the columns."""
        return _lengths(self.all_layers, length, self.inputs)


def cut(model: keras.Model, *, most: float = math.inf) -> Stages:
    """Cut a network behind every layer that lowers its stride's resolution, and before every one that raises it.

    Args:
        model: functional, from images of any size to scores.
        most: bytes an image pixel that the maps of a stage may take together; one that would hand on more is joined
            with the next. The results themselves do not count.

    Returns:
        `Stages`.

    Raises:
        ValueError: if the geometry of a layer is not known, or the model's maps cannot be cut.
    """
    if any(None not in x.shape[1:3] for x in keras.tree.flatten(model.input)):
        raise ValueError("The model takes images of one size.")
    graph = _Graph(model)
    stages = tuple(_stages(graph, most))
    handed_on = {x.key for stage in stages for x in stage.inputs}
    if not stages or graph.results & (handed_on | set(graph.canvas)):
        raise ValueError("The model's outputs are among the maps that its stages hand on.")
    seen = {x.key for s in stages for x, alone in zip(s.inputs, s.size_alone, strict=True) if not alone}
    canvases = tuple(
        Canvas(graph.map(key), place, chain, before)
        for key, (place, chain, before) in graph.canvas.items()
        if key in seen
    )
    results = tuple(graph.map(id(x)) for x in keras.tree.flatten(model.output))
    whole = _working(graph, graph.layers, list(graph.inputs), graph.results)
    return Stages(canvases, stages, results, whole, tuple(graph.layers), tuple(graph.inputs))


class _Graph:
    """What is known of a model's tensors, by their `id`.

    Attributes:
        layers: of the model, but its input layers.
        staged: those of them that stages run.
        canvas: of the pixels before the first window, `(place of the input, layers, zeros before)`.
        level: number of the stage that gives a tensor; 0 is the canvas.
    """

    def __init__(self, model: keras.Model) -> None:
        self.tensors = {id(x): x for layer in model.layers for x in keras.tree.flatten(layer.output)}
        self.fields = fields_of(model)
        self.layers = [x for x in model.layers if not isinstance(x, layers.InputLayer)]
        self.inputs = {id(x): place for place, x in enumerate(keras.tree.flatten(model.input))}
        self.results = {id(x) for x in keras.tree.flatten(model.output)}
        self.far = _lengths(self.layers, _FAR, self.inputs)
        self.dtypes = {_key(layer): layer.compute_dtype for layer in self.layers}
        self.canvas: dict[int, tuple[int, tuple[keras.Layer, ...], int]] = {}
        self.staged: list[keras.Layer] = []
        self._find_canvas()
        self.level = dict.fromkeys(self.canvas, 0)
        self._level()

    def map(self, key: int) -> Map:
        grid, channels = self.fields[key].grid, int(self.tensors[key].shape[-1])
        if grid.stride != int(grid.stride):
            raise ValueError("A map is finer than the image.")
        more = self.far[key] - _FAR // int(grid.stride)
        dtype = keras.backend.standardize_dtype(self.tensors[key].dtype)
        return Map(key, int(grid.stride), grid.start, more, channels, dtype, self.bytes(key))

    def bytes(self, key: int) -> float:
        size = 2 if self.dtypes.get(key, "float32") in ("float16", "bfloat16") else 4
        return float(size * self.tensors[key].shape[-1] / self.fields[key].grid.stride ** 2)

    def _find_canvas(self) -> None:
        padded = set()
        self.canvas = {key: (place, (), 0) for key, place in self.inputs.items()}
        for layer in self.layers:
            sources = keras.tree.flatten(layer.input)
            key = id(sources[0])
            pads, starts = isinstance(layer, _PADS), len(sources) == 1 and key in self.canvas
            if not (starts and (pads or (isinstance(layer, PIXELWISE) and key not in padded))):
                if isinstance(layer, PadToMultiple):
                    raise ValueError(f"{layer.name} does not pad an image.")
                self.staged.append(layer)
                continue
            place, chain, before = self.canvas[key]
            if pads:
                padded.add(_key(layer))
                before += layer.padding[0][0] if isinstance(layer, layers.ZeroPadding2D) else 0
                self.canvas[_key(layer)] = place, chain, before
            else:
                self.canvas[_key(layer)] = place, (*chain, layer), 0

    def _level(self) -> None:
        coarser, finer = set(self.canvas), set()
        for layer in self.staged:
            if isinstance(layer, WINDOWED) and kernel_and_stride(layer)[1] > 1:
                if isinstance(layer, layers.Conv2DTranspose):
                    finer.add(id(layer.input))
                else:
                    coarser.add(_key(layer))
        for layer in self.staged:
            sources = [id(x) for x in keras.tree.flatten(layer.input)]
            self.level[_key(layer)] = max(self.level[x] + (x in coarser or x in finer) for x in sources)


def _stages(graph: _Graph, most: float) -> Iterable[Stage]:
    run: list[keras.Layer] = []
    levels = sorted({graph.level[_key(layer)] for layer in graph.staged})
    for level in levels:
        run += [x for x in graph.staged if graph.level[_key(x)] == level]
        stage = _stage(graph, run)
        if level == levels[-1] or sum(x.bytes for x in stage.outputs if x.key not in graph.results) <= most:
            yield stage
            run = []


def _stage(graph: _Graph, run: list[keras.Layer]) -> Stage:
    own = {_key(layer) for layer in run}
    used: dict[int, bool] = {}  # whether only its size counts
    for layer in run:
        for place, x in enumerate(keras.tree.flatten(layer.input)):
            if id(x) not in own:
                used[id(x)] = used.get(id(x), True) and isinstance(layer, CropLike) and place == 1
    later = {id(x) for layer in graph.staged if _key(layer) not in own for x in keras.tree.flatten(layer.input)}
    taken = {id(x) for layer in run for x in keras.tree.flatten(layer.input)}
    outputs = [key for key in own if key in later | graph.results or key not in taken]
    seen = {key: Field(graph.fields[key].grid, 0.0, graph.fields[key].grid.stride) for key in used}
    for layer in run:
        seen[_key(layer)] = through(layer, [seen[id(x)] for x in keras.tree.flatten(layer.input)])
    exact = _exact(run, [key for key, alone in used.items() if not alone])
    return Stage(
        layers=tuple(run),
        inputs=tuple(map(graph.map, used)),
        size_alone=tuple(used.values()),
        outputs=tuple(map(graph.map, outputs)),
        radii=tuple(seen[key].radius for key in outputs),
        phase=int(max(field.phase for field in seen.values())),
        exact=exact,
        working=_working(graph, run, [key for key, alone in used.items() if not alone], outputs),
    )


def _exact(run: Sequence[keras.Layer], inputs: Sequence[int]) -> keras.Layer | None:
    """Find the only window of a stage, if it is a convolution that keeps its input's size."""
    windows = [layer for layer in run if isinstance(layer, WINDOWED) and kernel_and_stride(layer) != (1, 1)]
    moved = any(isinstance(layer, (CropLike, layers.ZeroPadding2D)) for layer in run)
    if moved or len(windows) != 1 or type(windows[0]) not in (layers.Conv2D, MatrixConv2D) or len(inputs) != 1:
        return None
    layer = windows[0]
    users = [x for x in run if any(id(y) == inputs[0] for y in keras.tree.flatten(x.input))]
    return layer if layer.padding == "same" and users == [layer] else None


def _working(graph: _Graph, run: Sequence[keras.Layer], inputs: Iterable[int], outputs: Collection[int]) -> float:
    """Estimate the memory of some layers, in bytes an image pixel: the most that lives at once."""
    last = {id(x): place for place, layer in enumerate(run) for x in keras.tree.flatten(layer.input)}
    last.update(dict.fromkeys(outputs, len(run)))
    # An array and its tensor exist at once where data goes in and out.
    alive = {key: 2 * graph.bytes(key) for key in inputs}
    most = 0.0
    for place, layer in enumerate(run):
        key = _key(layer)
        if isinstance(layer, layers.Dropout):
            alive[key] = alive.pop(id(layer.input))  # at prediction, its input itself
        else:
            # Labels: the scores, and on backends but TensorFlow a copy without -0 (`labels.highest`).
            copies = 3 if key in graph.results else 2 if key in outputs else 1
            alive[key] = graph.bytes(key) * copies
        most = max(most, sum(alive.values()) + _on_the_way(graph, layer))
        alive = {key: size for key, size in alive.items() if last.get(key, -1) > place}
    return most


def _on_the_way(graph: _Graph, layer: keras.Layer) -> float:
    """Count the bytes of what a layer computes on the way.

    A matrix product: its patches, the windows one by one, and next to each other. A quick convolution: six rows for
    every four, of its padded input and of its output.
    """
    if winograd.can_be_used(layer):
        return winograd.TAKES * (graph.bytes(id(layer.input)) + graph.bytes(_key(layer)))
    if not isinstance(layer, MatrixConv2D):
        return 0.0
    windows = math.prod(layer.kernel_size)
    return 2 * windows * graph.bytes(id(layer.input)) if windows > 1 else 0.0


def _lengths(run: Sequence[keras.Layer], length: int, inputs: Iterable[int]) -> dict[int, int]:
    found = dict.fromkeys(inputs, length)
    for layer in run:
        sources = [found[id(x)] for x in keras.tree.flatten(layer.input)]
        found[_key(layer)] = length_after(layer, sources)
    return found


def _key(layer: keras.Layer) -> int:
    return id(layer.output)
