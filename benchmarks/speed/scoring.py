"""Evaluation's parts: the forward pass, the metric's update, and both with the loss in Keras's own loop."""

import time

import numpy as np

from speed.nets import CLASSES

UPDATES = 10
EVALUATED = 2  # images


class Scoring:
    """Load the network, and make one image's scores and labels ready.

    Args:
        net: path of the `.keras` file.
        image: path of a `(H, W, 3)` uint8 array.
    """

    def __init__(self, net, image):
        import tensorflow as tf

        import fcn_keras as fcn
        from speed import nets

        self.model, self.image = nets.load(net), np.load(image)
        scores = fcn.predict(self.model, self.image, output="scores")[None]
        labels = np.random.default_rng(0).integers(0, CLASSES, (1, *self.image.shape[:2]), dtype=np.uint8)
        self.pair = tf.constant(labels), tf.constant(scores)
        metric = fcn.ConfusionMatrix(CLASSES)

        @tf.function  # as in the graph of `evaluate`
        def update(labels, scores):
            metric.update_state(labels, scores)

        self.update_state = update
        self.model.compile(loss=fcn.PixelCrossentropy(), metrics=[fcn.ConfusionMatrix(CLASSES)], jit_compile=False)
        self.examples = [{"image": self.image, "label": labels[0]}] * EVALUATED

    def forward(self):
        import fcn_keras as fcn

        fcn.predict(self.model, self.image)

    def update(self):
        """Return the seconds of one update, of several."""
        started = time.perf_counter()
        for _ in range(UPDATES):
            self.update_state(*self.pair)
        return {"update": (time.perf_counter() - started) / UPDATES}

    def evaluate(self):
        """Return the seconds an image of `model.evaluate`."""
        import fcn_keras as fcn

        started = time.perf_counter()
        self.model.evaluate(fcn.batches(self.examples), verbose=0)
        return {"evaluate": (time.perf_counter() - started) / EVALUATED}
