"""Count where in the images each class lies, in 32x32 cells, in memory that does not grow with the images."""

from dataclasses import replace

import numpy as np

from ..annotations.masks import SAMPLE, VOID, Mask

_ROWS, _COLUMNS = np.indices((SAMPLE, SAMPLE))


class HeatMaps:
    """Counts by class and cell.

    A mask is read at the 1024 centres of its cells. Masks that do not hold ids, or hold them mixed or in unknown
    colours, are left out.

    Attributes:
        masks: how many were counted.
        counts: `(256, 32, 32)` int64, masks that have an id at a cell's centre; the last are void and all others.
    """

    def __init__(self):
        self.masks, self.counts = 0, np.zeros((VOID + 1, SAMPLE, SAMPLE), np.int64)

    def add(self, facts):
        """Count one mask.

        Args:
            facts: `PairFacts`.

        Returns:
            the same without what was counted, which takes less memory. A mask that seems to have been resized is not
            counted yet: `resized.settle_resized` tells whether it was.
        """
        mask = facts.mask
        if not isinstance(mask, Mask) or mask.sample is None:
            return facts
        if mask.smooth and not (mask.lossy or mask.unknown):
            return facts
        if not (mask.lossy or mask.unknown):
            self.masks += 1
            self.counts[mask.sample, _ROWS, _COLUMNS] += 1
        return replace(facts, mask=replace(mask, sample=None))

    def shares(self, num_classes):
        """Return `(C, 32, 32)` floats: the share of the masks that have the class at the centre of the cell."""
        return self.counts[: min(num_classes, VOID)] / max(1, self.masks)
