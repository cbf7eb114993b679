"""Tell masks whose ids were mixed along borders, as smooth resizing does, from masks of thin classes.

Resizing makes of the border between ids 2 and 9 a 4, a pixel on a 7, then nothing: what is between changes along it. A
contour, a wire or a pole is of one class for as long as it runs.
"""

from typing import NamedTuple

import numpy as np

_PARTS = 8
_RAMPS, _RAMP_SHARE = 20, 0.4  # below 0.1 on CamVid, VOC, NYUDv2 and Stanford; above 0.5 once resized smoothly
_WIDEST = 8  # pixels between two true ids; enlarging three times makes of a slanting border about six
_GAP = 3  # of two ids, from which on mixing may give several ids between them
_OVERSHOOT = 0.2  # of the difference of two ids, by which bicubic and Lanczos kernels go beyond them
_ASIDE = 2  # columns by which a border may have moved in the next row
_AT_ONCE = 1 << 20  # pixels, for memory


class Borders(NamedTuple):
    """What lies between true ids that are 3 or more apart, counted along rows and columns.

    Attributes:
        straight: places where one follows the other.
        through: places where ids between them rise or fall from one to the other; and, between any two ids, where they
            rise in steps to an id 3 or more beyond both and fall again, or fall and rise, as at a thin rim of void.
        other: places where other ids lie between.
        beside: of those of `through`, how many go on in the next row or column.
        changes: of these, how many have other ids between there.
    """

    straight: int
    through: int
    other: int
    beside: int
    changes: int

    @property
    def number(self):
        return self.straight + self.through + self.other


def has_ramps(ids, down, across):
    """Tell whether most borders go through in-between ids rather than straight from one id to another.

    Args:
        ids: `(H, W)` integers.
        down, across: their `thin_parts.differences`.
    """
    in_a_row = np.count_nonzero(down[1:] & down[:-1]) + np.count_nonzero(across[:, 1:] & across[:, :-1])
    if in_a_row < _RAMPS or _has_steps(ids, down, across, in_a_row * (1 / _RAMP_SHARE - 1)):
        return False
    (ramps, steps), (more_ramps, more_steps) = _steps(ids, 0, down), _steps(ids, 1, across)
    ramps, steps = ramps + more_ramps, steps + more_steps
    return ramps >= _RAMPS and ramps > _RAMP_SHARE * (ramps + steps)


