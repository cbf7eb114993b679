"""The colours that stand for numbers from 0 to 1: dark purple, blue, green, yellow. NumPy alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Matplotlib's viridis at 0, 8, ..., 248, 255: as light as it is large, which the colour-blind see as well.
_STEPS = (
    "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d "
    "2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a "
    "3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725"
)


def colors_of_scale() -> NDArray[np.uint8]:
    """Return the colours, `(256, 3)` uint8 RGB; none is more than 2 of 255 from Matplotlib's viridis."""
    steps = np.array([list(bytes.fromhex(step)) for step in _STEPS.split()])
    places = np.append(np.arange(0, 256, 8), 255)
    return np.stack([np.rint(np.interp(np.arange(256), places, x)) for x in steps.T], axis=1).astype(np.uint8)


def in_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return `values` from 0 to 1 as bytes: 255 times each, rounded to the nearest."""
    return np.rint(values * np.float32(255)).astype(np.uint8)
