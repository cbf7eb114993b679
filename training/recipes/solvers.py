"""The paper's two ways to descend, and how one is translated into the other.

The CVPR paper averages the loss over the pixels of 20 images; the released nets sum it over the pixels of one. A
learning rate means something else in each, and the wrong pair is the most frequent reason for a loss that stands still
or becomes NaN.
"""

from dataclasses import dataclass, replace

from fcn_keras.losses import REDUCTIONS

PIXELS = 250_000  # counted pixels of an image of about 500x500, as in PASCAL VOC


@dataclass(frozen=True)
class Solver:
    """Settings of stochastic gradient descent that belong together.

    Attributes:
        learning_rate: of the weights; biases take twice that.
        momentum: from 0 to below 1.
        reduction: of the loss over an image's pixels, `"sum"` or `"mean"`.
        images: images whose gradients are averaged for one update: Caffe's `iter_size` or minibatch, a recipe's
            `accumulate` at `batch_size` 1. (`PixelCrossentropy` averages a batch's mean, but adds up its sum.)
        weight_decay: factor of the L2 term's gradient.
    """

    learning_rate: float
    momentum: float
    reduction: str
    images: int
    weight_decay: float = 5e-4

    def __post_init__(self):
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"`reduction` is one of {REDUCTIONS}. Received: {self.reduction!r}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` is at least 0 and below 1. Received: {self.momentum!r}.")
        if not (self.learning_rate > 0 and self.images >= 1 and self.weight_decay >= 0):
            raise ValueError(
                "`learning_rate` is above 0, `images` at least 1, `weight_decay` not negative. "
                f"Received: {self.learning_rate!r}, {self.images!r}, {self.weight_decay!r}."
            )


HEAVY = Solver(1e-10, momentum=0.99, reduction="sum", images=1)  # the released FCN-32s: "heavy" momentum, online
BATCH_20 = Solver(1e-4, momentum=0.9, reduction="mean", images=20)  # CVPR 2015, section 4.3, FCN-VGG16


def translate(solver, *, reduction=None, images=None, momentum=None, pixels=PIXELS):
    """Express a solver with another reduction, number of images or momentum, so that it learns alike.

    Three things are kept. What an image's gradient does to the weights in the end, `rate * scale / ((1 - momentum) *
    images)`, where `scale` is `pixels` for a sum and 1 for a mean. How long it goes on doing it, counted in images:
    `momentum ** (1 / images)`, unless `momentum` is given. And decay relative to the gradient, `weight_decay / scale`.
    Changing the reduction alone is exact where every image has `pixels` counted pixels; the rest is a first-order rule.

    The released settings do not follow from the paper's by this rule: `HEAVY` moves the weights 50 times as far an
    image as `BATCH_20`, forgets twice as fast, and next to a sum its decay of 5e-4 is as good as none.

    Args:
        solver: to start from.
        reduction, images, momentum: what is wanted; default as in `solver`.
        pixels: counted pixels of a typical image.

    Returns:
        `Solver`.

    Raises:
        ValueError: if a value is out of range.

    Reference: Caffe's SGDSolver; Shelhamer, Long, Darrell, PAMI 2016, on momentum and batch size.
    """
    if not pixels >= 1:
        raise ValueError(f"`pixels` is at least 1. Received: {pixels!r}.")
    images = solver.images if images is None else images
    wanted = replace(solver, reduction=reduction or solver.reduction, images=images)
    momentum = solver.momentum ** (images / solver.images) if momentum is None else momentum
    wanted = replace(wanted, momentum=momentum)
    scale, theirs = _scale(wanted, pixels), _scale(solver, pixels)
    share = (1 - momentum) * images / ((1 - solver.momentum) * solver.images)
    return replace(
        wanted,
        learning_rate=solver.learning_rate * theirs / scale * share,
        weight_decay=solver.weight_decay * scale / theirs,
    )


def _scale(solver, pixels):
    return pixels if solver.reduction == "sum" else 1
