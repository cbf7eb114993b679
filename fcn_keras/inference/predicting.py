"""Label an image."""

import keras

from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.whole import run


def predict(model: keras.Model, image: Image, *, output: str = "labels") -> Maps:
    """Label every pixel of one image.

    The first call for a model compiles it (once for all sizes on TensorFlow); later calls do not.

    Args:
        model: a network of this package, or any functional model from one image batch to scores.
        image: `(H, W, 3)` uint8 RGB (HHA for an HHA net); `(H, W, 4)` RGB and depth in millimetres for an `"rgbd"`
            net, of any dtype that holds both; `{"rgb", "hha"}` for a `LateFusion`.
        output: `"labels"`, or `"scores"` for what the argmax is taken of.

    Returns:
        `(H, W)` uint8 class ids (uint16 above 256 classes), the lowest id where scores tie; or `(H, W, C)` float32
        scores. A dict of them by head where the model has several.

    Raises:
        ValueError: if `image` is not what the model takes, or `output` is unknown.

    Example:
        >>> import numpy as np
        >>> import fcn_keras as fcn
        >>> model = fcn.FCN8s(21, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8))
        >>> fcn.predict(model, np.zeros((33, 50, 3), np.uint8)).shape
        (33, 50)
    """
    return run(model, as_input(model, image), output)
