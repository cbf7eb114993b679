"""The stages of a network as models, which share its layers and run on parts of its maps."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from fcn_keras.inference.stages import Canvas, Stage, Stages, cut
from fcn_keras.inference.whole import finish_of, without_xla
from fcn_keras.layers import MatrixConv2D, matrix_product

Tensor = Any  # of any backend: Keras names no type for it
# model -> its stages, or None where it cannot be cut
_stages: weakref.WeakKeyDictionary[keras.Model, Stages | None] = weakref.WeakKeyDictionary()
# model -> {what it is a part of: compiled model on the same layers}
_parts: weakref.WeakKeyDictionary[keras.Model, dict[tuple[Any, ...], "Part"]] = weakref.WeakKeyDictionary()


def stages_of(model: keras.Model) -> Stages | None:
    """Cut a `model`, once; return its `Stages`, or None where `cut` cannot."""
    if model not in _stages:
        try:
            _stages[model] = cut(model)
        except ValueError:
            _stages[model] = None
    return _stages[model]


def part_of_stage(model: keras.Model, stages: Stages, number: int, output: str) -> "Part":
    """Build, once per model and output, a compiled model of one stage.

    Args:
        model: a network.
        stages: of the network.
        number: which of them.
        output: what becomes of the network's own outputs, as for `predict`.

    Returns:
        `Part`, from a list of the stage's inputs to a list of its outputs.
    """
    stage, results = stages.stages[number], {x.key for x in stages.results}
    finishes = [finish_of(output) if x.key in results else None for x in stage.outputs]
    named = output if any(finishes) else None
    return _built(model, ("stage", number, named), lambda: _of_stage(stage, finishes))


def part_of_canvas(model: keras.Model, canvas: Canvas) -> "Part":
    """Build, once per model, a compiled model of the layers that turn an image into pixels.

    Args:
        model: a network.
        canvas: of the network, with at least one layer.

    Returns:
        `Part`, from a list of one batch of images to a list of one batch of pixels.
    """
    keys = [id(canvas.layers[0].input), id(canvas.layers[-1].output)]
    return _built(model, ("canvas", canvas.map.key), lambda: Part(canvas.layers, keys[:1], keys[1:], [None], None))


def _of_stage(stage: Stage, finishes: Sequence[Callable[[Tensor], Tensor] | None]) -> "Part":
    inputs, outputs = ([x.key for x in maps] for maps in (stage.inputs, stage.outputs))
    return Part(stage.layers, inputs, outputs, finishes, stage.exact)


def _built(model: keras.Model, key: tuple[Any, ...], build: Callable[[], "Part"]) -> "Part":
    parts = _parts.setdefault(model, {})
    if key not in parts:
        parts[key] = without_xla(build())
    return parts[key]


class Part(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Layers of a network, from some of its tensors to others.

    Its input is a list of arrays, its output a list of tensors.

    Args:
        run: layers in the order that they run in.
        inputs, outputs: `id`s of the network's tensors.
        finishes: what is done to each output, or None.
        exact: a convolution of `run` that pads nothing: its windows lie in the part.
    """

    def __init__(
        self,
        run: Sequence[keras.Layer],
        inputs: Sequence[int],
        outputs: Sequence[int],
        finishes: Sequence[Callable[[Tensor], Tensor] | None],
        exact: keras.Layer | None,
    ) -> None:
        super().__init__(name="part", autocast=False)
        self.run = list(run)
        self.keys, self.finishes, self.exact = (tuple(inputs), tuple(outputs)), tuple(finishes), exact
        self.built = True  # its layers are

    def call(self, maps: Sequence[Tensor]) -> list[Tensor]:
        values = dict(zip(self.keys[0], maps, strict=True))
        last = {id(x): layer for layer in self.run for x in keras.tree.flatten(layer.input)}
        for layer in self.run:
            given = keras.tree.map_structure(lambda x: values[id(x)], layer.input)
            values[id(layer.output)] = _windows_of(layer, given) if layer is self.exact else layer(given)
            for x in keras.tree.flatten(layer.input):
                if last[id(x)] is layer and id(x) not in self.keys[1]:
                    values.pop(id(x), None)  # backends without a graph would keep it
        found = [values[key] for key in self.keys[1]]
        return [x if finish is None else finish(x) for x, finish in zip(found, self.finishes, strict=True)]


def _windows_of(layer: keras.layers.Conv2D, x: Tensor) -> Tensor:
    """Apply a convolution of stride 1 to the windows that lie in a part, without padding it."""
    with keras.name_scope(layer.name):
        kernel, x = ops.cast(layer.kernel, layer.compute_dtype), ops.cast(x, layer.compute_dtype)
        if isinstance(layer, MatrixConv2D):
            x = matrix_product(x, kernel)
        else:
            x = ops.conv(x, kernel, padding="valid", dilation_rate=layer.dilation_rate)
        if layer.use_bias:
            x = x + ops.cast(layer.bias, layer.compute_dtype)
        return layer.activation(x)
