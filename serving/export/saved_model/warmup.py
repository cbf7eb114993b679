"""What a server runs before a new version answers: one photograph a size, and each signature once."""

import io

import numpy as np

SMALL = (32, 32)  # every signature's graph is made ready by any size


def drawn(height, width, channels=3):
    """Draw an image that no codec makes flat: slow waves of colour with some noise.

    Returns:
        `(H, W, channels)` uint8.
    """
    generator = np.random.default_rng([height, width])
    y, x = np.mgrid[:height, :width]
    waves = [128 + 90 * np.sin(y / (19 + 6 * c) + c) * np.cos(x / (23 + 5 * c)) for c in range(channels)]
    pixels = np.stack(waves, axis=-1) + generator.normal(0, 12, (height, width, channels))
    return pixels.clip(0, 255).astype(np.uint8)


def scene(network, height, width):
    """Draw one scene for a network: `{name of a model input: (H, W, C)}`, uint8, or uint16 for RGB-D."""
    pixels = {name: drawn(height, width, channels) for name, channels in network.channels.items()}
    if network.is_rgbd:
        pixels = {name: x.astype(np.uint16) * np.array([1, 1, 1, 16], np.uint16) for name, x in pixels.items()}
    return pixels


def as_files(network, pixels):
    """Encode a scene as `serving_default` takes it: `{input: bytes}`, lossless."""
    if not network.is_rgbd:
        return {f"{name}_bytes": _png(x) for name, x in pixels.items()}
    (rgbd,) = pixels.values()
    return {"image_bytes": _png(rgbd[..., :3].astype(np.uint8)), "depth_png_bytes": _png(rgbd[..., 3])}


def requests(network, model_name, sizes):
    """Write the records of `assets.extra/tf_serving_warmup_requests`.

    Args:
        network: `network.Network`.
        model_name: as it is served.
        sizes: (H, W) of the photographs to send to `serving_default`.

    Returns:
        list of bytes, a serialized `PredictionLog` each: at most 1000, or TF Serving refuses the version.
    """
    inputs = [("serving_default", as_files(network, scene(network, *size))) for size in sizes]
    small = scene(network, *SMALL)
    inputs.append(("predict_tensors", {name: x[None] for name, x in small.items()}))
    inputs.append(("predict_scores", {name: x[None].astype(np.float32) for name, x in small.items()}))
    return [_record(model_name, signature, values) for signature, values in inputs]


def _record(model_name, signature, values):
    import tensorflow as tf

    from ... import tf_serving_messages as messages

    log = messages.PredictionLog()
    request = log.predict_log.request
    messages.set_spec(request.model_spec, model=model_name, signature=signature)
    for name, value in values.items():
        tensor = tf.make_tensor_proto([value] if isinstance(value, bytes) else value)
        request.inputs.add(key=name).value.ParseFromString(tensor.SerializeToString())
    return log.SerializeToString()


def _png(pixels):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
