"""Labels, confidence and entropy of probabilities, and probabilities of scores, in NumPy alone.

`inference/certainty.py` does the same with tensors, of scores.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of scores.

    Args:
        scores: `(..., C)` float32, all of them numbers.
    """
    with np.errstate(over="ignore"):  # a score that is infinitely far below the highest has the probability 0
        powers: NDArray[np.float32] = np.exp(scores - scores.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def finish_of_probabilities(output: str) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Return the function that makes an output of probabilities.

    Args:
        output: as for `fcn_keras.predict`, any but `"scores"`.

    Returns:
        a function of `(..., C)` float32.
    """
    return {
        "labels": _label_of,
        "probabilities": lambda given: given,
        "confidence": lambda given: given.max(axis=-1),
        "entropy": _entropy_of,
        "certainty": lambda given: np.stack([given.argmax(axis=-1), given.max(axis=-1), _entropy_of(given)], axis=-1),
    }[output]


def most_nats(classes: int) -> float:
    """Return the entropy of so many `classes` that are all as likely; 1 for one class, whose entropy is 0 anyway."""
    return math.log(classes) if classes > 1 else 1.0


def _label_of(probabilities: NDArray[np.float32]) -> NDArray[Any]:
    labels: NDArray[Any] = probabilities.argmax(axis=-1)
    return labels.astype(np.uint8 if probabilities.shape[-1] <= 256 else np.uint16)


def _entropy_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    nats = -np.einsum("...c,...c->...", probabilities, logs)
    entropy: NDArray[np.float32] = np.clip(nats / np.float32(most_nats(probabilities.shape[-1])), 0, 1)
    return entropy
