"""Choose buckets, the few sizes that a data set's images are padded to."""

import numpy as np

STEP = 32  # the networks' stride: a bucket of another size would be padded again inside
_CANDIDATES = 1024
_STARTS = 24
_GAIN = 0.01  # of the padded area that one more bucket must save


def choose_buckets(sizes, counts, *, most=4):
    """Choose the sizes to pad to: few, multiples of 32, and with little padding.

    Every image goes to the smallest bucket that holds it, as in `fcn_keras.batches`. Buckets are exchanged one by one,
    from several starts, until no exchange saves padding; a bucket more must save 1 % of the padded area.

    Args:
        sizes: `(N, 2)` integers, different `(H, W)`.
        counts: `(N,)`, how many images have each.
        most: buckets.

    Returns:
        Tuple of `(H, W)` buckets, smallest area first, and the share of the padded pixels that is padding, 0..1.
    """
    sizes, counts = np.asarray(sizes, np.int64).reshape(-1, 2), np.asarray(counts, np.int64)
    if not len(sizes):
        return (), 0.0
    candidates = _candidates(sizes)
    areas = candidates.prod(axis=1)
    holds = (candidates[:, None] >= sizes[None]).all(axis=2)  # (candidates, sizes)
    same, place = np.unique(holds, axis=1, return_inverse=True)  # sizes that the same candidates hold count as one
    weights = np.bincount(place.ravel(), weights=counts)
    # An image without a bucket costs more than any padding would.
    costs = np.where(same, areas[:, None], 10 * areas.max()) * weights
    best = None
    for number in range(1, min(most, len(candidates)) + 1):
        places, cost = min((_exchange(costs, start) for start in _starts(costs, number)), key=lambda choice: choice[1])
        if best is not None and cost > (1 - _GAIN) * best:
            break
        chosen, best = places, cost
    used = np.unique(np.array(chosen)[costs[chosen].argmin(axis=0)])
    buckets = sorted((tuple(map(int, candidates[i])) for i in used), key=lambda size: (size[0] * size[1], size))
    return tuple(buckets), float(1 - (sizes.prod(axis=1) * counts).sum() / best)


def _starts(costs, number):
    """Draw choices of candidates; each has the one that is cheapest alone, which holds every image."""
    largest, generator = int(costs.sum(axis=1).argmin()), np.random.default_rng(0)
    return [[largest, *generator.integers(0, len(costs), number - 1)] for _ in range(_STARTS if number > 1 else 1)]


def _exchange(costs, chosen):
    """Put the best candidate into each place in turn until nothing improves; return the places and their cost."""
    cost = costs[chosen].min(axis=0).sum()
    while True:
        before = cost
        for place in range(len(chosen)):
            others = [c for p, c in enumerate(chosen) if p != place]
            rest = costs[others].min(axis=0) if others else np.full(costs.shape[1], costs.max())
            totals = np.minimum(costs, rest).sum(axis=1)
            winner = int(totals.argmin())
            if totals[winner] < cost:
                chosen[place], cost = winner, totals[winner]
        if cost == before:
            return chosen, cost


def _candidates(sizes):
    """Return `(C, 2)`: every height that occurs with every width, rounded up to multiples of 32 (coarser if many)."""
    step = STEP
    while True:
        rounded = -(-sizes // step) * step
        heights, widths = np.unique(rounded[:, 0]), np.unique(rounded[:, 1])
        if len(heights) * len(widths) <= _CANDIDATES:
            return np.stack(np.meshgrid(heights, widths, indexing="ij"), axis=-1).reshape(-1, 2)
        step *= 2
