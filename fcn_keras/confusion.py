"""Count where the pixels of every class went."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_keras.examples import VOID


def confusion(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    num_classes: int,
    place: str,
    *,
    void: int = VOID,
    count_missed: bool = False,
) -> NDArray[np.int64]:
    """Count the pairs of true and predicted class over the pixels whose truth is not void.

    Args:
        truth: integers of any shape, classes and `void`.
        predicted: integers of the same shape; what it holds where the truth is void does not matter.
        num_classes: number of classes C, void not counted.
        place: where both come from, for the errors.
        void: id of the pixels that do not count.
        count_missed: allow `void` in a prediction too, which misses whatever the truth is.

    Returns:
        `(C, C)` int64, rows truth, columns prediction; with `count_missed` `(C, C + 1)`, the last column void.

    Raises:
        ValueError: if a pixel that counts is of no class, in the truth or in the prediction.
    """
    counted = truth != void
    truth, predicted = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    _require_within(truth, num_classes, "`label`", f"0..{num_classes - 1} or {void} (void)", place)
    columns = num_classes + count_missed
    if count_missed:
        predicted[predicted == void] = num_classes
    _require_within(predicted, columns, "A prediction", f"0..{num_classes - 1}, never void", place)
    cells = np.bincount(columns * truth + predicted, minlength=num_classes * columns)
    return cells.reshape(num_classes, columns)


def _require_within(ids: NDArray[Any], count: int, what: str, expected: str, place: str) -> None:
    if not ids.size or (ids.min() >= 0 and ids.max() < count):
        return
    outside = np.unique(ids[(ids < 0) | (ids >= count)])
    raise ValueError(
        f"{what} may hold {expected}. Received: {outside[:5].tolist()} in {place}. "
        "Subtract 1 if your classes start at 1."
    )
