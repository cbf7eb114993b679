"""What REST and gRPC both call: answers, deadlines, limits, and the state of versions."""

import asyncio
import contextlib
import re
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from serving.errors import ServingError
from serving.server.metrics import Metrics
from serving.server.models.service import Service
from serving.server.models.worker_pool import WorkerPool

LONG = 20  # seconds; nothing here takes it


class Model:
    """A servable that doubles, and waits for an event first where it has one."""

    name = "m"

    def __init__(self, event=None):
        self.event = event
        self.asked = []

    def run(self, signature, inputs, outputs, seconds=None):
        self.asked.append((signature, outputs))
        if self.event:
            self.event.wait(LONG)
        return {"y": inputs["x"] * 2}


def runs(metrics):
    """Count the finished calls of TensorFlow."""
    line = re.search(rb'runtime_latency_count{.*model_name="m".*} (.+)', metrics.page())
    return float(line[1]) if line else 0


def test_the_service_answers_and_measures():
    pool, metrics, model = WorkerPool(threads=1, queue_size=1), Metrics(), Model()
    service = Service("models", pool, metrics=metrics)
    answer = asyncio.run(service.predict(model, "s", {"x": np.arange(3)}, seconds=LONG, outputs=["y"]))
    np.testing.assert_array_equal(answer["y"], [0, 2, 4])
    assert model.asked == [("s", ["y"])]
    assert service.models == "models"
    assert runs(metrics) == 1
    pool.close()


def test_the_service_keeps_deadlines_and_does_not_wait_for_what_runs():
    pool, metrics, done = WorkerPool(threads=1, queue_size=1), Metrics(), threading.Event()
    service, model = Service(None, pool, metrics=metrics), Model(done)

    async def twice():
        requests = [service.predict(model, "s", {"x": np.ones(1)}, seconds=seconds) for seconds in (0.05, 0.01)]
        return await asyncio.gather(*requests, return_exceptions=True)

    errors = asyncio.run(twice())
    assert [error.code for error in errors] == ["DEADLINE_EXCEEDED"] * 2
    assert runs(metrics) == 0  # one is still at it
    done.set()
    pool.close()
    assert len(model.asked) == 1  # the second never started


def test_the_service_passes_on_that_the_queue_is_full():
    pool, done = WorkerPool(threads=1, queue_size=0), threading.Event()
    service, model = Service(None, pool, metrics=Metrics()), Model(done)

    async def twice():
        first = asyncio.ensure_future(service.predict(model, "s", {"x": np.ones(1)}))
        await asyncio.sleep(0)
        with pytest.raises(ServingError) as caught:
            await service.predict(model, "s", {"x": np.ones(1)})
        done.set()
        await first
        return caught.value.code

    assert asyncio.run(twice()) == "RESOURCE_EXHAUSTED"
    pool.close()


def test_more_pixels_than_there_is_memory_for_are_refused():
    service = Service(None, None, metrics=None, max_pixels=100)
    with pytest.raises(ServingError, match="image has 108 pixels; more than 100 in a request are refused") as caught:
        asyncio.run(service.predict(Model(), "s", {"image": np.zeros((3, 4, 9, 3))}))
    assert caught.value.code == "INVALID_ARGUMENT"
    pool = WorkerPool(threads=1, queue_size=1)
    service = Service(None, pool, metrics=Metrics(), max_pixels=100)
    for image in (np.zeros((1, 10, 10, 21)), np.zeros((200, 3)), np.full((5, 5, 5, 5), b"file", object)):
        asyncio.run(service.predict(Model(), "s", {"x": np.zeros(1), "image": image}))
    pool.close()


def test_more_scores_than_there_is_memory_for_are_refused():
    tensor = SimpleNamespace(
        dtype=1, tensor_shape=SimpleNamespace(dim=[SimpleNamespace(size=x) for x in (-1,) * 3 + (21,)])
    )
    model, pool = Model(), WorkerPool(threads=1, queue_size=1)
    model.signature_defs = {"predict_scores": SimpleNamespace(outputs={"scores": tensor})}
    service = Service(None, pool, metrics=Metrics(), max_pixels=9_999, max_answer=8_400)
    given = {"x": np.zeros(1), "image": np.zeros((1, 10, 10, 3))}
    asyncio.run(service.predict(model, "predict_scores", given))
    with pytest.raises(ServingError, match="image has 110 pixels, for each of which predict_scores answers 84 bytes; "):
        asyncio.run(service.predict(model, "predict_scores", {"image": np.zeros((1, 11, 10, 3))}))
    asyncio.run(service.predict(model, "another", {**given, "image": np.zeros((1, 90, 90, 3))}))
    pool.close()


class OneVersion:
    """Served models of which one version is there, with a signature of each kind."""

    def status(self, name, version):
        return [SimpleNamespace(version=version or 7, state="END", code="NOT_FOUND", message=f"no {name}")]

    @contextlib.contextmanager
    def use(self, spec):
        methods = {"predict": "tensorflow/serving/predict", "classify": "tensorflow/serving/classify"}
        yield SimpleNamespace(
            signature_defs={name: SimpleNamespace(method_name=method) for name, method in methods.items()}
        )


def test_versions_are_described_as_tf_serving_does():
    service = Service(OneVersion(), None, metrics=None)
    [status] = service.status(SimpleNamespace(name="m", version=None)).model_version_status
    assert (status.version, status.state, status.status.error_code, status.status.error_message) == (7, 50, 5, "no m")


@pytest.mark.parametrize(
    ("signature", "method", "code", "message"),
    [
        ("none", "tensorflow/serving/classify", "INVALID_ARGUMENT", "No signature was found with the name: none"),
        (
            "predict",
            "tensorflow/serving/regress",
            "INVALID_ARGUMENT",
            "Expected regression signature method_name to be tensorflow/serving/regress. Was: "
            "tensorflow/serving/predict",
        ),
        (
            "classify",
            "tensorflow/serving/classify",
            "UNIMPLEMENTED",
            "This server answers Predict alone. Unsupported signature method_name: tensorflow/serving/classify",
        ),
        (
            "predict",
            "other",
            "UNIMPLEMENTED",
            "This server answers Predict alone. Unsupported signature method_name: other",
        ),
    ],
)
def test_methods_for_examples_are_refused(signature, method, code, message):
    with pytest.raises(ServingError) as caught:
        Service(OneVersion(), None, metrics=None).refuse(None, signature, method)
    assert (caught.value.code, caught.value.message) == (code, message)
