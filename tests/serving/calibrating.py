"""Folders of images that int8 may be calibrated on."""

from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic


def scenes(count, seed=1, height=32, width=48):
    """Draw toy scenes: a list of `(H, W, 3)` uint8."""
    drawn = Synthetic(count, seed=seed, height=height, width=width)
    return [drawn[index]["image"] for index in range(count)]


def write(folder, images):
    """Write images as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index:03d}.png")
    return folder
