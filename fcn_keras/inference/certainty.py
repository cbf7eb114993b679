"""How sure a network is of every pixel: probabilities, that of the class taken, and entropy."""

from collections.abc import Callable
from typing import Any

from keras import ops

from fcn_keras.labels import highest
from fcn_keras.probabilities import most_nats

Tensor = Any  # of any backend: Keras names no type for it
KINDS = ("probabilities", "confidence", "entropy", "certainty")
_LEAST = -200.0  # of a logarithm: its power is 0 in float32, and 0 times it is no NaN as with -infinity


def finish(kind: str) -> Callable[[Tensor], Tensor]:
    """Return the function from a network's scores to one of `KINDS`.

    Args:
        kind: one of `KINDS`.

    Returns:
        a function from `(..., C)` scores to `(..., C)` probabilities, `(...)` confidence or entropy, or `(..., 3)` of
        class id, confidence and entropy; all float32.
    """
    return {
        "probabilities": lambda scores: ops.softmax(_logits(scores), axis=-1),
        "confidence": lambda scores: _confidence(_logits(scores)),
        "entropy": lambda scores: _entropy(_logits(scores)),
        "certainty": _certainty,
    }[kind]


def _logits(scores: Tensor) -> Tensor:
    """Return what softmax is taken of: scores of any float as float32."""
    return ops.cast(scores, "float32")


def _confidence(logits: Tensor) -> Tensor:
    """Return the probability of the class of the highest score: 1 / sum(exp(score - highest score))."""
    powers = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    return 1 / ops.sum(powers, axis=-1)


def _entropy(logits: Tensor) -> Tensor:
    below = ops.maximum(logits - ops.max(logits, axis=-1, keepdims=True), _LEAST)
    powers = ops.exp(below)
    total = ops.sum(powers, axis=-1)
    nats = ops.log(total) - ops.sum(powers * below, axis=-1) / total
    return ops.clip(nats / most_nats(logits.shape[-1]), 0.0, 1.0)


def _certainty(scores: Tensor) -> Tensor:
    logits = _logits(scores)
    labels = ops.cast(highest(logits), "float32")
    return ops.stack([labels, _confidence(logits), _entropy(logits)], axis=-1)
