"""Training steps: Keras's own train function and PyTorch's loop, on data that is there already."""

import math

import numpy as np

from speed.nets import CLASSES

RATE, MOMENTUM = 1e-10, 0.99  # the released solvers', whose loss is a sum over pixels


def batch_of(height, width, bucket=None):
    """Draw a batch of one image and labels with some void.

    Returns:
        `(1, H, W, 3)` float32 0-255 and `(1, H, W)` uint8, of the bucket's size where one is given.
    """
    generator = np.random.default_rng([height, width])
    image = generator.integers(0, 256, (1, height, width, 3)).astype("float32")
    labels = generator.integers(0, CLASSES, (1, height, width), dtype=np.uint8)
    labels[generator.random(labels.shape) < 0.05] = 255
    if bucket is None:
        return image, labels
    below, right = bucket[0] - height, bucket[1] - width
    margins = ((0, 0), (0, below), (0, right))
    return np.pad(image, (*margins, (0, 0)), mode="mean"), np.pad(labels, margins, constant_values=255)


class KerasSteps:
    """Step by what `model.fit` steps by, without its input pipeline.

    Args:
        net: path of the `.keras` file.
        sizes: (H, W) of the images.
        buckets: (H, W) pairs to pad to, or None.
        jit_compile: whether XLA compiles.
        dropout: rate.
        policy: Keras's dtype policy.
    """

    def __init__(self, net, sizes, buckets=None, jit_compile=False, dropout=0.5, policy="float32"):
        import tensorflow as tf

        import fcn_keras as fcn
        from speed import nets

        self.model = nets.load(net) if policy == "float32" else nets.under(policy, nets.load(net))
        for name in ("drop6", "drop7"):
            self.model.get_layer(name).rate = dropout
        loss = fcn.PixelCrossentropy(reduction="sum")
        self.model.compile(fcn.CaffeSGD(RATE, momentum=MOMENTUM), loss, jit_compile=jit_compile)
        self.model.make_train_function()
        self.streams = []
        for size in sizes:
            data = tf.data.Dataset.from_tensors(batch_of(*size, bucket=bucket_of(size, buckets)))
            self.streams.append(iter(data.repeat()))

    def run(self, index=0):
        import keras

        logs = self.model.train_function(self.streams[index])
        self.loss = finite(float(keras.tree.flatten(logs)[0]))  # waits for the step's end

    def last_loss(self):
        """Return the mean loss since this was last asked: Keras's own is one over the epoch."""
        self.model.reset_metrics()
        return self.loss


class TorchSteps:
    """Step by PyTorch's plain loop.

    Args:
        arrays: path of the weights.
        layout: `"NCHW"` or `"channels_last"`.
        sizes: (H, W) of the images.
        dropout: rate.
    """

    def __init__(self, arrays, layout, sizes, dropout=0.5):
        import torch

        from speed import peer

        form = peer.laid_out(layout)
        self.net = peer.FCN8s(arrays, pad=1, dropout=dropout).train().to(memory_format=form)
        self.optimizer, self.loss_of = peer.optimizer(self.net), peer.loss_of
        self.batches = []
        for size in sizes:
            image, labels = batch_of(*size)
            pixels = torch.from_numpy(image).permute(0, 3, 1, 2).contiguous(memory_format=form)
            self.batches.append((pixels, torch.from_numpy(labels).long()))

    def run(self, index=0):
        pixels, labels = self.batches[index]
        self.optimizer.zero_grad()
        loss = self.loss_of(self.net(pixels), labels)
        loss.backward()
        self.optimizer.step()
        self.loss = finite(loss.item())

    def last_loss(self):
        return self.loss


def finite(loss):
    """Refuse a loss that would make a step's time meaningless."""
    if not math.isfinite(loss):
        raise ValueError(f"The training step's loss is to be finite. Received: {loss}.")
    return loss


def bucket_of(size, buckets):
    """Return the smallest bucket that holds a size, or None where there are none."""
    fitting = [bucket for bucket in buckets or () if bucket[0] >= size[0] and bucket[1] >= size[1]]
    return min(fitting, key=np.prod) if fitting else None
