"""Label one image in one pass and in tiles."""

import time

import numpy as np

import fcn_keras as fcn
from speed import nets


class Tiling:
    """Load the network and the image.

    Args:
        net: path of the `.keras` file.
        image: path of a `(H, W, 3)` uint8 array.
    """

    def __init__(self, net, image):
        self.model, self.image = nets.load(net), np.load(image)

    def compare(self, tile):
        """Compare the two ways.

        Returns:
            dict: `same`, the share of equal labels; `difference`, the largest of two scores as a share of the largest
            score; `whole` and `tiled`, seconds.
        """
        started = time.perf_counter()
        whole = fcn.predict(self.model, self.image, output="scores", memory=float("inf"))
        between = time.perf_counter()
        tiled = fcn.predict_tiled(self.model, self.image, tile=tile, output="scores")
        ended = time.perf_counter()
        return {
            "same": float(np.mean(whole.argmax(-1) == tiled.argmax(-1))),
            "difference": float(np.abs(whole - tiled).max() / np.abs(whole).max()),
            "whole": between - started,
            "tiled": ended - between,
        }
