"""Draw the images of the benchmark; in a worker process, as the scenes come with Keras."""

from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras.datasets.synthetic import Synthetic


class Drawn:
    """Draw scenes and write them."""

    def image(self, path, height, width):
        """Write one scene: as an array if the file's name ends in .npy, as a picture otherwise."""
        pixels = Synthetic(1, seed=0, height=height, width=width)[0]["image"]
        if path.endswith(".npy"):
            np.save(path, pixels)
        else:
            Image.fromarray(pixels).save(path)

    def photographs(self, folder, count, height, width):
        """Write scenes as `images/*.jpg` of quality 90, and their labels as `labels/*.png`."""
        scenes = Synthetic(count, seed=2, height=height, width=width)
        folders = [Path(folder, name) for name in ("images", "labels")]
        for path in folders:
            path.mkdir(parents=True)
        for i in range(count):
            scene = scenes[i]
            Image.fromarray(scene["image"]).save(folders[0] / f"{i:04d}.jpg", quality=90)
            Image.fromarray(scene["label"]).save(folders[1] / f"{i:04d}.png")
