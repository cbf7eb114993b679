"""What a network takes and gives, as the network itself says it, and its float32 copy.

Keras is imported on first use only: what needs no network, such as `fcn-doctor`, imports this too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def modality_of(model: keras.Model) -> str:
    """Return `"rgb"`, `"hha"`, `"rgbd"` or `"rgb_hha"`, as `fcn_keras.batches` names them.

    Args:
        model: a network of this package.

    Raises:
        ValueError: if the model does not begin with this package's `Preprocess`.
    """
    from fcn_keras.layers import Preprocess

    modalities: list[str] = [layer.modality for layer in model.layers if isinstance(layer, Preprocess)]
    if not modalities:
        raise ValueError(f"{model.name} is not a network of fcn_keras: it has no `Preprocess` layer.")
    return modalities[0] if len(modalities) == 1 else "rgb_hha"


def pixels_of(example: Mapping[str, Any], modality: str) -> Any:
    """Return of an example what `fcn_keras.predict` takes for a modality."""
    if modality == "rgb":
        return example["image"]
    if modality == "hha":
        return example["hha"]
    if modality == "rgb_hha":
        return {"rgb": example["image"], "hha": example["hha"]}
    depth = np.asarray(example["depth"], "float32")
    return np.concatenate([example["image"].astype("float32"), depth[..., None]], axis=-1)


def heads_of(values: Any, only: str = "") -> dict[str, Any]:
    """Return a dict by head of scores, labels, class counts or names.

    Args:
        values: a mapping by head, or what belongs to the only head. Inputs of a model may be named alike.
        only: name of an only head.
    """
    return dict(values) if isinstance(values, Mapping) else {only: values}


def inputs_of(model: keras.Model) -> dict[str, Any]:
    """Return a model's inputs by name; the only one of most models is `"image"`."""
    return heads_of(model.input, only="image")


def class_counts(model: keras.Model) -> dict[str, int]:
    """Return the number of classes by head; the only head of most models is `""`."""
    return {head: int(scores.shape[-1]) for head, scores in heads_of(model.output).items()}


def in_float32(model: keras.Model, *, matrices: bool = True) -> keras.Model:
    """Copy a network in float32, whatever its dtype policy, without its optimizer.

    Args:
        model: as `fcn_keras.models` makes them.
        matrices: keep fc6 and fc7 as matrix products; otherwise they become plain convolutions, which converters know.

    Returns:
        a network with the same weights; `model` itself where nothing has to change.
    """
    return _in_dtypes(model, dict.fromkeys((layer.name for layer in model.layers), "float32"), matrices=matrices)


def in_bfloat16(model: keras.Model) -> keras.Model:
    """Copy a network so that its backbone computes in bfloat16, in which its weights are kept, without its optimizer.

    Pixels are preprocessed, and scores are made, added and upsampled in float32: that is a hundredth of the work, and
    what decides between two classes that nearly tie. Every sum is one of float32, rounded to bfloat16 when it is
    complete. It is to predict with. To train in bfloat16, build the network under Keras's policy `mixed_bfloat16`.

    Processors with AMX and GPUs of compute capability 8 or more multiply bfloat16 several times as fast; others take
    longer.

    Args:
        model: as `fcn_keras.models` makes them, under any dtype policy.

    Returns:
        a network whose inputs, outputs and names are those of `model`, and whose weights are its own, rounded to 8
        significant bits where they are the backbone's; `model` itself where nothing has to change.

    Example:
        >>> import numpy as np
        >>> import fcn_keras as fcn
        >>> model = fcn.in_bfloat16(fcn.FCN8s(21, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8)))
        >>> model.get_layer("conv1_1").compute_dtype, model.get_layer("upscore8").compute_dtype
        ('bfloat16', 'float32')
        >>> fcn.predict(model, np.zeros((33, 50, 3), np.uint8), output="scores").dtype
        dtype('float32')
    """
    from keras.layers import InputLayer, ZeroPadding2D

    from fcn_keras.layers import PadToMultiple, Preprocess

    of_pixels = InputLayer, Preprocess, ZeroPadding2D, PadToMultiple
    exact = {x.name for x in model.layers if isinstance(x, of_pixels) or _makes_scores(x.name)}
    return _in_dtypes(model, {x.name: "float32" if x.name in exact else "bfloat16" for x in model.layers})


def _makes_scores(name: str) -> bool:
    """Tell by its name whether a layer stands behind the backbone: from scores of its maps on, all are called so."""
    return name.startswith(("score", "upscore", "fuse"))


def _in_dtypes(model: keras.Model, dtypes: Mapping[str, str], *, matrices: bool = True) -> keras.Model:
    """Copy a network with the dtype policy of each layer by its name; arguments and result as of `in_float32`."""
    from fcn_keras.layers import MatrixConv2D

    changed = () if matrices else [layer.name for layer in model.layers if isinstance(layer, MatrixConv2D)]
    if not changed and all(layer.dtype_policy.name == dtypes[layer.name] for layer in model.layers):
        return model

    config = model.get_config()
    for layer in config["layers"]:
        layer["config"]["dtype"] = dtypes[layer["name"]]
        if "kernel_initializer" in layer["config"]:
            layer["config"]["kernel_initializer"] = "zeros"  # to draw 134 M numbers takes seconds
        if layer["name"] in changed:
            layer.update(module="keras.layers", class_name="Conv2D", registered_name=None)
    copy = type(model).from_config(config)
    for target, source in zip(copy.weights, model.weights, strict=True):
        target.assign(source.numpy())
    for layer in model.layers:
        if hasattr(layer, "kernel_initializer"):  # for who saves the copy
            copy.get_layer(layer.name).kernel_initializer = layer.kernel_initializer
    return copy
