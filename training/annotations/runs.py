"""Regions of an image as runs: pixels down the columns, as COCO counts them.

A small region costs little in a large image.
"""

from typing import NamedTuple

import numpy as np

_LONG = 128  # pixels of the mean run, from which filling run by run is faster than pixel by pixel, and takes no memory


class Runs(NamedTuple):
    """Hold a region.

    Attributes:
        starts: `(N,)` integers, where its runs begin in the image's columns, one below the other.
        lengths: `(N,)` integers.
    """

    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of_counts(cls, counts):
        """Make a region of `(M,)` integers: lengths of background and region in turns."""
        ends = np.cumsum(counts)
        return cls(ends[0:-1:2], counts[1::2])

    @classmethod
    def union(cls, regions):
        """Make one region of several, which may overlap."""
        starts = np.concatenate([region.starts for region in regions])
        ends = starts + np.concatenate([region.lengths for region in regions])
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        apart = starts[1:] > ends[:-1]
        starts = starts[np.append(True, apart)]
        return cls(starts, ends[np.append(apart, True)] - starts)

    @property
    def area(self):
        """Number of pixels."""
        return int(self.lengths.sum())

    def paint(self, columns, value):
        """Set the region's pixels in an image whose columns lie one below the other: `(W * H,)`."""
        area = self.area
        if area > _LONG * len(self.lengths):
            for start, end in zip(self.starts.tolist(), (self.starts + self.lengths).tolist(), strict=True):
                columns[start:end] = value
            return
        shifts = self.starts - np.cumsum(self.lengths) + self.lengths
        columns[np.repeat(shifts, self.lengths) + np.arange(area)] = value

    def mask(self, size):
        """Return `(H, W)` bool for an image of `size` (H, W)."""
        columns = np.zeros(size[0] * size[1], bool)
        self.paint(columns, True)
        return columns.reshape(size[::-1]).T
