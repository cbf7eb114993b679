"""Change the colours of an example's image at random."""

from types import ModuleType

from .maps import Example, Tensor, import_tensorflow

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, of red, green and blue


def color_jitter(
    example: Example,
    seed: Tensor,
    *,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
) -> Example:
    """Change brightness, contrast, saturation and hue of the image, in this order, each by an amount of its own.

    Labels, depth and HHA stay as they are. The grey of a pixel is 0.299 R + 0.587 G + 0.114 B. What falls below 0 or
    above 255 after a step is clipped. Put it before what exposes a border: the border is then still the mean colour.

    Args:
        example: as for `mirror`; one without an image is returned as it is.
        seed: integer tensor of shape `(2,)`.
        brightness: 0 to 1; the image is multiplied by a factor from 1 - `brightness` to 1 + `brightness`, drawn
            uniformly, as are all others.
        contrast: 0 to 1; the same of the distance of every pixel from the picture's mean grey.
        saturation: 0 to 1; the same of the distance of every pixel from its own grey.
        hue: 0 to 0.5; largest turn of the hue (of HSV), as a part of a full turn.

    Returns:
        the example of the same size; the image float32, 0 to 255.

    Raises:
        ValueError: if an amount is out of its range.

    Reference: `ColorJitter` of torchvision, whose order is random; the defaults are those of MoCo v2 (Chen et al.
    2020). timm's are the same without hue.
    """
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    for name, amount in amounts.items():
        limit = 0.5 if name == "hue" else 1
        if not 0 <= amount <= limit:
            raise ValueError(f"`{name}` must be 0 to {limit}. Received: {amount}.")
    if "image" not in example:
        return example
    tf = import_tensorflow()
    changes = tf.unstack(tf.random.stateless_uniform([4], seed, -1.0, 1.0) * list(amounts.values()))
    image = tf.cast(example["image"], tf.float32)
    if brightness:
        image = _blend(tf, image, 0.0, 1 + changes[0])
    if contrast:
        image = _blend(tf, image, _grey(tf, tf.reduce_mean(image, (0, 1), keepdims=True)), 1 + changes[1])
    if saturation:
        image = _blend(tf, image, _grey(tf, image), 1 + changes[2])
    if hue:
        image = tf.clip_by_value(tf.image.adjust_hue(image, changes[3]), 0.0, 255.0)
    return {**example, "image": image}


def _blend(tf: ModuleType, image: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """Go from `other` to the image by `factor` times their distance."""
    return tf.clip_by_value(other + factor * (image - other), 0.0, 255.0)


def _grey(tf: ModuleType, image: Tensor) -> Tensor:
    red, green, blue = tf.split(image, 3, axis=-1)  # a third of the time of a sum over channels
    return _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue
