"""Merge concurrent requests along dimension 0, as TF Serving's `--enable_batching` does.

Requests for one signature of one loaded version run as one, and each gets its rows back; an error of the batch goes to
each of them. Settings, limits and messages are TF Serving's, with one difference: images of unequal height or width,
which it refuses to merge (FAILED_PRECONDITION for all that came together), are merged with those of their own size.
A signature whose inputs and outputs do not all begin with an open dimension is not batched.
"""

import itertools
import threading
import time
import weakref
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from ...errors import ServingError
from ..settings import read_batching
from .worker_pool import late

PARAMETERS_FILE = "batching_params.pbtxt"  # in a version's folder


class _Task(NamedTuple):
    """One request that waits to be merged."""

    inputs: dict
    rows: int
    deadline: float | None
    future: Future

    def start(self):
        """Tell whether somebody still waits for the answer."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.future.set_exception(late())
            return False
        return True


class _Batch:
    """Requests that run as one."""

    def __init__(self, key, parameters, run):
        self._run = run
        self.key = key  # the servable, signature, outputs and shapes that its requests have in common
        self.parameters = parameters
        self.tasks = []
        self.rows = 0
        self.due = time.monotonic() + parameters.batch_timeout_micros / 1e6

    def add(self, task):
        """Take a request in, if there is room; run without delay if there is none left."""
        fits = self.rows + task.rows <= self.parameters.max_batch_size
        if fits:
            self.tasks.append(task)
            self.rows += task.rows
        if not fits or self.rows == self.parameters.max_batch_size:
            self.due = 0.0
        return fits

    def run(self):
        tasks = [task for task in self.tasks if task.start()]
        if not tasks:
            return
        try:
            servable, signature, outputs, _ = self.key
            answers = self._split(self._run(servable, signature, self._merge(tasks), outputs), tasks)
        except BaseException as error:
            for task in tasks:
                task.future.set_exception(error)
            return
        for task, answer in zip(tasks, answers, strict=True):
            task.future.set_result(answer)

    def _padding(self, tasks):
        rows = sum(task.rows for task in tasks)
        return min((size for size in self.parameters.allowed_batch_sizes if size >= rows), default=rows) - rows

    def _merge(self, tasks):
        padding = self._padding(tasks)
        merged = {}
        for name in tasks[0].inputs:
            arrays = [task.inputs[name] for task in tasks]
            arrays += [arrays[-1][:1]] * padding  # a row that the model can surely take
            merged[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return merged

    def _split(self, answer, tasks):
        rows = sum(task.rows for task in tasks) + self._padding(tasks)
        for array in answer.values():
            if array.ndim == 0:
                raise ServingError("FAILED_PRECONDITION", "Batched output tensor has 0 dimensions")
            if len(array) != rows:
                raise ServingError(
                    "FAILED_PRECONDITION",
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
                    "input tensors",
                )
        ends = list(itertools.accumulate(task.rows for task in tasks))
        return [
            {name: array[end - task.rows : end] for name, array in answer.items()}
            for task, end in zip(tasks, ends, strict=True)
        ]


class Batcher:
    """Merge the requests that come at about the same time.

    Args:
        pool: `WorkerPool`, for what cannot be merged.
        parameters: `Batching`.
        per_model: take the parameters of each version from its `batching_params.pbtxt`, and merge nothing where there
            is none, as TF Serving does; the number of threads stays that of `parameters`.
        run: `(servable, signature, inputs, outputs)`, to call TensorFlow.
    """

    def __init__(self, pool, parameters, *, per_model=False, run=None):
        self._run = run or _run
        self._pool = pool
        self._parameters = parameters
        self._per_model = per_model
        self._files = weakref.WeakKeyDictionary()  # {servable: Batching or None} of `batching_params.pbtxt`
        self._batches = []  # that wait, the oldest first
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._loop, name=f"batch-{i}", daemon=True)
            for i in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, servable, signature, inputs, deadline=None, *, outputs=()):
        """Queue a request.

        Args:
            servable: `Servable`.
            signature: name of the signature.
            inputs: `{name: array}`.
            deadline: value of `time.monotonic()` after which it does not start.
            outputs: names of the outputs to answer; none means all.

        Returns:
            `concurrent.futures.Future` of `{name: array}`.

        Raises:
            ServingError: on what is wrong with the request alone; UNAVAILABLE if the queue is full or closed.
        """
        servable.check(signature, inputs, outputs)
        outputs = tuple(outputs)
        parameters = self._parameters_of(servable)
        arrays = {name: np.asarray(value) for name, value in inputs.items()}
        rows = _rows(arrays) if parameters and servable.is_batchable(signature) else 0
        if not rows:
            return self._pool.submit(lambda: self._run(servable, signature, inputs, outputs), deadline)
        if rows > parameters.max_batch_size:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Task size {rows} is larger than maximum input batch size {parameters.max_batch_size}",
            )
        task = _Task(arrays, rows, deadline, Future())
        shapes = tuple((name, array.dtype.str, array.shape[1:]) for name, array in sorted(arrays.items()))
        with self._changed:
            if self._closed:
                raise ServingError("UNAVAILABLE", "The server is shutting down")
            self._enqueue(task, (servable, signature, outputs, shapes), parameters)
            self._changed.notify()
        return task.future

    def _enqueue(self, task, key, parameters):
        batches = [batch for batch in self._batches if batch.key[:3] == key[:3]]
        if any(batch.add(task) for batch in batches if batch.key == key):
            return
        if len(batches) >= parameters.max_enqueued_batches:
            raise ServingError(
                "UNAVAILABLE",
                f"The batch scheduling queue to which this task was submitted is full; currently {len(batches)} "
                f"batches enqueued and max_enqueued_batches is {parameters.max_enqueued_batches}",
            )
        self._batches.append(_Batch(key, parameters, self._run))
        self._batches[-1].add(task)

    def close(self):
        """Finish what is queued, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _parameters_of(self, servable):
        if not self._per_model:
            return self._parameters
        if servable not in self._files:
            path = servable.folder / PARAMETERS_FILE
            try:
                self._files[servable] = read_batching(path) if path.is_file() else None
            except (ValueError, OSError) as error:
                raise ServingError("INVALID_ARGUMENT", str(error)) from None
        return self._files[servable]

    def _loop(self):
        while True:
            with self._changed:
                batch = self._take()
            if batch is None:
                return
            batch.run()
            del batch  # its tensors go before the wait for the next

    def _take(self):
        """Wait for the first batch that is full or old enough; None when closed and empty."""
        while self._batches or not self._closed:
            batch = min(self._batches, key=lambda batch: batch.due, default=None)
            wait = batch.due - time.monotonic() if batch else None
            if batch and (wait <= 0 or self._closed):
                self._batches.remove(batch)
                return batch
            self._changed.wait(wait)
        return None


def _run(servable, signature, inputs, outputs):
    return servable.run(signature, inputs, outputs)


def _rows(arrays):
    """Count the rows of one request."""
    sizes = {len(array) for array in arrays.values()}
    if len(sizes) > 1:
        raise ServingError("INVALID_ARGUMENT", "Batching Run() input tensors must have equal 0th-dimension size")
    return max(sizes, default=0)
