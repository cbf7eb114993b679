"""FCN-8s in PyTorch as its users write it: the released topology, weights by the released layer names.

The peer of the benchmark: nothing here is slower than it needs to be in plain PyTorch.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BLOCKS = (2, 2, 3, 3, 3)  # convolutions
MEAN_RGB = (122.67892, 116.66877, 104.00699)
STRIDE = 32
FRAME = 100  # the released networks' padding
CROPS = {"score_pool4": 5, "score_pool3": 9, "score": 31}  # the released networks' offsets


class FCN8s(nn.Module):
    """FCN-8s on VGG16; the weights are read from an `.npz` of the Keras network.

    Args:
        path: of the file; kernels `(kh, kw, in, out)`, of transposed convolutions `(kh, kw, out, in)`.
        pad: 100 as released (and in the usual ports), or 1: then the image is padded to a multiple of 32.
        dropout: rate after fc6 and fc7.
    """

    def __init__(self, path, pad, dropout=0.5):
        super().__init__()
        self.framed = pad == FRAME
        self.dropout = dropout
        self.register_buffer("mean", torch.tensor(MEAN_RGB).reshape(1, 3, 1, 1))
        self.layers = nn.ModuleDict()
        with np.load(path) as arrays:
            for name in {key.split("/")[0] for key in arrays}:
                self.layers[name] = self._layer(name, arrays[f"{name}/0"])
                with torch.no_grad():
                    # (kh, kw, in, out) -> (out, in, kh, kw), and (kh, kw, out, in) -> (in, out, kh, kw)
                    kernel = np.ascontiguousarray(arrays[f"{name}/0"].transpose(3, 2, 0, 1))
                    self.layers[name].weight.copy_(torch.from_numpy(kernel))
                    if f"{name}/1" in arrays:
                        self.layers[name].bias.copy_(torch.from_numpy(arrays[f"{name}/1"]))
        self.layers["upscore8"].requires_grad_(False)  # fixed in the paper

    def _layer(self, name, kernel):
        size, _, before, after = kernel.shape
        if name.startswith("upscore"):
            margin = 0 if self.framed else size // 4
            return nn.ConvTranspose2d(after, before, size, stride=size // 2, padding=margin, bias=False)
        if name == "conv1_1":
            return nn.Conv2d(before, after, size, padding=FRAME if self.framed else 1)
        if name == "fc6":
            return nn.Conv2d(before, after, size, padding=0 if self.framed else size // 2)
        return nn.Conv2d(before, after, size, padding=size // 2)

    def forward(self, image):
        """Score an image `(N, 3, H, W)` RGB 0-255 -> `(N, K, H, W)`."""
        height, width = image.shape[2:]
        x = (image - self.mean).flip(1)  # BGR
        if not self.framed:
            x = functional.pad(x, (0, -width % STRIDE, 0, -height % STRIDE))
        pools = []
        for block, count in enumerate(BLOCKS, 1):
            for i in range(1, count + 1):
                x = functional.relu(self.layers[f"conv{block}_{i}"](x), inplace=True)
            x = functional.max_pool2d(x, 2, ceil_mode=True)
            pools.append(x)
        for name in ("fc6", "fc7"):
            x = functional.dropout(functional.relu(self.layers[name](x), inplace=True), self.dropout, self.training)
        x = self.layers["upscore2"](self.layers["score_fr"](x))
        x = x + self._crop(self.layers["score_pool4"](pools[3]), "score_pool4", x.shape)
        x = self.layers["upscore_pool4"](x)
        x = x + self._crop(self.layers["score_pool3"](pools[2]), "score_pool3", x.shape)
        return self._crop(self.layers["upscore8"](x), "score", (0, 0, height, width))

    def _crop(self, x, name, shape):
        start = CROPS[name] if self.framed else 0
        return x[:, :, start : start + shape[2], start : start + shape[3]]


def laid_out(layout):
    """Return PyTorch's name of a memory layout, `"NCHW"` or `"channels_last"`."""
    return torch.channels_last if layout == "channels_last" else torch.contiguous_format


def optimizer(net):
    """Make the released solver's optimizer: biases at twice the rate, without decay."""
    weights = [p for name, p in net.named_parameters() if p.requires_grad and name.endswith("weight")]
    biases = [p for name, p in net.named_parameters() if p.requires_grad and name.endswith("bias")]
    groups = [{"params": weights, "weight_decay": 5e-4}, {"params": biases, "lr": 2e-10, "weight_decay": 0}]
    return torch.optim.SGD(groups, lr=1e-10, momentum=0.99, fused=True)  # fused: its fastest


def loss_of(scores, labels):
    """Sum the cross-entropy over the pixels that are not void."""
    return functional.cross_entropy(scores, labels, ignore_index=255, reduction="sum")
