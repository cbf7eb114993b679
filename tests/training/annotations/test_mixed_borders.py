"""What lies between regions: thin classes, and ids that resizing mixed."""

import cv2
import numpy as np

from training.annotations.masks import count, describe_mask, true_ids
from training.annotations.mixed_borders import Borders, _steps, borders_of, has_ramps
from training.annotations.thin_parts import differences


def drawn(line, *, rows=6):
    """Repeat a line of ids downwards, after as many rows of its first id."""
    return np.repeat(np.array([line], np.uint8), rows, axis=0)


def found(ids):
    return borders_of(ids, true_ids(ids))


def test_borders_by_hand():
    """A straight border, a thin class between, a foreign one, steps to void and back; 1 is too near to 3 to tell."""
    assert found(drawn([0, 0, 0, 9, 9, 9])) == Borders(straight=6, through=0, other=0, beside=0, changes=0)
    assert found(drawn([0, 0, 0, 4, 9, 9, 9])) == Borders(0, 6, 0, 5, 0)
    assert found(drawn([0, 0, 0, 2, 7, 9, 9, 9])) == Borders(0, 6, 0, 5, 0)
    assert found(drawn([0, 0, 0, 50, 9, 9, 9])) == Borders(0, 0, 6, 0, 0)
    assert found(drawn([0, 0, 0, 50, 255, 70, 9, 9, 9])) == Borders(0, 6, 0, 5, 0)
    assert found(drawn([9, 9, 9, 5, 0, 3, 6, 6, 6])) == Borders(0, 6, 0, 5, 0)
    assert found(drawn([1, 1, 1, 2, 3, 3, 3])) == Borders(0, 0, 0, 0, 0)
    assert found(drawn([9, 9, 9, 10, 4, 0, 0, 0])) == Borders(0, 6, 0, 5, 0)  # as bicubic kernels overshoot
    assert found(drawn([0, 0, 0, 4, 9, 9, 9]).T) == found(drawn([0, 0, 0, 4, 9, 9, 9]))


def test_what_lies_between_changes_along_a_border():
    ids = drawn([0, 0, 0, 4, 9, 9, 9])
    ids[[1, 3, 5], 3] = 7
    assert found(ids) == Borders(0, 6, 0, 5, 5)
    leaning = np.array([[0, 0, 0, *[0] * y, 4, *[9] * (6 - y), 9, 9, 9] for y in range(6)], np.uint8)
    assert found(leaning).changes == 0


def test_large_masks_are_counted_in_parts():
    ids = np.tile(drawn([0, 0, 0, 4, 9, 9, 9], rows=3000), 200)
    whole = found(ids)
    assert whole.through == 3000 * 200
    assert whole.number == 3000 * 200 + 3000 * 199  # from 9 to 0 of the next


def test_a_resized_mask_has_ramps_that_change_and_a_contour_has_none():
    ids = np.zeros((80, 100), np.uint8)
    cv2.circle(ids, (40, 40), 25, 12, -1)
    small = cv2.resize(ids, (50, 40), interpolation=cv2.INTER_LINEAR)
    contour = ids.copy()
    cv2.circle(contour, (40, 40), 25, 5, 1)
    for mask, changing in ((small, True), (contour, False)):
        assert has_ramps(mask, *differences(mask))
        borders = describe_mask(mask).borders
        assert borders.through > 0.7 * borders.number
        assert (borders.changes > 0.2 * borders.beside) is changing
    assert describe_mask(ids).borders is None


def test_steps_are_counted_as_by_differences():
    """Against the difference of every neighbour, in NumPy."""

    def expected(lines):
        difference = np.diff(lines.astype(np.int64), axis=1)
        flat = difference == 0
        alone = flat[:, :-2] & flat[:, 2:] & (np.abs(difference[:, 1:-1]) >= 2)
        return np.count_nonzero(difference[:, 1:] * np.sign(difference[:, :-1]) > 0), np.count_nonzero(alone)

    generator = np.random.default_rng(0)
    for round_ in range(60):
        ids = generator.integers(0, 7, generator.integers(1, 30, 2)).astype(np.uint8 if round_ % 2 else np.int32)
        ids = ids.repeat(3, axis=0).repeat(1 + round_ % 3, axis=1)
        assert _steps(ids, 0, ids[1:] != ids[:-1]) == expected(ids.T)
        assert _steps(ids, 1, ids[:, 1:] != ids[:, :-1]) == expected(ids)
        assert count(ids.astype(np.uint8))[1].tolist() == np.unique(ids, return_counts=True)[1].tolist()
        large = ids.astype(np.uint8).repeat(40, axis=1)  # in runs
        assert count(large)[1].tolist() == np.unique(large, return_counts=True)[1].tolist()
