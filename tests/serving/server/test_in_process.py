"""A server within this process: both ports, its limits and its end."""

import contextlib
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import in_process, running
from serving.server.models.servable import Servable
from serving.server.settings import Batching, Monitoring
from tests.serving.server.asking import ask_grpc, ask_rest, refused, rest, wait_until


def test_a_block_serves_both_ways_with_page_and_metrics(line):
    with running({"line": line}, monitoring=Monitoring(True, "/metrics")) as addresses:
        assert ask_rest(addresses) == 6.0
        assert ask_grpc(addresses) == 6.0
        assert '"state": "AVAILABLE"' in rest(addresses.rest, "/v1/models/line")[1]
        assert "<html" in rest(addresses.rest, "/")[1]
        metrics = rest(addresses.rest, "/metrics")[1]
    assert ':tensorflow:serving:request_count{model_name="line",status="OK"} 2.0' in metrics
    for entrypoint in ("REST", "GRPC"):
        assert f'request_latency_count{{API="Predict",entrypoint="{entrypoint}",model_name="line"}} 1.0' in metrics
    for address in (addresses.grpc, addresses.rest.removeprefix("http://")):
        host, port = address.split(":")
        assert refused((host, int(port)))


def test_metrics_are_off_unless_asked_for(line):
    with running({"line": line}) as addresses:
        assert rest(addresses.rest, "/monitoring/prometheus/metrics")[0] == 404


def test_objects_stay_frozen_until_the_last_server_ends(monkeypatch):
    calls = []
    monkeypatch.setattr(in_process, "FREEZING", [])
    monkeypatch.setattr(in_process.gc, "freeze", lambda: calls.append("freeze"))
    monkeypatch.setattr(in_process.gc, "unfreeze", lambda: calls.append("unfreeze"))
    with in_process.frozen_objects():
        with pytest.raises(ValueError, match="no model"), in_process.frozen_objects():
            raise ValueError("no model")
        assert calls == ["freeze"] * 2
    assert calls == ["freeze"] * 2 + ["unfreeze"]


def test_requests_are_merged_where_batching_is_on(line, monkeypatch):
    rows, run = [], Servable.run

    def spy(self, signature, inputs, outputs=()):
        rows.append(len(inputs["x"]))
        return run(self, signature, inputs, outputs)

    monkeypatch.setattr(Servable, "run", spy)
    batching = Batching(max_batch_size=4, batch_timeout_micros=5_000_000, num_batch_threads=1)
    with running({"line": line}, batching=batching) as addresses:
        answers = in_threads([lambda x=x: ask_grpc(addresses, x) for x in range(4)])
    assert answers == [0.0, 2.0, 4.0, 6.0]
    assert rows == [4]


def in_threads(calls):
    """Call all at once; return the answers."""
    answers = [None] * len(calls)

    def put(position, call):
        answers[position] = call()

    threads = [threading.Thread(target=put, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.fixture
def slow(monkeypatch):
    """Let TensorFlow's part of a request wait for an event."""
    started, go, run = threading.Semaphore(0), threading.Event(), Servable.run

    def wait(self, *arguments):
        started.release()
        assert go.wait(30)
        return run(self, *arguments)

    monkeypatch.setattr(Servable, "run", wait)
    yield started, go
    go.set()


def test_running_requests_are_finished_in_the_end(line, slow):
    started, go = slow
    answers = []
    with running({"line": line}) as addresses:
        port = int(addresses.rest.rpartition(":")[2])
        asking = [
            threading.Thread(target=lambda ask=ask: answers.append(ask(addresses))) for ask in (ask_rest, ask_grpc)
        ]
        for thread in asking:
            thread.start()
        assert started.acquire(timeout=30)
        assert started.acquire(timeout=30)

        def release():
            wait_until(lambda: refused(("127.0.0.1", port)))  # it stops already
            go.set()

        releasing = threading.Thread(target=release)
        releasing.start()
    for thread in (*asking, releasing):
        thread.join(30)
    assert answers == [6.0, 6.0]


def test_the_grace_period_bounds_the_end(line, slow):
    started, go = slow
    errors = []

    def ask(addresses):
        with contextlib.suppress(OSError):  # the connection is closed
            errors.append(rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0]})[0])

    with contextlib.ExitStack() as stack:
        addresses = stack.enter_context(running({"line": line}, grace_period_seconds=0.2))
        asking = threading.Thread(target=ask, args=[addresses])
        asking.start()
        assert started.acquire(timeout=30)
        closing = threading.Thread(target=stack.pop_all().close)
        closing.start()
        asking.join(30)  # sent away, while TensorFlow still works
        assert not asking.is_alive()
        assert 200 not in errors
        go.set()
        closing.join(30)
        assert not closing.is_alive()


def test_limits_hold_for_both_ports(line, slow):
    _, go = slow
    options = {"threads": 1, "max_queued_requests": 1, "max_request_bytes": 10_000, "rest_api_timeout_in_ms": 20_000}
    with running({"line": line}, **options) as addresses:
        answers = []

        def ask():
            answers.append(rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0]}))

        asking = [threading.Thread(target=ask) for _ in range(6)]
        for thread in asking:
            thread.start()
        wait_until(lambda: len(answers) == 4)  # one runs, one waits
        assert all(status == 429 and "queue is full" in text for status, text in answers)
        with pytest.raises(grpc.RpcError) as caught:
            ask_grpc(addresses)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        go.set()
        for thread in asking:
            thread.join(30)
        assert [status for status, _ in answers[4:]] == [200, 200]
        assert rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0] * 5000})[0] == 413
        request = predict_pb2.PredictRequest(inputs={"x": tf.make_tensor_proto(np.zeros(5000, "float32"))})
        with grpc.insecure_channel(addresses.grpc) as channel, pytest.raises(grpc.RpcError, match="larger than max"):
            prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)


def test_an_empty_folder_waits_for_its_first_version(tmp_path, line):
    with running({"line": tmp_path}, file_system_poll_wait_seconds=0.05) as addresses:
        assert rest(addresses.rest, "/v1/models/line")[0] == 404
        (tmp_path / "1").symlink_to(line / "1")
        wait_until(lambda: "AVAILABLE" in rest(addresses.rest, "/v1/models/line")[1])
        assert ask_grpc(addresses) == 6.0
