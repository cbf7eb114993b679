"""The maps of an example, and what every augmentation does with them.

What comes in from outside the picture is unknown: the mean colour, `ignore_label`, depth 0, HHA's mean. The
exact mean is no integer, so the functions that may expose a border return image and HHA as float32 (values
unchanged).
"""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from fcn_keras.registration import NO_TENSORFLOW

Tensor = Any  # of TensorFlow, or a number where it takes one
Example = Mapping[str, Any]

VOC_MEAN = (104.00699, 116.66877, 122.67892)  # VOC train, as in the released voc_layers.py
HHA_MEAN = (132.431, 94.076, 118.477)  # NYUDv2 train, in the file's channel order (nyud_layers.py)


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
    fills = outside(mean, ignore_label)

    def view(key: str, x: Tensor) -> Tensor:
        if key in ("label", "depth"):
            return _pad(tf, x, (top, left), (height, width), fills[key])
        x = _shift(tf, tf.cast(x, tf.float32), 0, top, height, fills[key])
        return _shift(tf, x, 1, left, width, fills[key])

    return map_pixels(view, example)


def outside(mean: Sequence[float] | None, ignore_label: int) -> dict[str, Any]:
    """Return what a pixel outside the picture is in every map.

    Args:
        mean: its BGR colour; default VOC's.
        ignore_label: its label.

    Returns:
        mapping from `"image"` (RGB), `"hha"`, `"label"` and `"depth"` to a number, or to one a channel.
    """
    color = tuple(VOC_MEAN if mean is None else mean)[::-1]
    return {"image": color, "hha": HHA_MEAN, "label": ignore_label, "depth": 0}


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
        raise ImportError(f"Input pipelines need TensorFlow, on any backend of Keras. {NO_TENSORFLOW}") from error
    return tensorflow


def map_pixels(function: Callable[[str, Tensor], Tensor], example: Example) -> Example:
    """Apply a function to every pixel map of an example.

    Args:
        function: of the map's key and its tensor; returns the tensor in its place.
        example: a dict of labels has one map for each head.

    Returns:
        the example; keys that are no pixel maps pass through.
    """
    tf = import_tensorflow()
    moved = {
        key: tf.nest.map_structure(lambda x, key=key: function(key, tf.convert_to_tensor(x)), example[key])
        for key in ("image", "label", "depth", "hha")
        if key in example
    }
    return {**example, **moved}


def size_of(example: Example) -> tuple[Tensor, ...]:
    """Return height and width of an example: ints where they are known statically, scalar tensors elsewhere.

    Args:
        example: with at least one pixel map.
    """
    tf = import_tensorflow()
    pixels = next(example[key] for key in ("image", "hha", "depth", "label") if key in example)
    pixels = tf.convert_to_tensor(tf.nest.flatten(pixels)[0])
    dynamic = tf.shape(pixels)
    return tuple(pixels.shape[axis] or dynamic[axis] for axis in (0, 1))
