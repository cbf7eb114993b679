"""Refuse what cannot be exported, before anything is written."""


def check_model(model):
    """Raise a `ValueError` if a model is not a network of this package that TensorFlow runs."""
    import keras

    from fcn_keras.interface import heads_of, inputs_of

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"A SavedModel is written by TensorFlow. Received the Keras backend {keras.backend.backend()!r}. "
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
