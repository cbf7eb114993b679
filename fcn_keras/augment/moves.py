"""Move the pixels of an example to another place: mirror, jitter, scale, crop, zoom."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from .maps import Example, Tensor, import_tensorflow, map_pixels, outside, size_of
from .views import View


def mirror(example: Example, seed: Tensor) -> Example:
    """Flip an example left to right with probability one half.

    Args:
        example: `image` and what else of `label`, `depth` and `hha` it has, `(H, W)` or `(H, W, C)`.
        seed: integer tensor of shape `(2,)`; the same seed gives the same result.

    Returns:
        the example, of the same size and dtypes.
    """
    return mirror_view(View.of(example), seed).shown({})


def mirror_view(view: View, seed: Tensor) -> View:
    """As `mirror`, of what is seen of an example.

    Args:
        view: of the example.
        seed: as for `mirror`.

    Returns:
        view of the same example.
    """
    return view.mirror(import_tensorflow().random.stateless_uniform([], seed) < 0.5)


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
    return jitter_view(View.of(example), seed, pixels=pixels).shown(outside(mean, ignore_label))


def jitter_view(view: View, seed: Tensor, *, pixels: int = 32) -> View:
    """As `jitter`, of what is seen of an example.

    Args:
        view: of the example.
        seed: as for `jitter`.
        pixels: largest shift.

    Returns:
        view of the same example.

    Raises:
        ValueError: as `jitter`.
    """
    if pixels < 0:
        raise ValueError(f"`pixels` must be 0 or more. Received: {pixels}.")
    tf = import_tensorflow()
    height, width = view.size
    down, right = (
        _integer(tf, key, -tf.minimum(pixels, side - 1), tf.minimum(pixels, side - 1))
        for key, side in zip(_split(tf, seed), (height, width), strict=True)
    )
    return view.window(-down, -right, height, width)


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
    sides = tf.cast(tf.stack(size_of(example)), tf.float32)
    size = tf.maximum(tf.cast(tf.round(sides * factor), tf.int32), 1)

    def resize(key: str, x: Tensor) -> Tensor:
        if key == "image":
            return tf.image.resize(x, size, "bilinear", antialias=True)
        planes = x if x.shape.rank == 3 else x[..., None]
        planes = tf.image.resize(planes, size, "nearest")
        return planes if x.shape.rank == 3 else planes[..., 0]

    return map_pixels(resize, example)


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
    return crop_view(View.of(example), seed, height=height, width=width).shown(outside(mean, ignore_label))


def crop_view(view: View, seed: Tensor, *, height: int, width: int) -> View:
    """As `crop`, of what is seen of an example.

    Args:
        view: of the example.
        seed: as for `crop`.
        height, width: of the window.

    Returns:
        view of the same example.

    Raises:
        ValueError: as `crop`.
    """
    if height < 1 or width < 1:
        raise ValueError(f"The crop must be at least 1x1. Received: height={height}, width={width}.")
    tf = import_tensorflow()
    top, left = (
        _integer(tf, key, tf.minimum(side - cut, 0), tf.maximum(side - cut, 0))
        for key, side, cut in zip(_split(tf, seed), view.size, (height, width), strict=True)
    )
    return view.window(top, left, height, width)


def zoom(
    example: Example,
    seed: Tensor,
    *,
    low: float,
    high: float,
    mean: Sequence[float] | None = None,
    ignore_label: int = 255,
) -> Example:
    """Scale an example by a random factor, and cut a window of its old size at a random position.

    What `scale` and `crop` do one after the other, with the size of every example for itself. A picture that has become
    smaller is padded.

    Args:
        example: as for `mirror`.
        seed: integer tensor of shape `(2,)`.
        low, high: bounds of the factor, as of `scale`.
        mean: BGR colour of the padding; default VOC's.
        ignore_label: label of the padding.

    Returns:
        the example, of the same size; image and HHA float32.

    Raises:
        ValueError: unless `0 < low <= high`.
    """
    fills = outside(mean, ignore_label)
    return zoom_view(View.of(example), seed, fills, low=low, high=high).shown(fills)


def zoom_view(view: View, seed: Tensor, fills: Mapping[str, Any], *, low: float, high: float) -> View:
    """As `zoom`, of what is seen of an example.

    Args:
        view: of the example.
        seed: as for `zoom`.
        fills: of `outside`, what lies outside in `view`.
        low, high: bounds of the factor.

    Returns:
        view of the resized example.

    Raises:
        ValueError: as `zoom`.
    """
    tf = import_tensorflow()
    for_factor, for_place = _split(tf, seed)
    height, width = view.size
    scaled = View.of(scale(view.shown(fills), for_factor, low=low, high=high))
    top, left = (
        _integer(tf, key, tf.minimum(side - old, 0), tf.maximum(side - old, 0))
        for key, side, old in zip(_split(tf, for_place), scaled.size, (height, width), strict=True)
    )
    return scaled.window(top, left, height, width)


def _split(tf: ModuleType, seed: Tensor) -> Tensor:
    return tf.unstack(tf.random.split(seed, 2))


def _integer(tf: ModuleType, seed: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Draw an integer from `low` to `high`, both included."""
    return tf.random.stateless_uniform([], seed, minval=low, maxval=high + 1, dtype=tf.int32)
