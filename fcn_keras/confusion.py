"""Count where the pixels of every class went."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def confusion(
    truth: NDArray[Any], predicted: NDArray[Any], num_classes: int, place: str, *, void: int = 255
) -> NDArray[np.int64]:
    """Count the pairs of true and predicted class over the pixels that are not void.

    Args:
        truth: integers of any shape, classes and `void`.
        predicted: integers of the same shape; what it holds where the truth is void does not matter.
        place: where both come from, for the errors.

    Returns:
        `(C, C)` int64, rows truth, columns prediction.

    Raises:
        ValueError: if a pixel that counts is of no class, in the truth or in the prediction.
    """
    counted = truth != void
    truth, predicted = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    _require_within(truth, num_classes, "`label`", f"0..{num_classes - 1} or {void} (void)", place)
    _require_within(predicted, num_classes, "A prediction", f"0..{num_classes - 1}, never void", place)
    cells = np.bincount(num_classes * truth + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def _require_within(ids: NDArray[Any], num_classes: int, what: str, expected: str, place: str) -> None:
    outside = ids[(ids < 0) | (ids >= num_classes)]
    if outside.size:
        raise ValueError(
            f"{what} may hold {expected}. Received: {np.unique(outside)[:5].tolist()} in {place}. "
            "Subtract 1 if your classes start at 1."
        )
