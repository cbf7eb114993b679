"""The input pipeline that a user of PyTorch writes: Pillow, tensors, a padded batch."""

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset, Sampler

from speed.peer import MEAN_RGB

VOID = 255


class Pairs(Dataset):
    """Decode a photograph and its mask, mirror and jitter both, and pad them to their bucket.

    Args:
        files: pairs of paths.
        buckets: (H, W) of every pair.
        jitter: pixels by which a pair is moved at most.
    """

    def __init__(self, files, buckets, jitter):
        self.files, self.buckets, self.jitter = files, buckets, jitter
        mean = torch.tensor(MEAN_RGB)
        self.canvases = {size: mean.expand(*size, 3).contiguous() for size in set(buckets)}

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """Return `(H, W, 3)` float32 and `(H, W)` uint8 of the bucket's size."""
        image, label = (torch.from_numpy(pixels) for pixels in self._read(*self.files[index]))
        if torch.rand(()) < 0.5:
            image, label = image.flip(1), label.flip(1)
        most = (min(self.jitter, side - 1) for side in label.shape)
        down, right = (torch.randint(-pixels, pixels + 1, ()).item() for pixels in most)
        return self.placed(image, label, down, right, self.buckets[index])

    def placed(self, image, label, down, right, bucket):
        """Move a pair within its size, the rest of it unknown, and pad it to a bucket."""
        height, width = label.shape
        canvas, labels = self.canvases[bucket].clone(), torch.full(bucket, VOID, dtype=torch.uint8)
        to = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
        of = slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0))
        canvas[to], labels[to] = image[of], label[of].to(torch.uint8)
        return canvas, labels

    @staticmethod
    def _read(image, mask):
        with Image.open(image) as opened:
            pixels = np.array(opened.convert("RGB"))
        with Image.open(mask) as opened:
            return pixels, np.array(opened)


class Grouped(Sampler):
    """Draw batches of one bucket, at random.

    Args:
        buckets: of every example.
        size: of a batch.
        count: of batches.
    """

    def __init__(self, buckets, size, count):
        self.buckets, self.size, self.count = buckets, size, count

    def __len__(self):
        return self.count

    def __iter__(self):
        waiting, drawn = {}, 0
        while drawn < self.count:
            for index in torch.randperm(len(self.buckets)).tolist():
                group = waiting.setdefault(self.buckets[index], [])
                group.append(index)
                if len(group) == self.size and drawn < self.count:
                    yield waiting.pop(self.buckets[index])
                    drawn += 1
