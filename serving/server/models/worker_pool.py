"""A bounded queue in front of a few threads that call TensorFlow."""

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import NamedTuple

from ...errors import ServingError


class _Work(NamedTuple):
    call: object
    deadline: float | None
    future: Future

    def over(self):
        """Tell whether nobody waits for the answer any more."""
        return self.future.cancelled() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def do(self):
        if not self.future.set_running_or_notify_cancel():
            return
        if self.over():
            self.future.set_exception(late())
            return
        try:
            self.future.set_result(self.call())
        except BaseException as error:
            self.future.set_exception(error)


def late():
    """Make the error of a request whose time is over."""
    return ServingError("DEADLINE_EXCEEDED", "Deadline exceeded before the request was served")


class WorkerPool:
    """Do work in a few threads, and refuse more than a queue's length of it.

    Args:
        threads: how much work is done at once.
        queue_size: how much may wait besides.
    """

    def __init__(self, *, threads, queue_size):
        self._queue_size = queue_size
        self._queue = deque()
        self._idle = threads
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._loop, name=f"worker-{i}", daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, work, deadline=None):
        """Queue a function without arguments.

        Args:
            work: the function.
            deadline: value of `time.monotonic()` after which it does not start.

        Returns:
            `concurrent.futures.Future`; one cancelled in time does not start either.

        Raises:
            ServingError: RESOURCE_EXHAUSTED if the queue is full, UNAVAILABLE after `close`.
        """
        item = _Work(work, deadline, Future())
        with self._changed:
            if self._closed:
                raise ServingError("UNAVAILABLE", "The server is shutting down")
            if len(self._queue) >= self._queue_size + self._idle:
                self._drop_late()
            if len(self._queue) >= self._queue_size + self._idle:
                raise ServingError(
                    "RESOURCE_EXHAUSTED",
                    f"The request queue is full: {self._queue_size} requests wait. Try again later.",
                )
            self._queue.append(item)
            self._changed.notify()
        return item.future

    def close(self):
        """Finish what is queued, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _drop_late(self):
        """Take out what nobody waits for, so that it keeps no place."""
        late_ones = [item for item in self._queue if item.over()]
        self._queue = deque(item for item in self._queue if not item.over())
        for item in late_ones:
            item.do()  # which ends it without starting it

    def _loop(self):
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if not self._queue:
                    return
                item = self._queue.popleft()
                self._idle -= 1
            try:
                item.do()
            finally:
                del item  # the request's tensors go before the wait for the next
                with self._changed:
                    self._idle += 1
