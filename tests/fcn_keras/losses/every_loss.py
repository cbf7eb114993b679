"""One or more of every loss, with its definition in float64: what the tests of all of them run over."""

from functools import partial

import numpy as np

from fcn_keras.losses import FocalCrossentropy, LovaszSoftmax, PixelCrossentropy, SoftDice, SumOfLosses, Tversky
from tests.fcn_keras.losses import oracles

CLASSES = 5
RNG = np.random.default_rng(5)
SCORES = RNG.normal(0, 2, (2, 3, 4, CLASSES)).astype("float32")
LABELS = RNG.choice([0, 1, 2, 4], (2, 3, 4)).astype("uint8")  # class 3 is absent
LABELS[0, 0] = LABELS[1, 2, 1] = oracles.VOID
SCORES.setflags(write=False)
LABELS.setflags(write=False)
WEIGHTS = [0.5, 2.0, 1.0, 3.0, 0.0]


def both(**options):
    return SumOfLosses([(0.5, PixelCrossentropy(**options)), (2.0, SoftDice(**options))])


def of_both(labels, scores, weights):
    return 0.5 * oracles.crossentropy(labels, scores, weights) + 2 * oracles.dice(labels, scores, weights)


# Name -> how to make it of the common arguments, and its oracle.
EVERY = {
    "crossentropy": (PixelCrossentropy, oracles.crossentropy),
    "smoothed": (partial(PixelCrossentropy, label_smoothing=0.3), partial(oracles.crossentropy, smoothing=0.3)),
    "hardest": (partial(PixelCrossentropy, hardest=0.4), partial(oracles.crossentropy, hardest=0.4)),
    "focal": (FocalCrossentropy, oracles.focal),
    "focal of 0.5": (partial(FocalCrossentropy, 0.5), partial(oracles.focal, gamma=0.5)),
    "dice": (SoftDice, oracles.dice),
    "dice of squares": (partial(SoftDice, denominator="squares"), partial(oracles.dice, power=2)),
    "tversky": (Tversky, oracles.tversky),
    "precise tversky": (partial(Tversky, 2.0, 0.1), partial(oracles.tversky, alpha=2.0, beta=0.1)),
    "lovasz": (LovaszSoftmax, oracles.lovasz),
    "sum": (both, of_both),
}
# One of every class, where more would tell nothing new.
ONE_EACH = ("crossentropy", "focal", "dice", "tversky", "lovasz", "sum")
# Those that compare areas, and count a pixel as often as its sample weight says.
REGIONS = ("dice", "dice of squares", "tversky", "lovasz")
