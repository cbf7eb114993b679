"""Move the pixels of an example at random: mirror, jitter, scale, crop.

Every function takes `(example, seed)` and returns an example, uses stateless TensorFlow ops, and runs eagerly
and inside `tf.data.Dataset.map`. Image, label (or every head of it), depth and HHA move together: a marked
pixel lands where its label lands. Keys of an example other than these four pass through untouched.

What comes in from outside the picture is unknown: the mean colour, `ignore_label`, depth 0, HHA's mean. The
exact mean is no integer, so the functions that may expose a border return image and HHA as float32 (values
unchanged).
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

Tensor = Any  # of TensorFlow, or a number where it takes one
Example = Mapping[str, Any]
Augmentation = Callable[[Example, Tensor], Example]

VOC_MEAN = (104.00699, 116.66877, 122.67892)  # VOC train, as in the released voc_layers.py
HHA_MEAN = (132.431, 94.076, 118.477)  # NYUDv2 train, in the file's channel order (nyud_layers.py)


def mirror(example: Example, seed: Tensor) -> Example:
    """Flip an example left to right with probability one half.

    Args:
        example: `image` and what else of `label`, `depth` and `hha` it has, `(H, W)` or `(H, W, C)`.
        seed: integer tensor of shape `(2,)`; the same seed gives the same result.

    Returns:
        the example, of the same size and dtypes.
    """
    tf = import_tensorflow()
    flip = tf.random.stateless_uniform([], seed) < 0.5
    return _map(lambda _, x: tf.cond(flip, lambda: tf.reverse(x, [1]), lambda: x), example)


def jitter(
    example: Example, seed: Tensor, *, pixels: int = 32, mean: Sequence[float] | None = None, ignore_label: int = 255
) -> Example:
    """Translate an example by up to `pixels` along both axes, keeping its size.

    Args:
        example: as for `mirror`.
        seed: integer tensor of shape `(2,)`.
        pixels: largest shift; at most the picture's side less one, so that some of the picture always stays.
        mean: BGR colour of the exposed border; default VOC's.
        ignore_label: label of the exposed border.

    Returns:
        the example, of the same size; image and HHA float32.

    Raises:
        ValueError: if `pixels` is negative.

    Reference: Long, Shelhamer, Darrell, CVPR 2015, section 4.3 (32 pixels, "the coarsest scale of
    prediction").
    """
    if pixels < 0:
        raise ValueError(f"`pixels` must be 0 or more. Received: {pixels}.")
    tf = import_tensorflow()
    height, width = _size(example)
    down, right = (
        _integer(tf, key, -tf.minimum(pixels, side - 1), tf.minimum(pixels, side - 1))
        for key, side in zip(_split(tf, seed), (height, width), strict=True)
    )
    return window(example, -down, -right, height, width, mean=mean, ignore_label=ignore_label)


def scale(example: Example, seed: Tensor, *, low: float, high: float) -> Example:
    """Resize an example by one random factor for both axes, sides rounded and at least 1.

    The factor is drawn uniformly in its logarithm: halving is as likely as doubling. The image is resized
    bilinearly with antialiasing. Label, depth and HHA take the nearest pixel, since a mean of two classes or
    of two surfaces is neither; their values are kept (depth stays the measured one). All use half-pixel centres
    and so stay aligned.

    Args:
        example: as for `mirror`.
        seed: integer tensor of shape `(2,)`.
        low, high: bounds of the factor; 1 keeps the size.

    Returns:
        the example of the other size; the image float32.

    Raises:
        ValueError: unless `0 < low <= high`.
    """
    if not 0 < low <= high:
        raise ValueError(f"The factors must be 0 < low <= high. Received: low={low}, high={high}.")
    tf = import_tensorflow()
    drawn = tf.random.stateless_uniform([], seed)
    factor = low * (high / low) ** drawn
    sides = tf.cast(tf.stack(_size(example)), tf.float32)
    size = tf.maximum(tf.cast(tf.round(sides * factor), tf.int32), 1)

    def resize(key: str, x: Tensor) -> Tensor:
        if key == "image":
            return tf.image.resize(x, size, "bilinear", antialias=True)
        planes = x if x.shape.rank == 3 else x[..., None]
        planes = tf.image.resize(planes, size, "nearest")
        return planes if x.shape.rank == 3 else planes[..., 0]

    return _map(resize, example)


def crop(
    example: Example,
    seed: Tensor,
    *,
    height: int,
    width: int,
    mean: Sequence[float] | None = None,
    ignore_label: int = 255,
) -> Example:
    """Cut a window of `height` x `width` at a random position.

    A smaller picture is padded to the window's size and lies in it at a random position.

    Args:
        example: as for `mirror`.
        seed: integer tensor of shape `(2,)`.
        height, width: of the window, in pixels.
        mean: BGR colour of the padding; default VOC's.
        ignore_label: label of the padding.

    Returns:
        the example of `(height, width)`; image and HHA float32.

    Raises:
        ValueError: if a side is below 1.
    """
    if height < 1 or width < 1:
        raise ValueError(f"The crop must be at least 1x1. Received: height={height}, width={width}.")
    tf = import_tensorflow()
    top, left = (
        _integer(tf, key, tf.minimum(side - cut, 0), tf.maximum(side - cut, 0))
        for key, side, cut in zip(_split(tf, seed), _size(example), (height, width), strict=True)
    )
    return window(example, top, left, height, width, mean=mean, ignore_label=ignore_label)


def compose(*functions: Augmentation) -> Augmentation:
    """Chain augmentations into one `(example, seed)` function.

    Each gets its own seed, derived from the given one and its place in the chain. Bind options with
    `functools.partial`: `compose(mirror, partial(jitter, pixels=16))`.

    Args:
        *functions: of this module, or others of `(example, seed)` that return an example.

    Returns:
        the function, which can be pickled if they can.
    """
    return functools.partial(_chain, functions)


def _chain(functions: Sequence[Augmentation], example: Example, seed: Tensor) -> Example:
    tf = import_tensorflow()
    for position, function in enumerate(functions):
        example = function(example, tf.random.fold_in(seed, position))
    return example


def window(
    example: Example,
    top: Tensor,
    left: Tensor,
    height: Tensor,
    width: Tensor,
    *,
    mean: Sequence[float] | None = None,
    ignore_label: int = 255,
) -> Example:
    """View an example through a window, which may reach over its borders; what lies outside is unknown.

    Args:
        example: as for `mirror`.
        top, left: position of the window's first pixel in the picture, negative above and left of it.
        height, width: size of the window.
        mean: BGR colour of the outside; default VOC's.
        ignore_label: label of the outside.

    Returns:
        the example of `(height, width)`; image and HHA float32.
    """
    tf = import_tensorflow()
    fills: dict[str, Any] = {
        "image": tuple(VOC_MEAN if mean is None else mean)[::-1],
        "hha": HHA_MEAN,
        "label": ignore_label,
        "depth": 0,
    }

    def view(key: str, x: Tensor) -> Tensor:
        if key in ("label", "depth"):
            return _pad(tf, x, (top, left), (height, width), fills[key])
        x = _shift(tf, tf.cast(x, tf.float32), 0, top, height, fills[key])
        return _shift(tf, x, 1, left, width, fills[key])

    return _map(view, example)


def import_tensorflow() -> Any:
    """Import TensorFlow on first use, so that machines without it can import the package.

    Returns:
        the module `tensorflow`.

    Raises:
        ImportError: if it is missing, with the command that installs it.
    """
    try:
        import tensorflow
    except ImportError as error:
        raise ImportError("Input pipelines need TensorFlow, on any Keras backend: pip install tensorflow") from error
    return tensorflow


def _map(function: Callable[[str, Tensor], Tensor], example: Example) -> Example:
    """Apply `function(key, tensor)` to the pixel maps of an example, to each head of a labelled dict."""
    tf = import_tensorflow()
    moved = {
        key: tf.nest.map_structure(lambda x, key=key: function(key, tf.convert_to_tensor(x)), example[key])
        for key in ("image", "label", "depth", "hha")
        if key in example
    }
    return {**example, **moved}


def _size(example: Example) -> tuple[Tensor, ...]:
    """Height and width: ints where they are known statically, scalar tensors elsewhere."""
    tf = import_tensorflow()
    pixels = next(example[key] for key in ("image", "hha", "depth", "label") if key in example)
    pixels = tf.convert_to_tensor(tf.nest.flatten(pixels)[0])
    dynamic = tf.shape(pixels)
    return tuple(pixels.shape[axis] or dynamic[axis] for axis in (0, 1))


def _pad(tf: ModuleType, x: Tensor, starts: Sequence[Tensor], lengths: Sequence[Tensor], fill: float) -> Tensor:
    """Take a window of a plane, filling what lies outside it with one number: both axes in one pass."""
    inside, borders = zip(*(_overlap(tf, x, axis, starts[axis], lengths[axis]) for axis in (0, 1)), strict=True)
    return tf.ensure_shape(tf.pad(x[inside], borders, constant_values=fill), [_static(n) for n in lengths])


def _shift(tf: ModuleType, x: Tensor, axis: int, start: Tensor, length: Tensor, fill: Sequence[float]) -> Tensor:
    """Take `length` rows or columns of a picture from `start` on, filling what lies outside with a colour."""
    inside, borders = _overlap(tf, x, axis, start, length)

    def border(count: Tensor) -> Tensor:
        shape = tf.tensor_scatter_nd_update(tf.shape(x), [[axis]], [count])
        return tf.broadcast_to(tf.constant(fill, x.dtype), shape)

    before, after = borders
    shifted = tf.concat([border(before), x[inside] if axis == 0 else x[:, inside], border(after)], axis)
    static = x.shape.as_list()
    static[axis] = _static(length)
    return tf.ensure_shape(shifted, static)


def _overlap(
    tf: ModuleType, x: Tensor, axis: int, start: Tensor, length: Tensor
) -> tuple[slice, tuple[Tensor, Tensor]]:
    """Return the slice of one axis that a window shows, and how much of the window lies before and after it."""
    size = tf.shape(x)[axis]
    first, last = tf.clip_by_value(start, 0, size), tf.clip_by_value(start + length, 0, size)
    before = tf.clip_by_value(-start, 0, length)
    return slice(first, last), (before, length - before - (last - first))


def _static(length: Tensor) -> int | None:
    return length if isinstance(length, int) else None


def _split(tf: ModuleType, seed: Tensor) -> Tensor:
    return tf.unstack(tf.random.split(seed, 2))


def _integer(tf: ModuleType, seed: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Draw an integer from `low` to `high`, both included."""
    return tf.random.stateless_uniform([], seed, minval=low, maxval=high + 1, dtype=tf.int32)
