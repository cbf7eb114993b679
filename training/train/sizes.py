"""The sizes of the images to train on, reduced or not."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from fcn_keras.photographs import size_within

from ..doctor.buckets import choose_buckets
from .budget import Images


@dataclass(frozen=True)
class Sizes:
    """How many images have which size.

    Attributes:
        counts: dict from `(H, W)` to a number of images.
        buckets: sizes to pad them to.
        padding: share of the padded pixels that is padding.
    """

    counts: dict
    buckets: tuple
    padding: float

    @classmethod
    def of(cls, report, most_pixels=None):
        """Take the sizes of a doctor's report; images of more than `most_pixels` are reduced to so many."""
        counts = Counter()
        for height, width, number in report.sizes:
            counts[size_within((height, width), most_pixels or height * width)] += number
        if most_pixels is None:
            return cls(dict(counts), report.buckets, report.padding)
        return cls(dict(counts), *choose_buckets(list(counts), list(counts.values())))

    def images(self, trained, validated):
        """Return `Images` of these sizes."""
        # Images of several sizes are padded: what is computed is the area with the padding.
        area = (
            float(np.median(self.areas)) if len(self.counts) == 1 else float(np.mean(self.areas)) / (1 - self.padding)
        )
        return Images(trained, validated, area, self.largest)

    @property
    def areas(self):
        """`(N,)` pixels of every image."""
        return self._column(lambda height, width: height * width)

    @property
    def largest(self):
        """Pixels of the largest."""
        return float(self.areas.max(initial=1))

    @property
    def middling(self):
        """The middle of the heights, and that of the widths."""
        return tuple(int(np.median(self._column(side))) for side in (lambda h, w: h, lambda h, w: w))

    def _column(self, of):
        return np.repeat([of(*size) for size in self.counts], list(self.counts.values()))
