"""Rotate an example about its centre."""

import math
from collections.abc import Sequence
from types import ModuleType

from .maps import Example, Tensor, import_tensorflow, map_pixels, outside, size_of


def rotate(
    example: Example, seed: Tensor, *, degrees: float, mean: Sequence[float] | None = None, ignore_label: int = 255
) -> Example:
    """Rotate an example about its centre by up to `degrees` in either direction, keeping its size.

    The image is interpolated bilinearly. Label, depth and HHA take the nearest pixel, as in `scale`. What the
    corners expose is unknown: in every map it is the same pixels.

    Args:
        example: as for `mirror`.
        seed: integer tensor of shape `(2,)`.
        degrees: 0 to 180; the angle is drawn uniformly from `-degrees` to `degrees`.
        mean: BGR colour of the exposed corners; default VOC's.
        ignore_label: label of the exposed corners.

    Returns:
        the example of the same size; image and HHA float32.

    Raises:
        ValueError: if `degrees` is out of its range.
    """
    if not 0 <= degrees <= 180:
        raise ValueError(f"`degrees` must be 0 to 180. Received: {degrees}.")
    tf = import_tensorflow()
    angle = degrees * tf.random.stateless_uniform([], seed, -1.0, 1.0)
    return turn(example, angle, mean=mean, ignore_label=ignore_label)


def turn(example: Example, angle: Tensor, *, mean: Sequence[float] | None = None, ignore_label: int = 255) -> Example:
    """Rotate an example about its centre by a known angle, keeping its size.

    Pixel `i` covers the positions from `i - 1/2` to `i + 1/2`. A pixel of the result is outside if its middle comes
    from outside the picture; the image's pixels within half a pixel of the border are those of the border. Multiples
    of 90 degrees are exact where both sides are equal, and so are multiples of 180 anywhere.

    Args:
        example: as for `mirror`.
        angle: in degrees, counter-clockwise.
        mean: BGR colour of the outside; default VOC's.
        ignore_label: label of the outside.

    Returns:
        the example of the same size; image and HHA float32.
    """
    tf = import_tensorflow()
    fills = outside(mean, ignore_label)
    height, width = size_of(example)
    to_source = _to_source(tf, angle, height, width)
    numbers = tf.reshape(tf.range(height * width), (height, width, 1))
    source = _transform(tf, numbers, to_source, "NEAREST", "CONSTANT")[..., 0]  # the pixel that each one shows, or -1

    def rotated(key: str, x: Tensor) -> Tensor:
        color = x.shape.rank == 3
        if key == "image":
            found = _transform(tf, tf.cast(x, tf.float32), to_source, "BILINEAR", "NEAREST")
        else:
            pixels = tf.reshape(x, (-1, x.shape[2]) if color else (-1,))
            found = tf.gather(tf.cast(pixels, tf.float32) if color else pixels, tf.maximum(source, 0))
        inside = source[..., None] >= 0 if color else source >= 0
        return tf.ensure_shape(tf.where(inside, found, tf.constant(fills[key], found.dtype)), x.shape)

    return map_pixels(rotated, example)


def _to_source(tf: ModuleType, angle: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return the transform from a pixel of the result to a place in the picture: `x' = ax + by + c`, `y' = ...`."""
    radians = tf.cast(angle, tf.float32) * (math.pi / 180)
    # The cosine of a right angle is 0, which float32's pi misses by 1e-7: whole turns have to be exact.
    cos, sin = (tf.where(tf.abs(x) < 1e-6, 0.0, x) for x in (tf.cos(radians), tf.sin(radians)))
    x, y = (tf.cast(side - 1, tf.float32) / 2 for side in (width, height))
    return tf.stack([cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y, 0.0, 0.0])


def _transform(tf: ModuleType, x: Tensor, to_source: Tensor, interpolation: str, fill_mode: str) -> Tensor:
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x[None],
        transforms=to_source[None],
        output_shape=tf.shape(x)[:2],
        fill_value=-1.0,
        interpolation=interpolation,
        fill_mode=fill_mode,
    )[0]
