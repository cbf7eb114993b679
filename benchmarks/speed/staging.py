"""Label one image in one pass and in stages."""

import time

import numpy as np

import fcn_keras as fcn
from fcn_keras.inference.parts import stages_of
from speed import nets


class Staging:
    """Load the network and the image.

    Args:
        net: path of the `.keras` file.
        image: path of a `(H, W, 3)` uint8 array.
    """

    def __init__(self, net, image):
        self.model, self.image = nets.load(net), np.load(image)

    def compare(self, share):
        """Compare the two ways.

        Args:
            share: memory of the stages, of that of one pass.

        Returns:
            dict: `memory`, of the stages, in MiB; `same`, the share of equal labels; `difference`, the largest of two
            scores as a share of the largest score; `whole` and `staged`, seconds.
        """
        memory = share * stages_of(self.model).whole * self.image[..., 0].size / 2**20
        started = time.perf_counter()
        whole = fcn.predict(self.model, self.image, output="scores", memory=float("inf"))
        between = time.perf_counter()
        staged = fcn.predict(self.model, self.image, output="scores", memory=memory)
        ended = time.perf_counter()
        return {
            "memory": memory,
            "same": float(np.mean(whole.argmax(-1) == staged.argmax(-1))),
            "difference": float(np.abs(whole - staged).max() / np.abs(whole).max()),
            "whole": between - started,
            "staged": ended - between,
        }
