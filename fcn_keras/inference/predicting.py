"""Label an image: in one pass where the memory allows, else in stages with the same result."""

from typing import Any

import keras
import numpy as np

from fcn_keras.inference.images import Image, Maps, as_input
from fcn_keras.inference.one_pass import run
from fcn_keras.inference.stream import Stream, fits
from fcn_keras.inference.whole import require_output

MEMORY = 512  # MiB: one pass up to about 990x990 pixels of an FCN-8s


def predict(model: keras.Model, image: Image, *, output: str = "labels", memory: float = MEMORY) -> Maps:
    """Label every pixel of one image.

    The first call for a model compiles it (once for all sizes on TensorFlow); later calls do not.

    An image for whose maps one pass takes more than `memory` is computed in stages: up to each pool in narrow bands,
    fc6 and fc7 in runs of rows, the upsampling and the labels in bands. Every pixel gets the score of one pass, up to
    the order in which the machine adds floats. A label differs only where two scores are equal but for that.

    Args:
        model: a network of this package, or any functional model from one image batch to scores. One with layers of
            unknown geometry takes every image in one pass.
        image: `(H, W, 3)` uint8 RGB (HHA for an HHA net); `(H, W, 4)` RGB and depth in millimetres for an `"rgbd"`
            net, of any dtype that holds both; `{"rgb", "hha"}` for a `LateFusion`.
        output: `"labels"`; `"scores"` for what the argmax is taken of; `"probabilities"`, their softmax;
            `"confidence"`, the probability of the label; `"entropy"` of the probabilities in nats, divided by the
            log of the number of classes: 0 where one class is sure, 1 where all are as likely; or `"certainty"`:
            label, confidence and entropy of one pass. `fcn_keras.calibration` measures how far they can be believed.
        memory: MiB for the maps between image and result, besides both and the model. They are estimated, and the
            smallest bands of a wide image may take more. `float("inf")` computes every image in one pass.

    Returns:
        `(H, W)` uint8 class ids (uint16 above 256 classes), the lowest id where scores tie; `(H, W, C)` float32
        scores or probabilities; `(H, W)` float32 confidence or entropy; or `(H, W, 3)` float32 certainty, whose first
        channel is class ids. A dict of them by head where the model has several.

    Raises:
        ValueError: if `image` is not what the model takes, `output` is unknown, or `memory` is not positive.

    Example:
        >>> import numpy as np
        >>> import fcn_keras as fcn
        >>> model = fcn.FCN8s(21, channels=(((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8))
        >>> fcn.predict(model, np.zeros((33, 50, 3), np.uint8)).shape
        (33, 50)
    """
    require_output(output)
    require_memory(memory)
    images = as_input(model, image)
    if fits(model, images, memory * 2**20):
        return run(model, images, output)
    height, width = keras.tree.flatten(images)[0].shape[:2]
    sideways = width > height
    whole = None
    for first, band in Stream(model, images, output, memory * 2**20, sideways=sideways).bands():
        if whole is None:
            whole = keras.tree.map_structure(lambda x: np.empty((height, width, *x.shape[2:]), x.dtype), band)
        for a, b in zip(keras.tree.flatten(whole), keras.tree.flatten(band), strict=True):
            target = a.swapaxes(0, 1) if sideways else a
            target[first : first + len(b)] = b
    return whole


def require_memory(memory: Any) -> None:
    """Refuse a `memory` that is no positive number of MiB.

    Raises:
        ValueError: if it is none.
    """
    if isinstance(memory, bool) or not isinstance(memory, (int, float)) or not memory > 0:
        raise ValueError(f"`memory` is a positive number of MiB. Received: {memory!r}.")
