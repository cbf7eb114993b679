"""Draw the images of the benchmark; in a worker process, as the scenes come with Keras."""

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
