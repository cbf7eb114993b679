"""A model made ready to serve, its weights constants where that helps. Importing this imports TensorFlow."""

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from fcn_keras.inference.bounds import is_sure
from fcn_keras.inference.parts import Part
from fcn_keras.inference.stages import cut
from fcn_keras.interface import class_counts, heads_of, in_bfloat16, in_float32, inputs_of
from fcn_keras.layers import MatrixConv2D, Preprocess

from ..tensors import LARGEST_CONSTANT
from .finite_scores import BRIGHTEST
from .keeping import scores_kept
from .limits import part_memory
from .stages_in_graph import MAPS, Staged


class Whole:
    """A network whose layers run on whole images, since it cannot be cut into stages.

    Args:
        function: from images, in the order of the model's inputs as Keras flattens them, to a list of scores.
        heads: of the scores.
        reason: why it cannot be cut.
    """

    def __init__(self, function, heads, reason):
        self._function, self._heads, self.reason = function, heads, reason

    def begin(self, images):
        """Compute scores: a list."""
        return self._function(*(tf.cast(x, tf.float32) for x in images))

    def finish(self, _, scores, kept):
        """Keep what is made of them: `{head: {name: tensor}}`."""
        by_head = dict(zip(self._heads, scores, strict=True))
        return {head: {name: to.make(by_head[head]) for name, to in wanted.items()} for head, wanted in kept.items()}


class Network(NamedTuple):
    """A model with named inputs and outputs; an only head is named `""`."""

    channels: dict[str, int]  # of every input
    classes: dict[str, int]  # of every head
    way: Staged | Whole  # how scores are computed
    hha: frozenset[str] = frozenset()  # inputs whose channels are no colours
    is_doubtful: bool = False  # whether sums may overflow: then all scores of such an image are NaN

    @property
    def reason(self):
        """Say why the network runs on whole images, or nothing where it runs on their parts."""
        return getattr(self.way, "reason", None)

    @property
    def largest_part(self):
        """Side of the largest image, in pixels, that is computed in one part; 0 where all are."""
        return 0 if self.reason is not None else self.way.largest_part

    @property
    def is_rgbd(self):
        return 4 in self.channels.values()

    def colours(self, name):
        """Return how many of an input's channels are colours: the first ones."""
        return 0 if name in self.hha else 3

    def begin(self, images):
        """Compute what `finish` takes of `(N, H, W, C)` images in the order of `channels`."""
        images = tuple(keras.tree.flatten(dict(zip(self.channels, images, strict=True))))
        return images, self.way.begin(images)

    def finish(self, begun, kept):
        """Keep what is made of the scores.

        Args:
            begun: what `begin` returned.
            kept: `{name: function from a number of classes to keeping.Kept}`.

        Returns:
            `{head: {name: tensor}}`.
        """
        wanted = {head: {name: to(count) for name, to in kept.items()} for head, count in self.classes.items()}
        return self.way.finish(*begun, wanted)

    def scores(self, *images):
        """Score images: `{head: (N, H, W, K) float32}`."""
        return {head: made[""] for head, made in self.finish(self.begin(images), {"": scores_kept}).items()}

    def specs(self, dtype):
        """Describe a batch of every input."""
        return [_batch(count, dtype, name) for name, count in self.channels.items()]


def _batch(channels, dtype, name=None):
    return tf.TensorSpec([None, None, None, channels], dtype, name)


