import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import settings as config
from serving.server.command import main, running
from serving.server.models.servable import Servable

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Put a version of y = slope * x into a folder, where it appears when it is whole."""
    written = {}

    def put(folder, version, slope):
        if slope not in written:
            module = tf.Module()
            module.slope = tf.Variable(slope)
            function = tf.function(lambda x: {"y": module.slope * x}, [tf.TensorSpec([None], tf.float32, "x")])
            written[slope] = tmp_path_factory.mktemp("model")
            tf.saved_model.save(module, str(written[slope]), function.get_concrete_function())
        shutil.copytree(written[slope], folder / ".copy")
        os.rename(folder / ".copy", folder / str(version))

    return put


@pytest.fixture
def folder(tmp_path, model):
    folder = tmp_path / "line"
    folder.mkdir()
    model(folder, 1, 2.0)
    return folder


def rest(address, path, body=None):
    request = urllib.request.Request(address + path, json.dumps(body).encode() if body else None)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask_rest(addresses, x=3.0, name="line"):
    status, text = rest(addresses.rest, f"/v1/models/{name}:predict", {"instances": [x]})
    assert status == 200, text
    return json.loads(text)["predictions"][0]


def ask_grpc(addresses, x=3.0, name="line"):
    request = predict_pb2.PredictRequest(inputs={"x": tf.make_tensor_proto([float(x)])})
    request.model_spec.name = name
    with grpc.insecure_channel(addresses.grpc) as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
    return answer.outputs["y"].float_val[0]


def wait_until(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refused(address):
    with contextlib.closing(socket.socket()) as client:
        return client.connect_ex(address) != 0


def test_a_block_serves_both_ways_with_page_and_metrics(folder):
    with running({"line": folder}, monitoring=config.Monitoring(True, "/metrics")) as addresses:
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


def test_metrics_are_off_unless_asked_for(folder):
    with running({"line": folder}) as addresses:
        assert rest(addresses.rest, "/monitoring/prometheus/metrics")[0] == 404


def test_requests_are_merged_where_batching_is_on(folder, monkeypatch):
    rows, run = [], Servable.run

    def spy(self, signature, inputs, outputs=()):
        rows.append(len(inputs["x"]))
        return run(self, signature, inputs, outputs)

    monkeypatch.setattr(Servable, "run", spy)
    batching = config.Batching(max_batch_size=4, batch_timeout_micros=5_000_000, num_batch_threads=1)
    with running({"line": folder}, batching=batching) as addresses:
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


def test_running_requests_are_finished_in_the_end(folder, slow):
    started, go = slow
    answers = []
    with running({"line": folder}) as addresses:
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


def test_the_grace_period_bounds_the_end(folder, slow):
    started, go = slow
    errors = []

    def ask(addresses):
        with contextlib.suppress(OSError):  # the connection is closed
            errors.append(rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0]})[0])

    with contextlib.ExitStack() as stack:
        addresses = stack.enter_context(running({"line": folder}, grace_period_seconds=0.2))
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


def test_limits_reach_both_doors(folder, slow):
    _, go = slow
    options = {"threads": 1, "max_queued_requests": 1, "max_request_bytes": 10_000, "rest_api_timeout_in_ms": 20_000}
    with running({"line": folder}, **options) as addresses:
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


class Lines:
    """A stdout that wakes who waits for a line."""

    def __init__(self):
        self.text, self.changed = "", threading.Condition()

    def write(self, text):
        with self.changed:
            self.text += text
            self.changed.notify_all()

    def flush(self):
        pass

    def addresses(self):
        from serving.server.ports import Addresses

        with self.changed:
            assert self.changed.wait_for(lambda: self.text.count("\n") == 2, 60)
            first, second = self.text.splitlines()
        assert first.startswith("Running gRPC ModelServer at 127.0.0.1:")
        assert second.startswith("Exporting HTTP/REST API at:127.0.0.1:")
        return Addresses(first.split()[-2], "http://" + second.split(":", 1)[1].removesuffix(" ..."))


def test_the_command_follows_its_config_and_ends_on_sigint(folder, tmp_path, monkeypatch, caplog):
    def write(name, base_path=folder):
        text = (
            f'model_config_list {{ config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" }} }}'
        )
        (tmp_path / "new").write_text(text)
        os.rename(tmp_path / "new", tmp_path / "models.config")

    write("line")
    (tmp_path / "monitoring.config").write_text("prometheus_config { enable: true }")
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }")
    lines, seen = Lines(), []
    monkeypatch.setattr(sys, "stdout", lines)

    def visit():
        try:
            addresses = lines.addresses()
            seen.append(ask_rest(addresses))
            write("renamed")
            wait_until(lambda: "AVAILABLE" in rest(addresses.rest, "/v1/models/renamed")[1])
            seen.append(ask_grpc(addresses, name="renamed"))
            seen.append(rest(addresses.rest, "/v1/models/line:predict", {"instances": [1.0]})[0])
            seen.append(rest(addresses.rest, "/monitoring/prometheus/metrics")[0])
            (tmp_path / "models.config").write_text("model_config")
            wait_until(lambda: "models.config is not followed" in caplog.text)
            seen.append(ask_rest(addresses, name="renamed"))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    files = [f"--{kind}_config_file={tmp_path / kind}.config" for kind in ("model", "monitoring")]
    files[0] = f"--model_config_file={tmp_path / 'models.config'}"
    batching = ["--enable_batching", "--batching_parameters_file", str(tmp_path / "batching.config")]
    poll = ["--model_config_file_poll_wait_seconds=0.05", "--file_system_poll_wait_seconds", "0.05"]
    assert main(["--port=0", "--rest_api_port", "0", *files, *batching, *poll]) == 0
    visitor.join()
    assert seen == [6.0, 6.0, 404, 200, 6.0]


def test_versions_change_under_load_and_sigterm_ends_a_real_process(folder, model):
    command = [sys.executable, "-m", "serving.server", "--port=0", "--rest_api_port=0", "--model_name=line"]
    command += [f"--model_base_path={folder}", "--file_system_poll_wait_seconds=0.1"]
    model(folder, "next", 5.0)
    lines, done, answers = Lines(), threading.Event(), []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines.write(process.stdout.readline() + process.stdout.readline())
            addresses = lines.addresses()

            def load(ask):
                mine = []
                answers.append(mine)
                while not done.is_set():
                    mine.append(ask(addresses))
                    done.wait(0.005)  # or the tests beside this one wait

            threads = [threading.Thread(target=load, args=[ask]) for ask in (ask_rest, ask_grpc) * 2]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(answers) == 4 and all(6.0 in mine for mine in answers))
            os.rename(folder / "next", folder / "2")
            wait_until(lambda: all(mine[-1] == 15.0 for mine in answers))
            done.set()
            for thread in threads:
                thread.join(30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            errors = process.stderr.read()
        finally:
            done.set()
            process.kill()
    assert all(mine == sorted(mine) and set(mine) == {6.0, 15.0} for mine in answers)  # none failed, none went back
    assert all(line.startswith("fcn-serve: ") for line in errors.splitlines()), errors
    assert "Unloaded line version 1" in errors


def test_the_command_says_what_is_wrong_in_one_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.config").write_text("model_config_list {\n  config { nam: 1 }\n}")
    (tmp_path / "batching.config").write_text("max_batch_size { value: 0 }")
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    base = ["--model_base_path", "line", "--port=0", "--rest_api_port=0"]
    batching = "--batching_parameters_file=batching.config"
    with contextlib.closing(taken):
        for arguments, message in [
            ([], "Say what to serve: --model_base_path DIR, or --model_config_file FILE."),
            ([*base, "--model_base_path=none"], "none is not a folder. It holds a model's versions"),
            ([*base, "--model_base_path=line/1"], "line/1 is one version of a model. Give the folder around it"),
            ([*base, f"--port={port}"], f"127.0.0.1:{port} cannot be listened on: Address already in use"),
            ([*base, "--rest_api_port", str(port)], f"127.0.0.1:{port} cannot be listened on: Address already in use"),
            ([*base, "--host=198.51.100.1"], "198.51.100.1:0 cannot be listened on"),
            ([*base, "--model_config_file=broken.config"], "broken.config:2: "),
            ([*base, "--model_config_file=none.config"], "none.config: No such file"),
            ([*base, "--monitoring_config_file=broken.config"], "broken.config:1: "),
            ([*base, "--batching", batching], "batching.config: max_batch_size is a whole number from 1 up"),
            ([*base, "--enable_batching=true", batching], "max_batch_size is a whole number"),
            ([*base, "--batching=false", batching], "--batching_parameters_file is set without --batching."),
            ([*base, batching], "--batching_parameters_file is set without --batching."),
            ([*base, "--enable_per_model_batching_parameters"], "parameters is set without --batching."),
        ]:
            assert main(arguments) == 2, arguments
            output = capsys.readouterr()
            assert output.out == ""
            assert output.err.startswith("fcn-serve: ")
            assert output.err.count("\n") == 1, output.err
            assert message in output.err


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def test_one_port_for_both_is_refused(folder, capsys):
    port = free_port()
    assert main([f"--model_base_path={folder}", f"--port={port}", f"--rest_api_port={port}"]) == 2
    assert f"--port and --rest_api_port are two ports. Received: {port} for both." in capsys.readouterr().err


def test_versions_that_cannot_be_loaded_end_the_command(tmp_path, capsys):
    (tmp_path / "line" / "1").mkdir(parents=True)
    assert main([f"--model_base_path={tmp_path / 'line'}", "--port=0", "--rest_api_port=0", "--model_name=m"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("fcn-serve: No version could be loaded. m version 1: NOT_FOUND: Could not find SavedModel")


def test_an_empty_folder_waits_for_its_first_version(tmp_path, model):
    with running({"line": tmp_path}, file_system_poll_wait_seconds=0.05) as addresses:
        assert rest(addresses.rest, "/v1/models/line")[0] == 404
        model(tmp_path, 1, 2.0)
        wait_until(lambda: "AVAILABLE" in rest(addresses.rest, "/v1/models/line")[1])
        assert ask_grpc(addresses) == 6.0


@pytest.mark.parametrize(
    "package", ["grpc", "orjson", "prometheus_client", "starlette", "tensorflow_serving.apis", "uvicorn"]
)
def test_a_missing_package_is_named(tmp_path, package, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    assert main([f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0"]) == 2
    expected = f'fcn-serve: The server needs {package}. Install it with: pip install "fcn_keras[serve]"\n'
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--port=70000", "a port from 0 to 65535 is expected. Received: 70000"),
        ("--threads=0", "a whole number from 1 to 2147483647 is expected. Received: 0"),
        ("--max_queued_requests=x", "a whole number from 1 to 2147483647 is expected. Received: x"),
        ("--grace_period_seconds=-1", "a number of seconds from 0 up is expected. Received: -1"),
        ("--file_system_poll_wait_seconds=nan", "a number of seconds from 0 up is expected. Received: nan"),
        ("--batching=maybe", "true or false is expected. Received: maybe"),
        ("--rest_api", "unrecognized arguments: --rest_api"),
    ],
)
def test_wrong_options_are_named(option, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "For development, tests, notebooks and small installations" in text
    assert "Production traffic belongs on TensorFlow Serving" in text
