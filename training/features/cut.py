"""Cut a network where its trainable part begins: the maps there are the same in every epoch."""

from dataclasses import dataclass

import keras

from fcn_keras.layers import CropLike


@dataclass(frozen=True)
class Cut:
    """A network in two parts, which share its layers.

    Attributes:
        frozen: model from the network's inputs to a dict of maps, by the name of the layer that gives them.
        trainable: model from the maps `inputs` to the network's outputs.
        inputs: names of what `trainable` takes, in its order.
        sizes: those of `inputs` of which only height and width count, with their numbers of channels.
    """

    frozen: keras.Model
    trainable: keras.Model
    inputs: tuple[str, ...]
    sizes: dict[str, int]


def cut(model, kept=()):
    """Cut a network at the maps that layers which learn take from layers which do not.

    Args:
        model: network of `fcn_keras`, of whose layers some are frozen.
        kept: names of further layers whose maps `frozen` gives, for a later stage in which more layers learn.

    Returns:
        `Cut`.

    Raises:
        ValueError: if the layers before those that learn have no weights, so that nothing would be saved.
    """
    maps, sizes = _borders(model)
    layers = {layer.name: layer for layer in model.layers}
    names = dict.fromkeys([*kept, *(name for name in maps if name not in sizes)])
    outputs = {name: layers[name].output for name in names}
    frozen = keras.Model(model.input, outputs, name=f"{model.name}_frozen") if outputs else None
    if frozen is None or not frozen.weights:
        raise ValueError(f"{model.name} has no frozen layers whose maps could be kept: all of it learns.")
    trainable = keras.Model(list(maps.values()), model.output, name=model.name)
    # The optimizer is saved with the whole network, and finds its state by this order.
    if [id(v) for v in trainable.trainable_variables] != [id(v) for v in model.trainable_variables]:
        raise ValueError(f"The part of {model.name} that learns has its variables in another order than the whole.")
    return Cut(frozen, trainable, tuple(maps), {name: maps[name].shape[-1] for name in sizes})


def _borders(model):
    """Return the tensors that layers which learn take from others, by those others, and which give a size alone."""
    giver = {id(tensor): layer for layer in model.layers for tensor in keras.tree.flatten(layer.output)}
    learning, maps, size_alone = set(), {}, {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        tensors = keras.tree.flatten(layer.input)
        parents = [giver[id(tensor)].name for tensor in tensors]
        random = isinstance(layer, keras.layers.Dropout) and layer.rate
        if not (layer.trainable_weights or random or learning & set(parents)):
            continue
        learning.add(layer.name)
        for place, (name, tensor) in enumerate(zip(parents, tensors, strict=True)):
            if name not in learning:
                maps[name] = tensor
                # The second input of a crop is there for its size.
                size_alone[name] = size_alone.get(name, True) and isinstance(layer, CropLike) and place == 1
    return maps, [name for name, alone in size_alone.items() if alone]
