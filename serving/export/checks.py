"""Refuse what cannot be exported, before anything is written."""

from collections.abc import Mapping

from fcn_keras.interface import heads_of, inputs_of


def check_model(model):
    """Raise a `ValueError` if TensorFlow does not run a model, it is no network of this package, or a weight is NaN.

    Weights are looked at, as scores do not tell: TensorFlow's fused convolution and ReLU turns NaN into 0.
    """
    import keras

    from fcn_keras.finite import require_finite

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"A model is exported by TensorFlow. Received the Keras backend {keras.backend.backend()!r}. "
            "Save the model as .keras, and export it in a process with KERAS_BACKEND=tensorflow."
        )
    expected = "`model` is a network of fcn_keras: (N, H, W, 3 or 4) of any size to scores of the same size."
    try:
        inputs, outputs = (
            {name: tuple(x.shape) for name, x in tensors.items()}
            for tensors in (inputs_of(model), heads_of(model.output))
        )
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"{expected} Received: {type(model).__name__}.") from None
    known = [{"image": 3}, {"image": 4}, {"rgb": 3, "hha": 3}]
    dense = all(len(shape) == 4 and shape[:3] == (None,) * 3 for shape in (*inputs.values(), *outputs.values()))
    if not dense or {name: shape[-1] for name, shape in inputs.items()} not in known:
        raise ValueError(f"{expected} Received: {list(inputs.values())} to {list(outputs.values())}.")
    require_finite(model, model.name)


def check_halves(model):
    """Raise a `ValueError` if a model has weights that float16 does not hold."""
    import numpy as np

    largest = float(np.finfo(np.float16).max)
    layers = [x.name for x in model.layers if any(np.abs(w.numpy()).max(initial=0) > largest for w in x.weights)]
    if layers:
        raise ValueError(
            f"float16 holds weights of up to {largest:g}. Received: larger ones in {', '.join(layers[:5])}. Take fp32."
        )


def class_names(classes, counts):
    """Check class names against a model's heads.

    Args:
        classes: names of the classes, a mapping head -> names, or None.
        counts: number of classes by head; an only head is named `""`.

    Returns:
        dict of tuples by head, of those heads whose names are known.

    Raises:
        ValueError: on an unknown head, or another number of names than the head has classes.
    """
    if classes is None:
        return {}
    checked = {}
    for head, names in (classes if isinstance(classes, Mapping) else {"": classes}).items():
        names = tuple(names)
        if head not in counts:
            raise ValueError(f"`classes` may name the heads {sorted(counts)} of this model. Received: {head!r}.")
        if len(names) != counts[head]:
            raise ValueError(f"`classes` holds one name a class, {counts[head]}. Received: {len(names)}.")
        if wrong := [name for name in names if not name.strip() or "\n" in name]:
            raise ValueError(f"The name of a class is one line of text. Received: {wrong[0]!r}.")
        checked[head] = names
    return checked


def colors_of_classes(names, counts, given=None):
    """Return the colour of every class by head, `(K, 3)` uint8: those that are given, else `class_colors`.

    Args:
        names: class names by head, as `class_names` returns them.
        counts: number of classes by head.
        given: colours by head, or None.
    """
    from fcn_keras.colors import class_colors

    return {head: class_colors(names.get(head, count)) for head, count in counts.items()} | (given or {})
