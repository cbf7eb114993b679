"""The network of one call: a `.keras` file, or what `fcn-export` wrote."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from fcn_keras_console import start_tensorflow

from ..scoring import scale_options, tta_options

MEMORY = 512  # MiB, as fcn_keras.predict has it
PRECISIONS = ("float32", "bfloat16")

LOG = logging.getLogger("fcn_keras_console")  # whose notices every command prints


class Net(NamedTuple):
    """A network that labels: what it takes, what its classes are and look like, what tells it from others, and how."""

    modality: str
    counts: dict
    names: dict
    colors: dict
    identity: str
    label: Callable


def keras_net(path, arguments):
    """Load a `.keras` file."""
    start_tensorflow()
    from fcn_keras.interface import class_counts, modality_of
    from fcn_keras.temperature import apply_temperature

    from ..workdir.checkpoint import identity_of
    from ..workdir.trained_model import load_model
    from .labelling import Labelling

    model = load_model(path)
    if arguments.temperature is not None:
        apply_temperature(model, arguments.temperature)
    model = _computing_in(arguments.precision, model)
    copies, scale = tta_options.scales_of(arguments), scale_options.scale_of(arguments)
    memory = MEMORY if arguments.memory is None else arguments.memory
    label = Labelling(model, copies, scale, memory=memory, tile=arguments.tile)
    counts = class_counts(model)
    names = _names(path, counts)
    return Net(modality_of(model), counts, names, _colors(path, names, counts), identity_of(path), label)


def _computing_in(precision, model):
    """Take a model in a precision, or as it is where None is given; say where that takes longer."""
    from fcn_keras.interface import in_bfloat16, in_float32

    from ..workdir.hardware import bfloat16_unit

    if precision != "bfloat16":
        return model if precision is None else in_float32(model)
    if bfloat16_unit() is None:
        LOG.warning("bfloat16 takes longer than float32 on this machine, which has neither AMX nor a GPU for it.")
    return in_bfloat16(model)


def exported_net(exported, arguments):
    """Load what `fcn-export` wrote, in its own runtime."""
    from ..exported.net import ExportedNet
    from .labelling import ExportedLabelling

    net = ExportedNet(exported)
    label = ExportedLabelling(net, scale_options.scale_of(arguments))
    if {"confidence", "entropy"} & set(arguments.formats or ()):
        net.check_scores()
    return Net(net.modality, net.counts, net.names, net.colors, exported.identity, label)


def _names(path, counts):
    """Return the class names by head; None where nothing beside the model says them.

    A `classes.txt` alone beside a model of several heads names the classes of one: the only one of so many.
    """
    from ..workdir.trained_model import class_names_beside

    names = class_names_beside(path) or ()
    fitting = [head for head, count in counts.items() if count == len(names)]
    of_head = {head: class_names_beside(path, head) for head in counts}
    return {head: of_head[head] or (names if fitting == [head] else None) for head in counts}


def _colors(path, names, counts):
    """Return the colours of the classes by head, `(K, 3)` uint8; of a file that says none, those of its names."""
    from ..workdir.trained_model import class_colors_beside

    return {head: class_colors_beside(path, head, names[head] or count) for head, count in counts.items()}
