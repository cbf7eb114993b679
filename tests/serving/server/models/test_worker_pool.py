"""The queue before TensorFlow: its bound, deadlines, order and end."""

import threading
import time
from contextlib import suppress

import pytest

from serving.errors import ServingError
from serving.server.models.worker_pool import WorkerPool

LONG = 20  # seconds; nothing here takes it


@pytest.fixture
def busy():
    """A pool of one thread that is at work until its event is set."""
    pool, started, done = WorkerPool(threads=1, queue_size=2), threading.Event(), threading.Event()
    first = pool.submit(lambda: (started.set(), done.wait(LONG)))
    assert started.wait(LONG)
    yield pool, done
    done.set()
    pool.close()
    assert first.result() == (None, True)


def code_of(call, *arguments):
    with pytest.raises(ServingError) as caught:
        call(*arguments)
    return caught.value.code, caught.value.message


def test_work_is_done_and_errors_come_back():
    pool = WorkerPool(threads=2, queue_size=2)
    assert pool.submit(lambda: 6 * 7).result(LONG) == 42
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(LONG)
    assert pool.submit(lambda: "still there", time.monotonic() + LONG).result(LONG) == "still there"
    pool.close()


def test_as_many_work_at_once_as_there_are_threads():
    pool, together = WorkerPool(threads=3, queue_size=0), threading.Barrier(3)
    futures = [pool.submit(lambda: together.wait(LONG)) for _ in range(3)]
    assert sorted(future.result(LONG) for future in futures) == [0, 1, 2]
    pool.close()


def test_a_full_queue_refuses_at_once(busy):
    pool, done = busy
    waiting = [pool.submit(lambda number=number: number) for number in range(2)]
    assert code_of(pool.submit, int) == (
        "RESOURCE_EXHAUSTED",
        "The request queue is full: 2 requests wait. Try again later.",
    )
    done.set()
    assert [future.result(LONG) for future in waiting] == [0, 1]
    assert pool.submit(lambda: "room again").result(LONG) == "room again"


def test_what_nobody_waits_for_never_starts_and_takes_no_place(busy):
    pool, done = busy
    started = []
    late = pool.submit(lambda: started.append("late"), time.monotonic())
    given_up = pool.submit(lambda: started.append("given up"))
    assert given_up.cancel()
    wanted = pool.submit(lambda: "wanted")  # the queue was full of them
    assert code_of(late.result, 0) == ("DEADLINE_EXCEEDED", "Deadline exceeded before the request was served")
    done.set()
    assert wanted.result(LONG) == "wanted"
    assert started == []


def test_a_deadline_that_passes_in_the_queue_ends_the_work_when_its_turn_comes(busy):
    pool, done = busy
    deadline = time.monotonic() + 0.01
    late = pool.submit(lambda: "too late", deadline)
    threading.Timer(0.02, done.set).start()
    assert code_of(late.result, LONG)[0] == "DEADLINE_EXCEEDED"
    assert time.monotonic() > deadline


def test_close_finishes_what_is_queued(busy):
    pool, done = busy
    queued = pool.submit(lambda: "done")
    closer = threading.Thread(target=pool.close)
    closer.start()
    errors = set()
    while "UNAVAILABLE" not in {code for code, _ in errors}:  # until `close` has begun
        with suppress(ServingError):
            pool.submit(int)
            continue
        errors.add(code_of(pool.submit, int))
    assert ("UNAVAILABLE", "The server is shutting down") in errors
    assert closer.is_alive()
    done.set()
    closer.join(LONG)
    assert not closer.is_alive()
    assert queued.result(0) == "done"
