"""Requests that come together run together, and each gets what it would have got alone."""

import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from serving.errors import ServingError
from serving.server.models.batching import Batcher
from serving.server.models.servable import load
from serving.server.models.service import Service
from serving.server.models.worker_pool import WorkerPool
from serving.server.settings import Batching

LONG = 20  # seconds
SOON = 10_000_000  # microseconds; batches run when full, or when the batcher closes


class Doubler:
    """A servable that doubles `x`, and notes what it was asked at once."""

    name = "m"

    def __init__(self, folder=Path("none"), batchable=True):
        self.folder = folder
        self.batchable = batchable
        self.calls = []
        self.started, self.go = threading.Event(), threading.Event()
        self.go.set()

    def check(self, signature, inputs, outputs):
        if signature == "wrong":
            raise ServingError("INVALID_ARGUMENT", "wrong")

    def is_batchable(self, signature):
        return self.batchable

    def run(self, signature, inputs, outputs, seconds=None):
        self.calls.append({name: array.copy() for name, array in inputs.items()})
        self.started.set()
        assert self.go.wait(LONG)
        x = inputs["x"]
        if signature == "fails":
            raise ServingError("INTERNAL", "no")
        return {"y": {"scalar": np.float32(1).reshape(()), "short": x[1:]}.get(signature, x * 2)}


@pytest.fixture
def batcher():
    """Make batchers, closed at the end."""
    made = []

    def make(parameters, **options):
        pool = WorkerPool(threads=1, queue_size=8)
        made.append((Batcher(pool, parameters, **options), pool))
        return made[-1][0]

    yield make
    for batcher, pool in made:
        batcher.close()
        pool.close()


def rows(*values):
    return {"x": np.array(values, "float32")}


def answers(futures):
    return [future.result(LONG)["y"].tolist() for future in futures]


def error_of(call, *arguments, **options):
    with pytest.raises(ServingError) as caught:
        call(*arguments, **options)
    return caught.value.code, caught.value.message


def test_a_full_batch_runs_as_one_and_is_divided(batcher):
    model = Doubler()
    batcher = batcher(Batching(4, SOON, num_batch_threads=1))
    futures = [batcher.submit(model, "s", rows(*values)) for values in ([1], [2, 3], [4])]
    assert answers(futures) == [[2], [4, 6], [8]]
    (call,) = model.calls
    assert call["x"].tolist() == [1, 2, 3, 4]


def test_a_batch_runs_when_it_has_waited_long_enough(batcher):
    model = Doubler()
    batcher = batcher(Batching(100, 30_000, num_batch_threads=1))
    start = time.monotonic()
    futures = [batcher.submit(model, "s", rows(value)) for value in (1, 2)]
    assert answers(futures) == [[2], [4]]
    assert 0.03 <= time.monotonic() - start < LONG
    assert len(model.calls) == 1


def test_what_comes_while_all_threads_work_is_merged(batcher):
    model = Doubler()
    model.go.clear()
    batcher = batcher(Batching(8, 0, num_batch_threads=1))
    futures = [batcher.submit(model, "s", rows(1))]
    assert model.started.wait(LONG)
    futures += [batcher.submit(model, "s", rows(value)) for value in (2, 3, 4)]
    model.go.set()
    assert answers(futures) == [[2], [4], [6], [8]]
    assert [len(call["x"]) for call in model.calls] == [1, 3]


def test_allowed_sizes_pad_with_rows_that_nobody_gets(batcher):
    model = Doubler()
    batcher = batcher(Batching(8, 20_000, num_batch_threads=1, allowed_batch_sizes=(2, 4, 8)))
    futures = [batcher.submit(model, "s", rows(*values)) for values in ([1, 2], [5])]
    assert answers(futures) == [[2, 4], [10]]
    assert model.calls[0]["x"].tolist() == [1, 2, 5, 5]


