"""The stages of a network as models, which share its layers and run on parts of its maps."""

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from fcn_keras.finite import squares
from fcn_keras.inference import products, winograd
from fcn_keras.inference.stages import Canvas, Stage, Stages, cut
from fcn_keras.inference.whole import finish_of, without_xla
from fcn_keras.layers import MatrixConv2D

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


def part_of_stage(
    model: keras.Model, stages: Stages, number: int, output: str, observed: Collection[str] | None
) -> "Part":
    """Build, once per model and output, a compiled model of one stage.

    Args:
        model: a network.
        stages: of the network.
        number: which of them.
        output: what becomes of the network's own outputs, as for `predict`.
        observed: as for `Part`.

    Returns:
        `Part`, from a list of the stage's inputs to a list of its outputs.
    """
    stage, results = stages.stages[number], {x.key for x in stages.results}
    finishes = [finish_of(output) if x.key in results else None for x in stage.outputs]
    named = output if any(finishes) else None
    key = ("stage", number, named, observed is None)
    return _built(model, key, lambda: _of_stage(stage, finishes, observed))


def part_of_all(
    model: keras.Model, output: str, observed: Collection[str] | None, weighed: Sequence[keras.Layer] = ()
) -> "Part":
    """Build, once per model and output, a compiled model of a whole network.

    Args:
        model: a network each of whose layers is used once.
        output: what becomes of its outputs, as for `predict`.
        observed, weighed: as for `Part`.

    Returns:
        `Part`, from a list of the network's inputs to a list of its outputs.
    """
    run = _run_of(model)
    inputs, outputs = ([id(x) for x in keras.tree.flatten(of)] for of in (model.input, model.output))
    finishes = [finish_of(output)] * len(outputs)
    key = ("all", output, observed is None)
    return _built(model, key, lambda: Part(run, inputs, outputs, finishes, None, observed, weighed))


def can_be_one_part(model: keras.Model) -> bool:
    """Return whether every layer of a `model` is used once, and has one output."""
    known = {id(x) for x in keras.tree.flatten(model.input)}
    try:
        for layer in _run_of(model):
            if not all(id(x) in known for x in keras.tree.flatten(layer.input)):
                return False
            known.add(id(layer.output))
    except (AttributeError, ValueError):
        return False
    return all(id(x) in known for x in keras.tree.flatten(model.output))


def _run_of(model: keras.Model) -> list[keras.Layer]:
    return [x for x in model.layers if not isinstance(x, keras.layers.InputLayer)]


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


def _of_stage(
    stage: Stage, finishes: Sequence[Callable[[Tensor], Tensor] | None], observed: Collection[str] | None
) -> "Part":
    inputs, outputs = ([x.key for x in maps] for maps in (stage.inputs, stage.outputs))
    return Part(stage.layers, inputs, outputs, finishes, stage.exact, observed)


def _built(model: keras.Model, key: tuple[Any, ...], build: Callable[[], "Part"]) -> "Part":
    parts = _parts.setdefault(model, {})
    if key not in parts:
        parts[key] = without_xla(build())
    return parts[key]


