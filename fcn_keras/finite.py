"""Whether weights are numbers.

Scores do not tell: in a graph on x86, TensorFlow computes convolution, bias and ReLU in one call of oneDNN whose ReLU
turns NaN into 0, so a network with NaN among its weights predicts finite numbers.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

_NAMED = 5  # layers that an error names before it only counts


def broken_layers(model: keras.Model) -> list[str]:
    """Return the names of the layers that have NaN or infinity among their weights.

    Takes a tenth of a second for the 134 million weights of an FCN-8s. On JAX, within an epoch of `fit`, the model's
    state has to be brought up to date first.
    """
    return [layer.name for layer in model.layers if not all(map(_is_finite, layer.weights))]


def require_finite(model: keras.Model, origin: object) -> None:
    """Refuse a model whose weights are not all numbers.

    Args:
        origin: where the model comes from, for the error.

    Raises:
        ValueError: if there is NaN or infinity among its weights; names the layers.
    """
    _require_none(broken_layers(model), origin)


def require_finite_arrays(arrays: Iterable[tuple[str, Sequence[Any]]], origin: object) -> None:
    """Refuse arrays, by layer, that are not all numbers, as `require_finite` does.

    Args:
        arrays: pairs of a layer's name and its float16, float32 or float64 arrays.
        origin: where they come from, for the error.

    Raises:
        ValueError: if one holds NaN or infinity; names the layers.
    """
    with np.errstate(invalid="ignore"):
        # A float64 sum of float32 cannot overflow, and needs no mask of the array's size.
        broken = [name for name, each in arrays if not all(math.isfinite(np.sum(x, dtype=np.float64)) for x in each)]
    _require_none(broken, origin)


def _is_finite(variable: Any) -> bool:
    # A sum is no number where one of its terms is none. It may overflow besides: then every term is looked at.
    total = float(ops.convert_to_numpy(ops.cast(ops.sum(variable), "float32")))
    return math.isfinite(total) or bool(np.isfinite(ops.convert_to_numpy(variable)).all())


def _require_none(broken: list[str], origin: object) -> None:
    if broken:
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        raise ValueError(
            f"Weights must be finite. Received: NaN or infinity in layer{'s'[: len(broken) > 1]} "
            f"{', '.join(broken[:_NAMED])}{more} of {origin}. "
            "Its training diverged, or the file is damaged: take an earlier snapshot."
        )