def _has_steps(ids, down, across, enough):
    """Tell whether so many lone steps lie in an eighth of the rows, in two, and so on: of most masks in the first."""
    steps, rows = 0, -(-len(ids) // _PARTS)
    for top in range(0, len(ids), rows):
        part = ids[top : top + rows]
        steps += _steps(part, 0, down[top : top + len(part) - 1])[1] + _steps(part, 1, across[top : top + rows])[1]
        if steps >= enough:
            return True
    return False


def _steps(ids, axis, differs):
    """Count along an axis the places where ids go on rising or falling, and the lone steps of 2 or more.

    Only the places where neighbours differ are looked at: they are few.
    """
    width, offset = ids.shape[1], (ids.shape[1], 1)[axis]
    lines = differs.shape[axis]  # of which each place has a position, `line`
    row, column = np.divmod(np.flatnonzero(differs), differs.shape[1])
    line = (row, column)[axis]
    flat, place = ids.ravel(), row * width + column
    step = flat[place + offset].astype(np.int64) - flat[place]
    after, before = line + 1 < lines, line > 0
    next_step, last_step = np.zeros_like(step), np.zeros_like(step)
    next_step[after] = flat[place[after] + 2 * offset].astype(np.int64) - flat[place[after] + offset]
    last_step[before] = flat[place[before]].astype(np.int64) - flat[place[before] - offset]
    ramps = np.count_nonzero(next_step * np.sign(step) > 0)
    alone = after & before & (next_step == 0) & (last_step == 0) & (np.abs(step) >= 2)
    return ramps, np.count_nonzero(alone)


def borders_of(ids, true):
    """Count what lies between true ids.

    Args:
        ids: `(H, W)` integers.
        true: `(H, W)` bool, as `masks.true_ids` marks them.

    Returns:
        `Borders`.
    """
    parts = []
    for each, known in ((ids, true), (ids.T, true.T)):
        rows = max(3, _AT_ONCE // max(1, each.shape[1]))
        parts += [_along_rows(each[top : top + rows], known[top : top + rows]) for top in range(0, len(each), rows)]
    return Borders(*(int(sum(column)) for column in zip(*parts, strict=True)))


def _along_rows(ids, true):
    width, flat, place = ids.shape[1], ids.ravel().astype(np.int64), np.flatnonzero(true)
    start, end = place[:-1], place[1:]
    kept = (flat[start] != flat[end]) & (start // width == end // width) & (end - start <= _WIDEST + 1)
    way = _Ways(flat, start[kept], end[kept])
    far = np.abs(way.last - way.first) >= _GAP
    steady, mixed = way.steady()
    peaks = way.bump(1) | way.bump(-1)
    through = (far & steady & mixed) | (peaks & ~(far & steady))
    beside, changes = _changes(way.start[through], way.kind[through], way.values_between()[through], ids.shape)
    straight, other = far & steady & ~mixed, far & ~steady & ~peaks
    return (*map(np.count_nonzero, (straight, through, other)), beside, changes)


class _Ways:
    """The pixels between each two true ones that follow each other in a row, and are of two ids.

    Args:
        flat: ids of all pixels.
        start, end: places of the true ones, `(N,)`.
    """

    def __init__(self, flat, start, end):
        self.start, self.number = start, len(start)
        self.first, self.last = flat[start], flat[end]
        self.kind = np.unique(np.stack([self.first, self.last]), axis=1, return_inverse=True)[1].ravel()
        length = end - start - 1
        self.way = np.repeat(np.arange(self.number), length)
        self.turn = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        self.values = flat[start[self.way] + 1 + self.turn]

    def steady(self):
        """Return of each way whether its ids rise or fall from the first to the last, and whether any lies between."""
        low, high = np.minimum(self.first, self.last), np.maximum(self.first, self.last)
        beyond = (_OVERSHOOT * (high - low) + 0.5).astype(np.int64)[self.way]
        low, high = low[self.way], high[self.way]
        outside = (self.values < low - beyond) | (self.values > high + beyond)
        values = self.values.clip(low, high)
        back = (values - self._before(values)) * np.sign(self.last - self.first)[self.way] < 0
        return ~self._any(outside | back), self._any((values > low) & (values < high))

    def bump(self, sign):
        """Return of each way whether its ids rise in steps beyond both ends, and fall again; with -1, the reverse."""
        values, first, last = sign * self.values, sign * self.first, sign * self.last
        top = np.full(self.number, np.iinfo(np.int64).min)
        np.maximum.at(top, self.way, values)
        at_top = values == top[self.way]
        reached = np.full(self.number, _WIDEST)
        np.minimum.at(reached, self.way[at_top], self.turn[at_top])
        rises = self.turn <= reached[self.way]
        values = np.maximum(values, np.where(rises, first[self.way], last[self.way]))
        step = values - sign * self._before(sign * values)
        back = np.where(rises, step < 0, step > 0)
        in_steps = self._any((values < top[self.way]) & (values > np.where(rises, first[self.way], last[self.way])))
        return ~self._any(back) & in_steps & (top >= np.maximum(first, last) + _GAP)

    def values_between(self):
        """Return a number for each way that is the same where the same ids lie between."""
        between = (self.values != self.first[self.way]) & (self.values != self.last[self.way])
        once = between & (self.values != self._before(self.values))
        mixed_up = (self.values * 2654435761) & 0x3FFFFFFF
        return np.bincount(self.way, np.where(once, mixed_up, 0), self.number)

    def _before(self, values):
        return np.where(self.turn > 0, np.roll(values, 1), self.first[self.way])

    def _any(self, marked):
        return np.bincount(self.way, marked, self.number) > 0


def _changes(start, kind, between, shape):
    """Count the ways that go on in the next row, and those that lead through other ids there."""
    if not len(start):
        return 0, 0
    (height, width), (row, column) = shape, np.divmod(start, shape[1])
    across = width + 2 * _ASIDE + 1
    key = (kind * (height + 1) + row) * across + column
    order = np.argsort(key)
    key, between = key[order], between[order]
    wanted = key + across - _ASIDE
    place = np.searchsorted(key, wanted).clip(0, len(key) - 1)
    beside = (key[place] >= wanted) & (key[place] <= wanted + 2 * _ASIDE)
    return np.count_nonzero(beside), np.count_nonzero(beside & (between != between[place]))