class Part(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Layers of a network, from some of its tensors to others.

    Its input is a list of arrays, its output a list of tensors. Where something is looked at, one more stands behind
    them: of every layer in `looked_at` the sum of the squares of what it sums up, or of every image whether all that
    is finite, `(layers, N)`. Where layers are weighed, the last one is the sums of the squares of their weights.

    Args:
        run: layers in the order that they run in.
        inputs, outputs: `id`s of the network's tensors.
        finishes: what is done to each output, or None.
        exact: a convolution of `run` that pads nothing: its windows lie in the part.
        observed: names of the layers whose sums are squared; None to look whether those of all layers are finite.
        weighed: layers whose weights are squared.
        transposed: `(K, h * w * C)` kernels of `MatrixConv2D`s by name, to be used instead of the layers' own.

    Attributes:
        own: how this class computes layers of `run` that would take longer by themselves.
        looked_at: names of layers of `run`, in its order.
    """

    def __init__(
        self,
        run: Sequence[keras.Layer],
        inputs: Sequence[int],
        outputs: Sequence[int],
        finishes: Sequence[Callable[[Tensor], Tensor] | None],
        exact: keras.Layer | None,
        observed: Collection[str] | None = (),
        weighed: Sequence[keras.Layer] = (),
        transposed: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> None:
        super().__init__(name="part", autocast=False)
        self.run = list(run)
        self.is_thorough, self.weighed = observed is None, list(weighed)
        self.looked_at = tuple(x.name for x in run if observed is None or x.name in observed)
        self.own = {x: form for x in run if (form := self._form(x))}
        self.transposed = dict(transposed)
        self.keys, self.finishes, self.exact = (tuple(inputs), tuple(outputs)), tuple(finishes), exact
        self.built = True  # its layers are

    def call(self, maps: Sequence[Tensor]) -> list[Tensor]:
        maps = [ops.cast(x, "float32") if "int" in keras.backend.standardize_dtype(x.dtype) else x for x in maps]
        values, seen = dict(zip(self.keys[0], maps, strict=True)), []
        last = {id(x): layer for layer in self.run for x in keras.tree.flatten(layer.input)}
        for layer in self.run:
            given = keras.tree.map_structure(lambda x: values[id(x)], layer.input)
            if layer.name in self.looked_at or layer in self.own or layer is self.exact:
                sums, values[id(layer.output)] = self._looked_at(layer, given)
                seen += [self._look(sums)] if layer.name in self.looked_at else []
            else:
                values[id(layer.output)] = layer(given)
            for x in keras.tree.flatten(layer.input):
                if last[id(x)] is layer and id(x) not in self.keys[1]:
                    values.pop(id(x), None)  # backends without a graph would keep it
        found = [values[key] for key in self.keys[1]]
        found = [x if finish is None else finish(x) for x, finish in zip(found, self.finishes, strict=True)]
        found += [ops.stack(seen)] if seen else []
        return [*found, squares(self.weighed)] if self.weighed else found

    def _form(self, layer: keras.Layer) -> str | None:
        if type(layer) is MatrixConv2D:
            return "product"
        # Sums on the way are larger than the layer's own: those who look for what overflows want its own.
        return "winograd" if not self.is_thorough and winograd.can_be_used(layer) else None

    def _look(self, sums: Tensor) -> Tensor:
        if self.is_thorough:
            return ops.all(ops.isfinite(sums), axis=tuple(range(1, len(sums.shape))))
        return ops.sum(ops.square(ops.cast(sums, "float32")))

    def _looked_at(self, layer: keras.Layer, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a layer sums up, before its activation where it is a convolution, and its output."""
        if layer is not self.exact and type(layer) not in (keras.layers.Conv2D, MatrixConv2D):
            return (y := layer(x)), y
        with keras.name_scope(layer.name):
            x = ops.cast(x, layer.compute_dtype)
            bias = ops.cast(layer.bias, layer.compute_dtype) if layer.use_bias else None
            padding = "valid" if layer is self.exact else layer.padding
            if self.own.get(layer) == "winograd":
                sums = winograd.convolve(x, layer.kernel, bias, padding)
            else:
                sums = self._convolved(layer, x, padding)
                sums = sums if bias is None else sums + bias
            return sums, layer.activation(sums)

    def _convolved(self, layer: keras.Layer, x: Tensor, padding: str) -> Tensor:
        if layer.name in self.transposed:
            transposed = self.transposed[layer.name]
            return layer.multiply(x, padding, lambda patches: products.by_transposed(patches, transposed))
        kernel = ops.cast(layer.kernel, layer.compute_dtype)
        if type(layer) is MatrixConv2D:
            matrix, product = ops.reshape(kernel, (-1, layer.filters)), products.of(layer.compute_dtype)
            return layer.multiply(x, padding, lambda patches: product(patches, matrix))
        if padding == layer.padding:
            return layer.convolution_op(x, kernel)
        return ops.conv(x, kernel, padding=padding, dilation_rate=layer.dilation_rate)