def freeze(model, memory=None, *, precision="fp32"):
    """Make the functions that every signature calls.

    Weights become constants of them, which oneDNN rearranges once instead of at every call. Kernels above
    `LARGEST_CONSTANT` stay variables: those of fc6 and fc7 hold nine tenths of the bytes, and a graph of 538 MB of
    constants takes 12 GB of memory and a minute to its first answer (benchmarks/freezing.py). They are transposed once,
    since matrix products are quicker so (`fcn_keras.inference.products`).

    Args:
        model: as `fcn_keras.models` makes them, under any dtype policy.
        memory: bytes that a request may take; None for any.
        precision: `"fp32"`, or `"bf16"`: weights of the backbone are kept in bfloat16, and it computes in that.

    Returns:
        `Network`, and a list of the `tf.Variable`s that it reads.
    """
    model = in_float32(model)
    is_doubtful = not is_sure(model, BRIGHTEST)  # in bfloat16 as well, which has the exponents of float32
    model = in_bfloat16(model) if precision == "bf16" else model
    inputs = inputs_of(model)
    channels = {name: x.shape[-1] for name, x in inputs.items()}
    transposed = {x.name: _transposed(x) for x in model.layers if type(x) is MatrixConv2D}
    replaced = {id(model.get_layer(name).kernel) for name in transposed}
    large = [x.value for x in model.variables if not _is_frozen(x) and id(x) not in replaced]
    large += [x for x in transposed.values() if isinstance(x, tf.Variable)]
    hha = {id(layer.input) for layer in model.layers if isinstance(layer, Preprocess) and layer.modality == "hha"}
    hha = frozenset(name for name, x in inputs.items() if id(x) in hha)
    return Network(channels, class_counts(model), _way(model, memory, is_doubtful, transposed), hha, is_doubtful), large


def _transposed(layer):
    """Transpose the kernel of a matrix product: `(K, h * w * C)`, a variable if it is to stay one."""
    kernel = layer.kernel.numpy().reshape(-1, layer.filters).T
    return kernel if _is_frozen(layer.kernel) else tf.Variable(kernel, name=f"{layer.name}_transposed")


def _way(model, memory, is_doubtful, transposed):
    """Choose how scores are computed: stage by stage, if the network can be cut."""
    outputs = heads_of(model.output)
    observed = None if is_doubtful else ()
    try:
        is_half = any(x.compute_dtype == "bfloat16" for x in model.layers)
        stages = cut(model, most=MAPS / 2 if is_half else MAPS)  # the same maps in both
        if {x.key for x in stages.results} - {x.key for x in stages.stages[-1].outputs}:
            raise ValueError("The model's outputs come from different stages.")
    except ValueError as error:
        layers = [x for x in model.layers if not isinstance(x, keras.layers.InputLayer)]
        ends = [[id(x) for x in keras.tree.flatten(tensors)] for tensors in (model.input, list(outputs.values()))]
        part = Part(layers, *ends, [None] * len(outputs), None, observed, transposed=transposed)
        given = [(x.shape[-1], "float32") for x in keras.tree.flatten(model.input)]
        return Whole(_function(part, given), tuple(outputs), str(error))
    heads = {head: id(x) for head, x in outputs.items()}
    return Staged(stages, heads, _function, part_memory(stages, memory), observed, transposed)


def _function(part, given):
    """Make a function of some layers, in whose graph small weights are constants.

    Where the part looks for what overflows, all that it computes of such an image is NaN.

    Args:
        part: `fcn_keras.inference.parts.Part`.
        given: channels and dtype of each of its inputs.
    """
    replaced = {id(layer.kernel) for layer in part.run if layer.name in part.transposed}
    frozen = [x for layer in part.run for x in layer.variables if _is_frozen(x) and id(x) not in replaced]
    frozen = [(x, x.numpy()) for x in frozen]

    @tf.function(input_signature=[_batch(*each) for each in given], autograph=False)
    def run(*maps):
        with keras.StatelessScope(state_mapping=[(variable, tf.constant(value)) for variable, value in frozen]):
            if not part.is_thorough:
                return part(list(maps), training=False)
            *found, is_finite = part(list(maps), training=False)
        poison = tf.where(tf.reduce_all(is_finite, axis=0), 0.0, math.nan)[:, None, None, None]  # (N, 1, 1, 1)
        return [x + tf.cast(poison, x.dtype) for x in found]

    return run


def _is_frozen(variable):
    return math.prod(variable.shape) <= LARGEST_CONSTANT
