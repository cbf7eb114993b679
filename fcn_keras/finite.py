"""Whether weights are numbers, and how large they are.

Scores do not tell: in a graph on x86, TensorFlow computes convolution, bias and ReLU in one call of oneDNN whose ReLU
turns NaN into 0, so a network with NaN among its weights predicts finite numbers.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

_NAMED = 5  # layers that an error names before it only counts
_ADVICE = "Its training diverged, or the file is damaged: take an earlier snapshot."


def broken_layers(model: keras.Model) -> list[str]:
    """Return the names of the layers that have NaN or infinity among their weights, of nested models after theirs.

    Takes a tenth of a second for the 134 million weights of an FCN-8s. On JAX, within an epoch of `fit`, the model's
    state has to be brought up to date first.
    """
    broken = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            broken += [f"{layer.name}/{name}" for name in broken_layers(layer)]
        elif not all(map(_is_finite, layer.weights)):
            broken.append(layer.name)
    return broken


def require_finite(model: keras.Model, origin: object) -> None:
    """Refuse a model whose weights, or whose optimizer's state, are not all numbers.

    Args:
        origin: where the model comes from, for the error.

    Raises:
        ValueError: if there is NaN or infinity among them; names the layers.
    """
    _require_none(broken_layers(model), origin)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not all(map(_is_finite, optimizer.variables)):
        raise ValueError(
            f"An optimizer's state must be finite. Received: NaN or infinity in the {type(optimizer).__name__} of "
            f"{origin}. {_ADVICE}"
        )


def require_finite_arrays(arrays: Iterable[tuple[str, Sequence[Any]]], origin: object) -> None:
    """Refuse arrays, by layer, that are not all numbers, as `require_finite` does.

    Args:
        arrays: pairs of a layer's name and its variables, or float16, float32 or float64 arrays.
        origin: where they come from, for the error.

    Raises:
        ValueError: if one holds NaN or infinity; names the layers.
    """
    with np.errstate(invalid="ignore"):
        broken = [name for name, each in arrays if not all(map(_is_finite, each))]
    _require_none(broken, origin)


def weigher(weighed: Sequence[keras.Layer]) -> Callable[[], Any]:
    """Return a function of nothing that computes `squares` again and again.

    Args:
        weighed: layers.

    Returns:
        the function, whose result is that of the weights as they are when it is called.
    """
    if keras.backend.backend() != "tensorflow":
        return lambda: ops.convert_to_numpy(squares(weighed))
    import tensorflow as tf

    return tf.function(lambda: squares(weighed), autograph=False, jit_compile=False)  # type: ignore[no-any-return]


def squares(layers: Sequence[keras.Layer]) -> Any:
    """Return a tensor `(layers,)`, the sums of the squares of the weights of every layer."""
    return ops.stack([sum(map(_square, layer.weights)) for layer in layers])


def _square(variable: Any) -> Any:
    values = ops.cast(variable, "float32")
    if keras.backend.backend() != "tensorflow":
        return ops.sum(ops.square(values))
    import tensorflow as tf

    return 2 * tf.nn.l2_loss(values)  # without a copy of all of them


def _is_finite(variable: Any) -> bool:
    if isinstance(variable, np.ndarray):
        # A float64 sum of float32 cannot overflow, and needs no mask of the array's size.
        return math.isfinite(np.sum(variable, dtype=np.float64))
    # A sum is no number where one of its terms is none. It may overflow besides: then every term is looked at.
    total = float(ops.convert_to_numpy(ops.cast(ops.sum(variable), "float32")))
    return math.isfinite(total) or bool(np.isfinite(ops.convert_to_numpy(variable)).all())


def _require_none(broken: list[str], origin: object) -> None:
    if broken:
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        raise ValueError(
            f"Weights must be finite. Received: NaN or infinity in layer{'s'[: len(broken) > 1]} "
            f"{', '.join(broken[:_NAMED])}{more} of {origin}. {_ADVICE}"
        )