def test_only_what_is_alike_is_merged(batcher):
    model, other = Doubler(), Doubler()
    batcher = batcher(Batching(2, SOON, num_batch_threads=1))
    requests = [
        (model, "s", {"x": np.zeros((1, 2, 3), "uint8")}),
        (model, "s", {"x": np.zeros((1, 2, 4), "uint8")}),
        (model, "s", {"x": np.zeros((1, 2, 3), "float32")}),
        (model, "t", {"x": np.zeros((1, 2, 3), "uint8")}),
        (other, "s", {"x": np.zeros((1, 2, 3), "uint8")}),
    ]
    futures = [batcher.submit(*request) for request in requests]
    outputs = batcher.submit(*requests[0], outputs=["y"])
    assert not any(future.done() for future in [*futures, outputs])
    futures += [batcher.submit(*request) for request in requests]
    for future in futures:
        future.result(LONG)
    assert not outputs.done()
    assert [len(call["x"]) for call in model.calls + other.calls] == [2] * 5


def test_a_request_alone_is_refused_alone(batcher):
    model = Doubler()
    batcher = batcher(Batching(4, SOON, num_batch_threads=1))
    assert error_of(batcher.submit, model, "wrong", rows(1)) == ("INVALID_ARGUMENT", "wrong")
    assert error_of(batcher.submit, model, "s", rows(1, 2, 3, 4, 5)) == (
        "INVALID_ARGUMENT",
        "Task size 5 is larger than maximum input batch size 4",
    )
    assert error_of(batcher.submit, model, "s", {"x": np.zeros(2), "z": np.zeros(3)}) == (
        "INVALID_ARGUMENT",
        "Batching Run() input tensors must have equal 0th-dimension size",
    )
    assert model.calls == []


def test_a_full_queue_is_unavailable(batcher):
    model = Doubler()
    model.go.clear()
    batcher = batcher(Batching(2, 0, max_enqueued_batches=2, num_batch_threads=1))
    futures = [batcher.submit(model, "s", rows(0))]
    assert model.started.wait(LONG)  # what runs is not queued any more
    futures += [batcher.submit(model, "s", rows(value)) for value in (1, 2, 3, 4)]
    assert error_of(batcher.submit, model, "s", rows(5)) == (
        "UNAVAILABLE",
        "The batch scheduling queue to which this task was submitted is full; currently 2 batches enqueued and "
        "max_enqueued_batches is 2",
    )
    futures.append(batcher.submit(model, "t", rows(6)))  # every signature has a queue of its own
    model.go.set()
    assert answers(futures) == [[0], [2], [4], [6], [8], [12]]


@pytest.mark.parametrize(
    ("signature", "code", "message"),
    [
        ("fails", "INTERNAL", "no"),
        ("scalar", "FAILED_PRECONDITION", "Batched output tensor has 0 dimensions"),
        (
            "short",
            "FAILED_PRECONDITION",
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
            "tensors",
        ),
    ],
)
def test_an_error_of_the_batch_is_everyones(batcher, signature, code, message):
    batcher = batcher(Batching(2, SOON, num_batch_threads=1))
    model = Doubler()
    futures = [batcher.submit(model, signature, rows(value)) for value in (1, 2)]
    assert [error_of(future.result, LONG) for future in futures] == [(code, message)] * 2


def test_who_gave_up_is_left_out(batcher):
    model = Doubler()
    batcher = batcher(Batching(3, SOON, num_batch_threads=1))
    late = batcher.submit(model, "s", rows(1), time.monotonic())
    assert batcher.submit(model, "s", rows(2)).cancel()
    last = batcher.submit(model, "s", rows(3), time.monotonic() + LONG)
    assert answers([last]) == [[6]]
    assert error_of(late.result, LONG)[0] == "DEADLINE_EXCEEDED"
    assert model.calls[0]["x"].tolist() == [3]


def test_what_has_no_batch_dimension_or_no_rows_runs_by_itself(batcher):
    batcher = batcher(Batching(8, SOON, num_batch_threads=1))
    single, empty = Doubler(batchable=False), Doubler()
    assert answers([batcher.submit(single, "s", rows(1)), batcher.submit(empty, "s", rows())]) == [[2], []]


