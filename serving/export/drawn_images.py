"""Images that are drawn, where a network needs some before anybody sends any: to compare it, and to warm it up."""

import numpy as np


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


def draw_inputs(channels, height, width):
    """Draw one image for every input of a network.

    Args:
        channels: `{name of an input: number of channels}`.

    Returns:
        `{name of an input: (H, W, C)}` uint8; uint16 for RGB-D, whose depth is up to four metres.
    """
    images = {name: drawn(height, width, count) for name, count in channels.items()}
    if 4 in channels.values():
        images = {name: x.astype(np.uint16) * np.array([1, 1, 1, 16], np.uint16) for name, x in images.items()}
    return images


def for_predict(images):
    """Return what `draw_inputs` drew as `fcn_keras.predict` takes it."""
    return images.get("image", images)
