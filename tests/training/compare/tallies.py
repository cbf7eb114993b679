"""Images that two models label, tallied."""

import numpy as np

from training.compare.tally import Tally

VOID = 255


def counted(truth, labels, classes):
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (truth[truth != VOID], labels[truth != VOID]), 1)
    return matrix


def tallied(images, classes, *, boundaries=False):
    """Tally `(truth, a, b)` of several images, or of more models."""
    tally = Tally(classes, models=len(images[0]) - 1, boundaries=boundaries)
    for number, (truth, *labels) in enumerate(images):
        tally.add(f"image {number}", truth, labels, [counted(truth, each, classes) for each in labels])
    return tally


def drawn(seed, classes, size, right=(0.6, 0.8)):
    """A truth with some void, and the labels of two models, each right on its share of the pixels."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, size)
    labels = [np.where(generator.random(size) < share, truth, generator.integers(0, classes, size)) for share in right]
    truth[generator.random(size) < 0.1] = VOID
    return (truth, *labels)