def test_close_runs_what_waits():
    model, pool = Doubler(), WorkerPool(threads=1, queue_size=1)
    batcher = Batcher(pool, Batching(8, SOON, num_batch_threads=2))
    future = batcher.submit(model, "s", rows(1))
    batcher.close()
    assert future.result(0)["y"].tolist() == [2]
    assert error_of(batcher.submit, model, "s", rows(1)) == ("UNAVAILABLE", "The server is shutting down")
    pool.close()


def test_parameters_of_a_version(batcher, tmp_path):
    batcher = batcher(Batching(8, SOON, num_batch_threads=1), per_model=True)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "batching_params.pbtxt").write_text("max_batch_size { value: 2 } allowed_batch_sizes: 2")
    own, none = Doubler(tmp_path / "1"), Doubler(tmp_path / "2")
    assert error_of(batcher.submit, own, "s", rows(1, 2, 3))[1].endswith("larger than maximum input batch size 2")
    assert answers([batcher.submit(own, "s", rows(1))]) == [[2]]
    assert len(own.calls[0]["x"]) == 2
    assert answers([batcher.submit(none, "s", rows(*range(9)))]) == [[2 * value for value in range(9)]]
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "batching_params.pbtxt").write_text("max_batch: 2")
    code, message = error_of(batcher.submit, Doubler(tmp_path / "3"), "s", rows(1))
    assert code == "INVALID_ARGUMENT"
    assert "batching_params.pbtxt:1: " in message


class Net(tf.Module):
    """A convolution, whose rows must not touch each other, and a signature without a batch."""

    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "image")])
    def label(self, image):
        scores = tf.nn.conv2d(tf.cast(image, tf.float32), self.kernel, 1, "SAME")
        return {"label": tf.cast(tf.argmax(scores, -1), tf.uint8), "mean": tf.reduce_mean(scores, [1, 2, 3])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def total(self, x):
        return {"sum": tf.reduce_sum(x)}


def test_merged_answers_of_a_real_model_are_the_lone_ones(tmp_path):
    net = Net()
    tf.saved_model.save(net, str(tmp_path), signatures={"label": net.label, "total": net.total})
    servable = load("m", 1, tmp_path)
    assert (servable.is_batchable("label"), servable.is_batchable("total")) == (True, False)
    generator = np.random.default_rng(1)
    images = [
        generator.integers(0, 256, (generator.integers(1, 3), 7 + i % 2, 9, 3), dtype=np.uint8) for i in range(24)
    ]
    pool = WorkerPool(threads=1, queue_size=100)
    batcher = Batcher(pool, Batching(4, 2000, 100, 2, allowed_batch_sizes=(1, 2, 4)))
    calls = []
    run = servable.run
    servable.run = lambda *request: calls.append(request) or run(*request)
    futures = [batcher.submit(servable, "label", {"image": image}) for image in images]
    got = [future.result(LONG) for future in futures]
    assert len(calls) < len(images)
    for image, answer in zip(images, got, strict=True):
        expected = net.label(tf.constant(image))
        np.testing.assert_array_equal(answer["label"], expected["label"].numpy())
        np.testing.assert_allclose(answer["mean"], expected["mean"].numpy(), rtol=1e-5)
    total = batcher.submit(servable, "total", {"x": np.ones(9, "float32")})
    assert total.result(LONG)["sum"] == 9
    batcher.close()
    pool.close()
    servable.close()


def test_the_service_batches(batcher):
    model = Doubler()
    service = Service(None, None, batcher=batcher(Batching(3, SOON, num_batch_threads=1)), metrics=None)

    async def thrice():
        requests = [service.predict(model, "s", rows(value), seconds=LONG, outputs=["y"]) for value in (1, 2, 3)]
        return [answer["y"].tolist() for answer in await asyncio.gather(*requests)]

    assert asyncio.run(thrice()) == [[2], [4], [6]]
    assert len(model.calls) == 1
