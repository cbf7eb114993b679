"""How sure a network is of every pixel: probabilities, that of the class taken, and entropy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_keras.labels import highest

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


def finish_of_probabilities(output: str) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Return the function from `(..., C)` probabilities to labels or to one of `KINDS`, in NumPy.

    Args:
        output: `"labels"`, or one of `KINDS`.
    """
    return {
        "labels": _label_of,
        "probabilities": lambda given: given,
        "confidence": lambda given: given.max(axis=-1),
        "entropy": _entropy_of,
        "certainty": lambda given: np.stack([given.argmax(axis=-1), given.max(axis=-1), _entropy_of(given)], axis=-1),
    }[output]


def _logits(scores: Tensor) -> Tensor:
    """Return what softmax is taken of. Whatever divides scores before that, such as a temperature, belongs here."""
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
    return ops.clip(nats / _most(logits.shape[-1]), 0.0, 1.0)


def _certainty(scores: Tensor) -> Tensor:
    logits = _logits(scores)
    labels = ops.cast(highest(logits), "float32")
    return ops.stack([labels, _confidence(logits), _entropy(logits)], axis=-1)


def _label_of(probabilities: NDArray[np.float32]) -> NDArray[Any]:
    labels: NDArray[Any] = probabilities.argmax(axis=-1)
    return labels.astype(np.uint8 if probabilities.shape[-1] <= 256 else np.uint16)


def _entropy_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    nats = -np.einsum("...c,...c->...", probabilities, logs)
    entropy: NDArray[np.float32] = np.clip(nats / np.float32(_most(probabilities.shape[-1])), 0, 1)
    return entropy


def _most(classes: int) -> float:
    """Return the entropy, in nats, of classes that are all as likely; of one class anything does, for it is 0."""
    return math.log(classes) if classes > 1 else 1.0
