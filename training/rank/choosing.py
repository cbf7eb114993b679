"""The order in which photographs are worth a label: uncertain ones, and each unlike those before it."""

from typing import NamedTuple

import numpy as np


class Choice(NamedTuple):
    """One photograph of the order.

    Attributes:
        index: which one, counted from 0 as it was given.
        place: its place by uncertainty alone, counted from 1.
        nearest: index of the photograph before it that it looks most like, or None for the first.
        distance: to that one, from 0 (the same direction of features) to 1 (none in common), or None.
    """

    index: int
    place: int
    nearest: int | None
    distance: float | None


def in_order(uncertainty, features, count=None):
    """Order photographs: the next one is that whose uncertainty times distance is the largest.

    The distance is that to the nearest of the photographs before it: half the squared Euclidean distance of features
    scaled to length 1, which is 1 minus their cosine. The first is the most uncertain one. Of equals, the earlier one
    comes first; where all that are left equal one before them, the more uncertain comes first.

    Args:
        uncertainty: `(N,)` numbers of 0 or more.
        features: `(N, D)` numbers of 0 or more, such as means of a layer behind a ReLU.
        count: how many to order; None orders all.

    Returns:
        list of `Choice`.

    Raises:
        ValueError: if there are not as many features as uncertainties.
    """
    uncertainty, features = np.asarray(uncertainty, np.float64), np.asarray(features, np.float32)
    if len(features) != len(uncertainty):
        raise ValueError(f"Expected features for {len(uncertainty)} photographs. Received: {len(features)}.")
    features = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    given = np.argsort(-uncertainty, kind="stable")  # index of every place, so that `argmax` takes the lower place
    uncertainty, features = uncertainty[given], features[given]
    distance, nearest = np.ones(len(given)), np.full(len(given), -1)
    left, order = np.ones(len(given), bool), []
    for _ in range(len(given) if count is None else min(count, len(given))):
        best = int(np.argmax(np.where(left, uncertainty * distance, -1)))
        before = (int(given[nearest[best]]), float(distance[best])) if order else (None, None)
        order.append(Choice(int(given[best]), best + 1, *before))
        left[best] = False
        apart = np.clip(1 - features @ features[best], 0, 1)
        closer = apart < distance if len(order) > 1 else np.ones(len(given), bool)
        distance[closer], nearest[closer] = apart[closer], best
    return order
