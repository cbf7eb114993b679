"""Files are read ahead, in order, and no further than asked; some may be unusable."""

import time

import pytest

from training.reading import Unreadable, read_ahead, read_each, taken_ahead


def test_reading_ahead_keeps_the_order_and_its_bounds():
    started = []

    def slowly(item):
        started.append(item)
        if item == 7:
            raise ValueError("seven")
        time.sleep(0.001 * (item % 3))
        return 10 * item

    results = read_ahead(slowly, range(100), threads=3, ahead=4)
    assert [next(results) for _ in range(7)] == [0, 10, 20, 30, 40, 50, 60]
    assert max(started) <= 6 + 4
    with pytest.raises(ValueError, match="seven"):
        next(results)
    assert max(started) < 20


def test_taking_ahead_keeps_the_order_and_its_bounds():
    taken = []

    def numbers():
        for number in range(20):
            taken.append(number)
            yield number

    for number in (items := taken_ahead(numbers(), ahead=4)):
        deadline = time.monotonic() + 30
        while len(taken) < min(20, number + 5) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(taken) == min(20, number + 5)  # this one, and four more
        if number == 19:
            break
    assert list(items) == []


def test_what_is_raised_ahead_is_raised_in_its_turn():
    def numbers():
        yield from range(3)
        raise ValueError("the fourth")

    items = taken_ahead(numbers())
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the fourth"):
        next(items)


def half(item):
    if item % 2:
        raise ValueError(f"{item} is\n odd")
    return item // 2


def test_what_cannot_be_read_is_skipped_and_counted(capsys):
    bad, calls = Unreadable("fcn-x", "skip"), []
    kept = list(read_each(half, range(5), unreadable=bad, progress=lambda *done: calls.append(done)))
    assert kept == [(0, 0), (2, 1), (4, 2)]
    assert calls == [(done, 5) for done in range(1, 6)]
    assert capsys.readouterr().err == "fcn-x: skipped: 1 is odd\nfcn-x: skipped: 3 is odd\n"
    assert bad.skipped == ["1 is odd", "3 is odd"]
    bad.require_some(kept)
    with pytest.raises(ValueError, match="None of 2 files can be read"):
        bad.require_some([])


def test_the_first_that_cannot_be_read_ends_the_reading():
    with pytest.raises(ValueError, match="1 is"):
        list(read_each(half, range(5), unreadable=Unreadable("fcn-x", "fail"), progress=lambda *_: None))


def test_where_nothing_was_listed_nothing_is_said_to_be_unreadable():
    with pytest.raises(ValueError, match="There is nothing to read: no image is listed"):
        Unreadable("fcn-doctor", "skip").require_some(0)
