"""What a server runs before a new version answers: a photograph a size, each signature once. Imports TensorFlow.

Where photographs are scaled, each signature that reads files gets a larger one besides, whose graph does more.
"""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from fcn_keras.photographs import scaled_size

from ... import tf_serving_messages as messages
from ..drawn_images import draw_inputs

SMALL = (32, 32)  # every signature's graph is made ready by any size


def as_files(network, images):
    """Encode images as `serving_default` takes them: `{input: bytes}`, lossless.

    Args:
        images: `{name of a model input: (H, W, C)}`, as `drawn_images.draw_inputs` draws them.
    """
    if not network.is_rgbd:
        return {f"{name}_bytes": _png(x) for name, x in images.items()}
    (rgbd,) = images.values()
    return {"image_bytes": _png(rgbd[..., :3].astype(np.uint8)), "depth_png_bytes": _png(rgbd[..., 3])}


def requests(network, model_name, sizes, scale=None, most=0):
    """Write the records of `assets.extra/tf_serving_warmup_requests`.

    Args:
        network: `frozen_network.Network`.
        model_name: as it is served.
        sizes: (H, W) of the photographs to send to `serving_default`.
        scale: as for `signatures.build`.
        most: pixels of a photograph that is reduced before it is scored.

    Returns:
        list of bytes, a serialized `PredictionLog` each: at most 1000, or TF Serving refuses the version.
    """
    inputs = [("serving_default", as_files(network, draw_inputs(network.channels, *size))) for size in sizes]
    larger = _larger(scale, most)
    if larger is not None:
        files = as_files(network, _flat(network.channels, *larger))
        inputs += [("serving_default", files), ("serving_scaled", {**files, "scale": b"trained"})]
    small = draw_inputs(network.channels, *SMALL)
    inputs.append(("predict_tensors", {name: x[None] for name, x in small.items()}))
    inputs.append(("predict_scores", {name: x[None].astype(np.float32) for name, x in small.items()}))
    return [_record(model_name, signature, values) for signature, values in inputs]


def _larger(scale, most):
    """Choose the size of a photograph that a network reduces, or None: twice `SMALL`, and so on."""
    height, width = SMALL
    while height * width <= most:
        if scaled_size((height, width), scale) != (height, width):
            return height, width
        height, width = 2 * height, 2 * width
    return None


def _flat(channels, height, width):
    """Make grey images, whose files are small however large they are."""
    dtype = np.uint16 if 4 in channels.values() else np.uint8
    return {name: np.full((height, width, count), 128, dtype) for name, count in channels.items()}


def _record(model_name, signature, values):
    log = messages.PredictionLog()
    request = log.predict_log.request
    messages.set_spec(request.model_spec, model=model_name, signature=signature)
    for name, value in values.items():
        tensor = tf.make_tensor_proto([value] if isinstance(value, bytes) else value)
        request.inputs[name].ParseFromString(tensor.SerializeToString())
    return log.SerializeToString(deterministic=True)


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
