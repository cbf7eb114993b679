"""Every loss in float64 numpy, pixel by pixel, as the papers define it; and central differences of it."""

import math

import numpy as np

VOID = 255


def counted(labels, scores):
    """Return `(y, p)` of the pixels that are not void: ids as a list, float64 softmax `(N, C)`."""
    labels, scores = np.asarray(labels).reshape(-1), np.asarray(scores, "float64").reshape(-1, np.shape(scores)[-1])
    scores = scores[labels != VOID]
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return [int(label) for label in labels if label != VOID], powers / powers.sum(1, keepdims=True)


def crossentropy(labels, scores, weights, *, smoothing=0.0, hardest=1.0):
    """Mean over the kept pixels of the cross-entropy to the smoothed target."""
    y, p = counted(labels, scores)
    classes = np.shape(scores)[-1]
    terms = []
    for label, row in zip(y, p, strict=True):
        target = [(1 - smoothing) * (c == label) + smoothing / classes for c in range(classes)]
        terms.append(-weights[label] * sum(t * math.log(q) for t, q in zip(target, row, strict=True) if t))
    kept = sorted(terms, reverse=True)[: max(1, round(hardest * len(terms)))]
    return sum(kept) / max(len(kept), 1)


def focal(labels, scores, weights, *, gamma=2.0):
    """Lin et al., equation 5, averaged over pixels."""
    y, p = counted(labels, scores)
    terms = [
        -weights[label] * (1 - row[label]) ** gamma * math.log(row[label]) for label, row in zip(y, p, strict=True)
    ]
    return sum(terms) / max(len(terms), 1)


def mean_over_classes(labels, scores, weights, loss):
    """Average `loss(g, p)` over the classes that occur; `g` and `p` are one class's truth and probabilities."""
    y, p = counted(labels, scores)
    present = sorted(set(y))
    losses = [weights[c] * loss(np.array([float(label == c) for label in y]), p[:, c]) for c in present]
    return sum(losses) / max(len(losses), 1)


def dice(labels, scores, weights, *, power=1):
    """Sudre et al., equation 3 of one class (`power` 1); Milletari et al., section 3 (`power` 2)."""
    return mean_over_classes(
        labels, scores, weights, lambda g, p: 1 - 2 * (p * g).sum() / ((p**power).sum() + (g**power).sum())
    )


def tversky(labels, scores, weights, *, alpha=0.3, beta=0.7):
    """Salehi et al., equation 3."""

    def loss(g, p):
        hits, false_positives, false_negatives = (p * g).sum(), (p * (1 - g)).sum(), ((1 - p) * g).sum()
        return 1 - hits / (hits + alpha * false_positives + beta * false_negatives)

    return mean_over_classes(labels, scores, weights, loss)


def lovasz(labels, scores, weights):
    """Berman et al., equations 3, 8, 9: set by set, one more wrong pixel at a time."""

    def jaccard(wrong, area):
        return len(wrong) / len(wrong | area) if wrong else 0.0

    def loss(g, p):
        errors = np.where(g == 1, 1 - p, p)
        area, wrong, total = set(np.flatnonzero(g)), set(), 0.0
        for pixel in sorted(range(len(errors)), key=lambda i: -errors[i]):
            before = jaccard(wrong, area)
            wrong = wrong | {pixel}
            total += errors[pixel] * (jaccard(wrong, area) - before)
        return total

    return mean_over_classes(labels, scores, weights, loss)


def gradient(function, scores, step=1e-5):
    """Central differences of a function of a score map, in float64."""
    scores = np.array(scores, "float64")
    found = np.empty_like(scores)
    for index in np.ndindex(*scores.shape):
        around = []
        for sign in (1, -1):
            moved = scores.copy()
            moved[index] += sign * step
            around.append(function(moved))
        found[index] = (around[0] - around[1]) / (2 * step)
    return found
