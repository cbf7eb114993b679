"""The maps of an example, and what every augmentation does with them.

What comes in from outside the picture is unknown: the mean colour, `ignore_label`, depth 0, HHA's mean. The
exact mean is no integer, so the functions that may expose a border return image and HHA as float32 (values
unchanged).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fcn_keras.registration import NO_TENSORFLOW

Tensor = Any  # of TensorFlow, or a number where it takes one
Example = Mapping[str, Any]

VOC_MEAN = (104.00699, 116.66877, 122.67892)  # VOC train, as in the released voc_layers.py
HHA_MEAN = (132.431, 94.076, 118.477)  # NYUDv2 train, in the file's channel order (nyud_layers.py)


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
