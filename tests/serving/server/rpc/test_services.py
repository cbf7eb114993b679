"""gRPC as TensorFlow Serving speaks it: real stubs, a real SavedModel, one table of requests and answers."""

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from serving.server.metrics import Metrics
from serving.server.models.manager import ModelManager
from serving.server.models.service import Service
from serving.server.models.worker_pool import WorkerPool
from serving.server.rpc import services as rpc
from serving.server.settings import models_of

REQUESTS = {
    "Predict": predict_pb2.PredictRequest,
    "Classify": classification_pb2.ClassificationRequest,
    "Regress": regression_pb2.RegressionRequest,
    "MultiInference": inference_pb2.MultiInferenceRequest,
    "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
    "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
}


@contextlib.contextmanager
def serving(service, **options):
    """Run the gRPC server in a thread; yields a channel."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    server, port = wait(rpc.start(service, "127.0.0.1:0", **options))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.max_receive_message_length", -1)]) as channel:
            yield channel
    finally:
        wait(server.stop(None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def configs(half):
    return models_of(
        text_format.Parse(
            f"""model_config_list {{
                config {{ name: "half" base_path: "{half}" model_platform: "tensorflow"
                          model_version_policy {{ specific {{ versions: [1, 2] }} }}
                          version_labels {{ key: "stable" value: 1 }} version_labels {{ key: "canary" value: 2 }} }} }}
            """,
            model_server_config_pb2.ModelServerConfig(),
        )
    )


@pytest.fixture(scope="module")
def service(half):
    models = ModelManager(configs(half), allow_labels_of_unavailable=True)
    pool = WorkerPool(threads=1, queue_size=8)
    models.start()
    yield Service(models, pool, metrics=Metrics())
    pool.close()
    models.close()


@pytest.fixture(scope="module")
def channel(service):
    with serving(service, max_message_bytes=2_000_000) as channel:
        yield channel


def call(channel, method, request, **options):
    prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    stub = prediction if hasattr(prediction, method) else model_service_pb2_grpc.ModelServiceStub(channel)
    return getattr(stub, method)(request, **{"timeout": 30, **options})


def spec(rest="", name="half"):
    return f'model_spec {{ name: "{name}" {rest} }} '


def tensor(name, values, dims="dim { size: 2 }", dtype="DT_FLOAT"):
    return f'inputs {{ key: "{name}" value {{ dtype: {dtype} tensor_shape {{ {dims} }} {values} }} }} '


def x(values, dims="dim { size: 2 }", dtype="DT_FLOAT"):
    return spec() + tensor("x", values, dims, dtype)


def answer(version=2, signature="serving_default", **outputs):
    text = f'model_spec {{ name: "half" version {{ value: {version} }} signature_name: "{signature}" }}'
    for name, (dtype, size, values) in outputs.items():
        shape = f"tensor_shape {{ dim {{ size: {size} }} }}"
        text += f'outputs {{ key: "{name}" value {{ dtype: {dtype} {shape} {values} }} }}'
    return text


X, A, B = (tensor(name, f"float_val: {values}") for name, values in [("x", [2, 4]), ("a", [2, 4]), ("b", [1, 5])])
PAIR, FILES, CHECKED = (spec(f'signature_name: "{name}"') for name in ("pair", "files", "checked"))
FLOAT = "DT_FLOAT"
Y1, Y2 = (FLOAT, 2, "float_val: [3, 4]"), (FLOAT, 2, "float_val: [4, 5]")
SUM, DIFFERENCE = (FLOAT, 2, "float_val: [3, 9]"), (FLOAT, 2, "float_val: [1, -1]")
STRINGS = r'string_val: ["\xff\000a\000", ""]'
INVALID, MISSING, FAILED, UNIMPLEMENTED = "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED"
NO_SPEC, NO_NAME, PARSING = "Missing ModelSpec", "ModelSpec has no name specified", "tensor parsing error: x"
METHOD = "signature method_name to be tensorflow/serving/{}. Was: tensorflow/serving/predict"
LATEST = "Servable not found for request: Latest(other)"
AVAILABLE = "model_version_status {{ version: {} state: AVAILABLE status {{ }} }} "

# method, request, code, and what the message holds or, where the code is OK, the whole answer
TABLE = [
    # The model: name, version, label, signature
    ("Predict", spec() + X, "OK", answer(y=Y2)),
    ("Predict", spec("version { value: 1 }") + X, "OK", answer(1, y=Y1)),
    ("Predict", spec('version_label: "stable"') + X, "OK", answer(1, y=Y1)),
    ("Predict", spec('version_label: "canary"') + X, "OK", answer(y=Y2)),
    ("Predict", spec('signature_name: "serving_default"') + X, "OK", answer(y=Y2)),
    ("Predict", X, INVALID, NO_SPEC),
    ("Predict", "model_spec { }" + X, INVALID, NO_NAME),
    ("Predict", spec(name="other") + X, MISSING, LATEST),
    ("Predict", spec("version { value: 7 }") + X, MISSING, "Servable not found for request: Specific(half, 7)"),
    ("Predict", spec("version { value: -1 }") + X, MISSING, "Servable not found for request: Specific(half, -1)"),
    ("Predict", spec('version_label: "no"') + X, INVALID, "Unrecognized servable version label: no"),
    ("Predict", spec('signature_name: "no"') + X, FAILED, 'Serving signature key "no" not found.'),
    # The names of inputs and outputs
    ("Predict", PAIR + A + B, "OK", answer(signature="pair", sum=SUM, difference=DIFFERENCE)),
    ("Predict", PAIR + A + B + 'output_filter: "sum"', "OK", answer(signature="pair", sum=SUM)),
    ("Predict", PAIR + A + B + 'output_filter: "no"', INVALID, "alias not found in signature: no Outputs expected"),
    ("Predict", PAIR + A + B + 'output_filter: ["sum", "sum"]', INVALID, "duplicate output tensor alias: sum"),
    ("Predict", spec(), INVALID, "0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}."),
    ("Predict", PAIR + A, INVALID, "1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}."),
    ("Predict", spec() + X + A, INVALID, "2!=1 len({a,x}) != len({x}). Sent extra: {a}. Missing but required: {}."),
    ("Predict", PAIR + A + X, INVALID, "Signature input alias: b(feed name: pair_b:0) not found in request"),
    # Values and shapes
    ("Predict", x("float_val: 4"), "OK", answer(y=(FLOAT, 2, "float_val: [5, 5]"))),  # the last value is repeated
    ("Predict", x(""), "OK", answer(y=(FLOAT, 2, "float_val: [3, 3]"))),
    ("Predict", x("float_val: [nan, inf]"), "OK", answer(y=(FLOAT, 2, "float_val: [nan, inf]"))),
    ("Predict", x("", "dim { size: 0 }"), "OK", answer(y=(FLOAT, 0, ""))),
    ("Predict", x(r'tensor_content: "\0\0\0@\0\0\200@"'), "OK", answer(y=Y2)),
    ("Predict", x(r'tensor_content: "\0\0\0@\0\0"'), INVALID, PARSING),
    ("Predict", x("float_val: [1, 2, 3]"), INVALID, PARSING),
    ("Predict", x('string_val: ["1", "2"]'), INVALID, PARSING),
    ("Predict", PAIR + tensor("a", "float_val: 1", "") + B, INVALID, "a is expected to have shape [?] but shape []"),
    ("Predict", x("float_val: 1", "dim { size: -1 }"), INVALID, PARSING),
    ("Predict", x("float_val: 1", "dim { size: 9000000000000000000 }"), INVALID, PARSING),
    ("Predict", x("float_val: 1", "dim { size: 4294967296 }" * 3), INVALID, PARSING),
    ("Predict", x("", "dim { size: 0 } dim { size: 9000000000000000000 }"), INVALID, PARSING),
    ("Predict", x("float_val: 1", "dim { size: 1 }" * 300), INVALID, PARSING),
    ("Predict", x("float_val: 1", "unknown_rank: true"), INVALID, PARSING),
    # Types
    ("Predict", spec() + 'inputs { key: "x" value { } }', INVALID, PARSING),
    ("Predict", x("float_val: 1", dtype="99"), INVALID, PARSING),
    ("Predict", x("float_val: 1", dtype="DT_FLOAT_REF"), INVALID, PARSING),
    ("Predict", x("", dtype="DT_RESOURCE"), INVALID, PARSING),
    ("Predict", x("", dtype="DT_VARIANT"), INVALID, PARSING),
    ("Predict", x(STRINGS, dtype="DT_STRING"), INVALID, "Expects arg[0] to be float but string is provided"),
    ("Predict", x("double_val: [2, 4]", dtype="DT_DOUBLE"), INVALID, "to be float but double is provided"),
    ("Predict", FILES + tensor("image_bytes", ""), INVALID, "Expects arg[0] to be string but float is provided"),
    (
        "Predict",
        FILES + tensor("image_bytes", STRINGS, dtype="DT_STRING"),
        "OK",
        answer(signature="files", echo_bytes=("DT_STRING", 2, STRINGS), length=("DT_INT32", 2, "int_val: [4, 0]")),
    ),
    ("Predict", CHECKED + tensor("x", "float_val: -1"), INVALID, "assertion failed"),
    # Calls for tf.Example
    ("Classify", spec(), INVALID, "Expected classification " + METHOD.format("classify")),
    ("Classify", spec('signature_name: "no"'), INVALID, "No signature was found with the name: no"),
    ("Classify", spec(name="other"), MISSING, LATEST),
    ("Regress", spec(), INVALID, "Expected regression " + METHOD.format("regress")),
    ("MultiInference", "", INVALID, NO_NAME),
    (
        "MultiInference",
        f'tasks {{ {spec()} method_name: "tensorflow/serving/regress" }}',
        INVALID,
        "regression signature",
    ),
    ("MultiInference", f'tasks {{ {spec()} method_name: "no" }}', UNIMPLEMENTED, "signature method_name: no"),
    # Metadata and state
    ("GetModelMetadata", 'metadata_field: "signature_def"', INVALID, NO_SPEC),
    ("GetModelMetadata", spec(), INVALID, "GetModelMetadataRequest must specify at least one metadata_field"),
    ("GetModelMetadata", spec() + 'metadata_field: "graph"', INVALID, "Metadata field graph is not supported"),
    ("GetModelMetadata", spec(name="other") + 'metadata_field: "signature_def"', MISSING, LATEST),
    ("GetModelStatus", spec(), "OK", AVAILABLE.format(2) + AVAILABLE.format(1)),
    ("GetModelStatus", spec("version { value: 1 }"), "OK", AVAILABLE.format(1)),
    ("GetModelStatus", spec('version_label: "no"'), "OK", AVAILABLE.format(2) + AVAILABLE.format(1)),
    ("GetModelStatus", "", INVALID, NO_SPEC),
    ("GetModelStatus", spec(name="other"), MISSING, "Could not find any versions of model other"),
    ("GetModelStatus", spec("version { value: 7 }"), MISSING, "Could not find version 7 of model half"),
    ("HandleReloadConfigRequest", "", INVALID, "Only ModelConfigList is currently supported"),
    ("HandleReloadConfigRequest", "config { custom_model_config { } }", INVALID, "Only ModelConfigList is"),
]


@pytest.mark.parametrize(("method", "request_text", "code", "expected"), TABLE)
def test_table(channel, method, request_text, code, expected):
    request = text_format.Parse(request_text, REQUESTS[method]())
    if code == "OK":
        response = call(channel, method, request)
        assert str(response) == str(text_format.Parse(expected, type(response)()))  # as text, where NaN equals NaN
        return
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, method, request)
    assert caught.value.code().name == code
    assert expected in caught.value.details()


def predict(channel, text, **options):
    return call(channel, "Predict", text_format.Parse(text, predict_pb2.PredictRequest()), **options)


def failure(channel, text, **options):
    with pytest.raises(grpc.RpcError) as caught:
        predict(channel, text, **options)
    return caught.value.code().name, caught.value.details()


def test_metadata_are_the_signatures_of_the_file(channel, half):
    text = spec("version { value: 1 }") + 'metadata_field: "signature_def"'
    request = text_format.Parse(text, get_model_metadata_pb2.GetModelMetadataRequest())
    response = call(channel, "GetModelMetadata", request)
    assert str(response.model_spec) == 'name: "half"\nversion {\n  value: 1\n}\n'
    assert list(response.metadata) == ["signature_def"]
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    graph = saved_model_pb2.SavedModel.FromString((half / "1" / "saved_model.pb").read_bytes()).meta_graphs[0]
    expected = {name: graph.signature_def[name] for name in graph.signature_def if not name.startswith("__")}
    assert {"serving_default", "pair", "files", "checked"} <= set(expected)
    assert dict(signatures.signature_def) == expected


def test_long_errors_are_cut(channel):
    code, details = failure(channel, CHECKED + tensor("x", "float_val: -1"))
    assert code == "INVALID_ARGUMENT"
    assert len(details) == 1024 + len("...TRUNCATED")
    assert details.endswith("xxx...TRUNCATED")


def test_requests_are_limited_packed_and_unpacked(channel):
    assert len(predict(channel, x("float_val: 1", "dim { size: 400000 }")).outputs["y"].float_val) == 400_000
    code, details = failure(channel, x("float_val: 1", "dim { size: 600000 }"))  # 2.4 MB, from 60 bytes
    assert (code, details) == ("INVALID_ARGUMENT", PARSING)
    halves = [tensor(name, "float_val: 1", "dim { size: 300000 }") for name in "ab"]
    assert failure(channel, PAIR + "".join(halves))[0] == "INVALID_ARGUMENT"  # 1.2 MB each
    request = predict_pb2.PredictRequest()
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.zeros(600_000, "float32")))
    with pytest.raises(grpc.RpcError, match="Received message larger than max") as caught:
        call(channel, "Predict", request)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError, match="larger than max"):
        call(channel, "Predict", request, compression=grpc.Compression.Gzip)


def test_requests_are_counted(half, service, channel):
    def counts():
        page = service.metrics.page().decode().splitlines()
        return {line.split()[0]: float(line.split()[1]) for line in page if not line.startswith("#")}

    before = counts()
    predict(channel, spec() + X)
    failure(channel, spec('version_label: "no"') + X)
    after = counts()
    grown = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name)}
    prefix, labels = ":tensorflow:serving:", 'API="Predict",entrypoint="GRPC",model_name="half"'
    assert grown[prefix + 'request_count{model_name="half",status="OK"}'] == 1
    assert grown[prefix + 'request_count{model_name="half",status="INVALID_ARGUMENT"}'] == 1
    assert grown[f"{prefix}request_latency_count{{{labels}}}"] == 1
    assert 10 < grown[f"{prefix}request_latency_sum{{{labels}}}"] < 10e6  # microseconds


def test_a_reload_replaces_the_models(half):
    with contextlib.closing(ModelManager(configs(half), allow_labels_of_unavailable=True)) as models:
        models.start()
        pool = WorkerPool(threads=1, queue_size=1)
        service = Service(models, pool, metrics=Metrics(), base_paths=lambda: {str(half)})
        with serving(service) as channel:

            def reload(*lines):
                text = "config { model_config_list { " + " ".join(
                    f'config {{ base_path: "{half}" model_platform: "tensorflow" {line} }}' for line in lines
                )
                request = text_format.Parse(text + "} }", model_management_pb2.ReloadConfigRequest())
                return call(channel, "HandleReloadConfigRequest", request)

            def states(name):
                request = text_format.Parse(spec(name=name), get_model_status_pb2.GetModelStatusRequest())
                statuses = call(channel, "GetModelStatus", request).model_version_status
                return {status.version: (status.state, status.status.error_code) for status in statuses}

            all_versions = "model_version_policy { all { } }"
            assert reload('name: "one" model_version_policy { specific { versions: 1 } }').status.error_code == 0
            assert states("one") == {1: (30, 0)}
            assert failure(channel, spec() + X) == ("NOT_FOUND", "Servable not found for request: Latest(half)")
            with pytest.raises(grpc.RpcError, match="due to error: NOT_FOUND: Could not find SavedModel"):
                reload(f'name: "broken" {all_versions}')
            assert states("broken") == {1: (30, 0), 2: (30, 0), 3: (50, 5)}  # AVAILABLE, and END with NOT_FOUND
            with pytest.raises(grpc.RpcError, match="Illegal to list model a multiple times") as caught:
                reload('name: "a"', 'name: "a"')
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            for path in ("/etc", f"{half}/../{half.name}", f"{half}/", f"{half}/1"):
                request = model_management_pb2.ReloadConfigRequest()
                asked = request.config.model_config_list.config
                asked.add(name="one", base_path=path, model_platform="tensorflow")
                with pytest.raises(grpc.RpcError, match="a request names no folders") as caught:
                    call(channel, "HandleReloadConfigRequest", request)
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
            assert states("broken") == {1: (30, 0), 2: (30, 0), 3: (50, 5)}
        pool.close()


def test_reloads_that_wait_keep_nobody_else_waiting():
    going_on, begun = threading.Event(), []

    class Models(Slow):
        def reload(self, configs):
            begun.append(None)
            assert going_on.wait(30)

        def status(self, name, version):
            return []

    service, most = Service(Models(), None, metrics=Metrics()), rpc.MOST_RELOADS
    with serving(service, most_calls=2 * most) as channel, concurrent.futures.ThreadPoolExecutor(2 * most) as pool:

        def reload():
            request = model_management_pb2.ReloadConfigRequest(config={"model_config_list": {}})
            try:
                return call(channel, "HandleReloadConfigRequest", request) is not None
            except grpc.RpcError as error:
                return error.code().name

        answers = concurrent.futures.as_completed([pool.submit(reload) for _ in range(2 * most)], 30)
        try:
            assert [next(answers).result() for _ in range(most)] == ["RESOURCE_EXHAUSTED"] * most
            assert len(begun) == 1
            request = text_format.Parse(spec(name="slow"), get_model_status_pb2.GetModelStatusRequest())
            assert call(channel, "GetModelStatus", request) is not None
        finally:
            going_on.set()
        assert [answer.result() for answer in answers] == [True] * most


class Slow:
    """A servable and its models: runs until it is told to answer."""

    name, version, signature_defs = "slow", 1, {}

    def __init__(self):
        self.runs, self.started, self.answer = 0, threading.Semaphore(0), threading.Event()

    @contextlib.contextmanager
    def use(self, spec):
        yield self

    def run(self, signature, inputs, outputs, seconds=None):
        self.runs += 1
        self.started.release()
        assert self.answer.wait(30)
        return {"y": np.array(inputs["x"])}


@pytest.fixture
def slow():
    slow = Slow()
    pool = WorkerPool(threads=1, queue_size=1)
    with serving(Service(slow, pool, metrics=Metrics())) as channel:
        yield slow, channel
        slow.answer.set()
    pool.close()


def test_a_full_queue_refuses_and_a_cancelled_call_gives_its_place_back(slow):
    servable, channel = slow
    request = text_format.Parse(spec() + X, predict_pb2.PredictRequest())
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    running = stub.Predict.future(request, timeout=30)
    assert servable.started.acquire(timeout=30)
    queued = stub.Predict.future(request, timeout=30)
    deadline = time.monotonic() + 30
    code, details = "", ""
    while code != "RESOURCE_EXHAUSTED" and time.monotonic() < deadline:  # `queued` may still be on its way
        code, details = failure(channel, spec() + X, timeout=0.2)
    assert (code, "queue is full" in details) == ("RESOURCE_EXHAUSTED", True)
    queued.cancel()
    while code == "RESOURCE_EXHAUSTED" and time.monotonic() < deadline:
        code, _ = failure(channel, spec() + X, timeout=0.2)
    assert code == "DEADLINE_EXCEEDED"  # it waited in the free place
    time.sleep(0.5)  # the server learns a moment after the client that it is over
    servable.answer.set()
    assert running.result().outputs["y"].float_val == [2, 4]
    assert predict(channel, spec() + X).outputs["y"].float_val == [2, 4]
    assert servable.runs == 2  # neither the cancelled nor the late ones


def test_the_client_s_deadline_reaches_the_queue(slow, monkeypatch):
    servable, channel = slow
    servable.answer.set()
    seconds = []

    async def spy(self, servable, signature, inputs, **options):
        seconds.append(options["seconds"])
        return await predict_truly(self, servable, signature, inputs, **options)

    predict_truly = Service.predict
    monkeypatch.setattr(Service, "predict", spy)
    predict(channel, spec() + X, timeout=25)
    predict(channel, spec() + X, timeout=None)
    assert 20 < seconds[0] < 26  # gRPC rounds up on the wire
    assert seconds[1] == rpc.LONGEST


def test_a_taken_port_is_named(channel, service):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(OSError, match=f"{address} cannot be listened on"):
            asyncio.run(rpc.start(service, address))
