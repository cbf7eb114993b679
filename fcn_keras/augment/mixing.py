"""Mix the examples of a batch."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .maps import Tensor, import_tensorflow

Batch = tuple[Any, Any]  # `(inputs, labels)`, as `batches` yields them
Mix = Callable[[Batch, Tensor], Batch]


def cutmix(batch: Batch, seed: Tensor, *, probability: float = 0.5, area: tuple[float, float] = (0.5, 0.5)) -> Batch:
    """Paste a random rectangle of another example of the batch into each.

    Inputs and labels move together, whatever the modality and however many heads: a pixel brings its label, its
    depth and its HHA, and void stays void. All partners are taken from the batch as it was. The rectangle lies at a
    random place, wholly inside, and its shape is random: its height, as a part of the picture's, is its area to the
    power of a uniform draw. Padding counts as a part of the picture.

    Args:
        batch: `(inputs, labels)`, each a tensor `(B, H, W)` or `(B, H, W, C)` or a dict of them. A batch of one is
            returned as it is.
        seed: integer tensor of shape `(2,)`.
        probability: 0 to 1; how many of the examples get a rectangle.
        area: least and largest part of the picture that a rectangle covers, above 0 and at most 1. The part is drawn
            uniformly, and sides are rounded to pixels.

    Returns:
        the batch, of the same shapes and dtypes.

    Raises:
        ValueError: if `probability` or `area` is out of its range.

    Reference: Yun et al., ICCV 2019 (CutMix); for label maps French et al., BMVC 2020, whose rectangles these are:
    half of the picture by default.
    """
    low, high = area
    if not 0 <= probability <= 1:
        raise ValueError(f"`probability` must be 0 to 1. Received: {probability}.")
    if not 0 < low <= high <= 1:
        raise ValueError(f"`area` must be (low, high) with 0 < low <= high <= 1. Received: {area}.")
    tf = import_tensorflow()
    count, height, width = tf.unstack(tf.shape(tf.nest.flatten(batch)[0])[:3])
    for_partner, for_rectangles = tf.unstack(tf.random.split(seed, 2))
    shift = tf.random.stateless_uniform([], for_partner, 1, tf.maximum(count, 2), tf.int32)
    partner = (tf.range(count) + shift) % count
    coin, size, shape, top, left = tf.unstack(tf.random.stateless_uniform([5, count], for_rectangles))
    part = low + (high - low) * size
    rows, columns = _span(tf, part**shape, top, height), _span(tf, part ** (1 - shape), left, width)
    covered = rows[:, :, None] & columns[:, None, :] & (coin < probability)[:, None, None]

    def paste(x: Tensor) -> Tensor:
        mask = covered if x.shape.rank == 3 else covered[..., None]
        return tf.ensure_shape(tf.where(mask, tf.gather(x, partner), x), x.shape)

    mixed: Batch = tf.nest.map_structure(lambda x: paste(tf.convert_to_tensor(x)), batch)
    return mixed


def _span(tf: ModuleType, part: Tensor, place: Tensor, length: Tensor) -> Tensor:
    """Mark the pixels of one axis, `(B, length)`, that a span of this part of it covers."""
    size = tf.cast(tf.round(part * tf.cast(length, tf.float32)), tf.int32)
    start = tf.cast(tf.floor(place * tf.cast(length - size + 1, tf.float32)), tf.int32)
    pixels = tf.range(length)
    return (pixels >= start[:, None]) & (pixels < (start + size)[:, None])
