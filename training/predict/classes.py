"""What the classes of one head are called, and which of them is what is left over."""

from dataclasses import dataclass

import numpy as np

from fcn_keras.visualize import background_of


@dataclass(frozen=True)
class Classes:
    """Names by class id.

    Attributes:
        background: the class that overlays leave bare, or None where every class is something.
    """

    names: tuple[str, ...]
    background: int | None

    @classmethod
    def named(cls, names, count):
        """Take names, or call the classes by number; VOC's class 0 is what is left over, a named one is painted."""
        known = tuple(names) if names is not None else tuple(f"class {index}" for index in range(count))
        return cls(known, 0 if names is None else background_of(names))

    def shares(self, pixels):
        """Return the share 0..1 of every class that occurs, by name, the largest first, of counts by class id."""
        pixels = np.asarray(pixels)
        order = [int(index) for index in np.argsort(-pixels, kind="stable") if pixels[index]]
        return {self.names[index]: float(pixels[index] / pixels.sum()) for index in order}
