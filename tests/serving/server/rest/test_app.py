"""REST as TensorFlow Serving speaks it: a real server, a real SavedModel, one table of requests and answers."""

import asyncio
import base64
import gzip
import http.client
import json
import socket
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn

from serving.errors import HTTP_STATUS, ServingError
from serving.server.metrics import Metrics
from serving.server.models.manager import ModelManager
from serving.server.models.service import Service
from serving.server.models.worker_pool import WorkerPool
from serving.server.rest import app as rest
from serving.server.rest import json_text
from serving.server.settings import ModelConfig, Specific

MAX_BODY = 200_000
METRICS = "/monitoring/prometheus/metrics"


@pytest.fixture(scope="module")
def models(half):
    labels = {"stable": 1, "new one": 2}
    configs = [
        ModelConfig("half", str(half), Specific((1, 2)), labels),
        ModelConfig("a name/of a model", str(half), Specific((2,))),
        ModelConfig("broken", str(half), Specific((3,))),
    ]
    models = ModelManager(configs, allow_labels_of_unavailable=True, load_retries=0)
    models.start()
    yield models
    models.close()


@pytest.fixture(scope="module")
def service(models):
    pool = WorkerPool(threads=1, queue_size=8)
    yield Service(models, pool, metrics=Metrics())
    pool.close()


async def page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"the page: {scope['path']}".encode()})


@contextmanager
def serving(app):
    """Run a server in a thread; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))  # requests wait in it until the server accepts
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port(service):
    with serving(rest.application(service, max_body=MAX_BODY, metrics_path=METRICS, page=page)) as port:
        yield port


def ask(port, method, path, body=None, **headers):
    """Return status, body and content type."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=not isinstance(body, (bytes, str, type(None))))
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "surrogateescape"), response.headers["Content-Type"]
    finally:
        connection.close()


def post(data, path="/v1/models/half:predict", **headers):
    return "POST", path, data if isinstance(data, (str, bytes)) else json.dumps(data), headers


def get(path, **headers):
    return "GET", path, None, headers


def rows(*instances, signature=None):
    named = {"signature_name": signature} if signature else {}
    return post({**named, "instances": list(instances)})


def columns(inputs, signature):
    return post({"signature_name": signature, "inputs": inputs})


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def chunks(body):
    return iter([body.encode()])  # without a Content-Length


def error(message):
    return {"error": message}


DOC = '{"instances": [1.0, 2.0, 5.0]}'  # the request of TF Serving's documentation
OLD, NEW = ({"predictions": values} for values in ([2.5, 3.0, 4.5], [3.5, 4.0, 5.5]))
HALF = "/v1/models/half"
LARGE = np.arange(40 * 40 * 3).reshape(1, 40, 40, 3) % 256  # more than what the event loop reads itself, if indented
WHOLE = [{"type": "http.request", "body": DOC.encode()}]
BOMB = gzip.compress(b" " * 50 * MAX_BODY + DOC.encode())
VERSION_STATUS = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


class Part(str):
    """A part of a body."""


def invalid(message):
    """The whole body of an error."""
    return 400, error(message)


def contains(message, status=400):
    """A part of an error's message."""
    return status, Part(json.dumps(message)[1:-1])


# Every request, and its status and body
TABLE = {
    # Versions, labels, names
    "the latest": (post(DOC), 200, NEW),
    "a version": (post(DOC, f"{HALF}/versions/1:predict"), 200, OLD),
    "a version with zeros": (post(DOC, f"{HALF}/versions/0001:predict"), 200, OLD),
    "a label": (post(DOC, f"{HALF}/labels/stable:predict"), 200, OLD),
    "an escaped label": (post(DOC, f"{HALF}/labels/new%20one:predict"), 200, NEW),
    "an escaped name": (post(DOC, "/v1/models/a%20name%2Fof%20a%20model:predict"), 200, NEW),
    "upper case": (post(DOC, "/V1/MODELS/half/VERSIONS/1:predict"), 200, OLD),
    "method in upper case": (
        post(DOC, "/v1/models/half:PREDICT"),
        *invalid("Malformed request: POST /v1/models/half:PREDICT"),
    ),
    "no such model": (
        post(DOC, "/v1/models/other:predict"),
        404,
        error("Servable not found for request: Latest(other)"),
    ),
    "another case of the name": (post(DOC, "/v1/models/HALF:predict"), *contains("Latest(HALF)", 404)),
    "no such version": (
        post(DOC, f"{HALF}/versions/7:predict"),
        404,
        error("Servable not found for request: Specific(half, 7)"),
    ),
    "no version loaded": (post(DOC, "/v1/models/broken:predict"), *contains("Latest(broken)", 404)),
    "no such label": (
        post(DOC, f"{HALF}/labels/x:predict"),
        *invalid("Unrecognized servable version label: x"),
    ),
    "a version beyond int64": (
        post(DOC, f"{HALF}/versions/9223372036854775808:predict"),
        *invalid("Failed to convert version: 9223372036854775808 to numeric."),
    ),
    "a version that is no number": (
        post(DOC, f"{HALF}/versions/x:predict"),
        *invalid(f"Malformed request: POST {HALF}/versions/x:predict"),
    ),
    "version and label": (post(DOC, f"{HALF}/versions/1/labels/x:predict"), *contains("Malformed request: POST")),
    "GET of a method": (get(f"{HALF}:predict"), *invalid(f"Malformed request: GET {HALF}:predict")),
    "POST of a status": (post(DOC, HALF), *invalid(f"Malformed request: POST {HALF}")),
    "PUT": (("PUT", HALF, DOC, {}), *invalid(f"Malformed request: PUT {HALF}")),
    "no such path": (get("/v1/foo"), *invalid("Malformed request: GET /v1/foo")),
    "a query": (post(DOC, f"{HALF}:predict?a=1"), *invalid(f"Malformed request: POST {HALF}:predict?a=1")),
    "outside the API": (get("/v2/models"), 404, Part("<H1>Not Found</H1>")),
    "no slash": (get("/v1"), 404, Part("<H1>Not Found</H1>")),
    # Signatures
    "a signature": (rows(1, 5, signature="serving_default"), 200, {"predictions": [3.5, 5.5]}),
    "an empty signature": (post({"signature_name": "", "instances": [1, 2, 5]}), 200, NEW),
    "no such signature": (rows(1, signature="s"), *invalid('Serving signature name: "s" not found in signature def')),
    "TensorFlow's own signature": (rows(1, signature="__saved_model_init_op"), *contains("not found in signature def")),
    "a signature that is no string": (
        post({"signature_name": 5, "instances": [1]}),
        *contains("not formatted correctly. 'signature_name' key must be a string value."),
    ),
    # Rows
    "rows of lists": (
        rows([[1, 2]], [[3, 4]]),
        200,
        {"predictions": [[[3.5, 4.0]], [[4.5, 5.0]]]},
    ),
    "named rows": (rows({"x": 1}, {"x": 5}), 200, {"predictions": [3.5, 5.5]}),
    "two inputs": (
        rows({"a": 3, "b": 1}, {"b": 1, "a": 2.5}, signature="pair"),
        200,
        {"predictions": [{"sum": 4.0, "difference": 2.0}, {"sum": 3.5, "difference": 1.5}]},
    ),
    "bytes": (
        rows(b64(b"\xff\x00"), signature="files"),
        200,
        {"predictions": [{"echo_bytes": b64(b"\xff\x00"), "length": 2}]},
    ),
    "bytes, named": (
        rows({"image_bytes": b64(b"ab")}, {"image_bytes": "c"}, signature="files"),
        200,
        {"predictions": [{"echo_bytes": b64(b"ab"), "length": 2}, {"echo_bytes": b64(b"c"), "length": 1}]},
    ),
    "strings": (
        rows("sea", b64("é".encode()), signature="words"),
        200,
        {"predictions": ["SEA", "é"]},
    ),
    "integers": (
        rows([[[1, 2, 3], [9, 8, 7]]], signature="tensors"),
        200,
        {"predictions": [[[3, 9]]]},
    ),
    "a large image": (
        post(json.dumps({"signature_name": "tensors", "instances": LARGE.tolist()}, indent=4)),
        200,
        {"predictions": LARGE.max(-1).tolist()},
    ),
    "NaN and infinity": (
        post('{"instances": [NaN, Infinity, -Infinity]}'),
        200,
        Part("[NaN, Infinity, -Infinity]"),
    ),
    "unequal rows": (
        rows([1, 2], [3]),
        *invalid(
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but "
            "got: 1"
        ),
    ),
    "unequal shapes": (rows([1, 2], [[3, 4]]), *contains("Expecting shape [2] but got: [1,2]")),
    "an empty batch": (rows(), *contains("No values in 'instances' array")),
    "a string for a float": (rows("1"), *contains('JSON Value: "1" Type: String is not of expected type: float')),
    "a bool for a float": (rows(1, True), *contains("Type: True is not of expected type: float")),
    "null": (rows(None), *contains("JSON Value: null Type: Null is not of expected type: float")),
    "a float for an integer": (
        rows([[[1.0, 2, 3]]], signature="tensors"),
        *contains("JSON Value: 1.0 Type: Number is not of expected type: uint8"),
    ),
    "an integer too large": (
        rows([[[300, 2, 3]]], signature="tensors"),
        *contains("JSON Value: 300 Type: Number is not of expected type: uint8"),
    ),
    "a number too large": (rows(1e39), *contains("Cannot convert JSON value: 1e+39 to float without loss")),
    "bad base64": (
        rows({"b64": "!"}, signature="files"),
        *invalid("Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: Unable to base64 decode"),
    ),
    "URL-safe base64": (rows({"b64": "_-8="}, signature="files"), *contains("Unable to base64 decode")),
    "a number for a string": (rows(1, signature="files"), *contains("is not of expected type: string")),
    "a wrong name": (rows({"z": 1}), *contains("JSON object: does not have named input: z")),
    "a name too many": (
        rows({"a": 1, "b": 1, "c": 1}, signature="pair"),
        *contains("Failed to process element: 0 key: c of 'instances' list."),
    ),
    "a name too few": (rows({"a": 1}, signature="pair"), *contains("keys must be equal to: a,b")),
    "a list for two inputs": (rows(1, signature="pair"), *contains("instances is a plain list, but expecting list of")),
    "base64 for two inputs": (
        rows(b64(b"a"), signature="pair"),
        *contains("Type: Object is not of expected type: float"),
    ),
    "a value among objects": (rows({"x": 1}, 1), *contains("Expecting object but got list at item 1 of input list")),
    "an object among values": (rows(1, {"x": 1}), *contains("Expecting value/list but got object at item 1")),
    "instances are no list": (post({"instances": 1}), *contains("Excepting 'instances' to be an list/array")),
    "a wrong rank": (
        rows([1, 2, 3], signature="tensors"),
        *contains("image is expected to have shape [?,?,?,3] but shape [1,3] is provided"),
    ),
    "a type that TF Serving does not read": (
        rows(1, signature="depth"),
        *contains("Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: uint16"),
    ),
    "an output that is not batched": (
        rows(1, 2, signature="mean"),
        *invalid("Tensor name: mean has no shape information "),
    ),
    "an error of the graph": (rows(-1, signature="checked"), *contains("x must be positive")),
    # Columns
    "a column": (
        columns([1, 2, 5], "serving_default"),
        200,
        {"outputs": [3.5, 4.0, 5.5]},
    ),
    "a named column": (columns({"x": [1, 5]}, "serving_default"), 200, {"outputs": [3.5, 5.5]}),
    "two columns": (
        columns({"a": [3], "b": [1], "more": 0}, "pair"),
        200,
        {"outputs": {"sum": [4.0], "difference": [2.0]}},
    ),
    "a column of bytes": (
        columns([b64(b"ab")], "files"),
        200,
        {"outputs": {"echo_bytes": [b64(b"ab")], "length": [2]}},
    ),
    "a scalar": (columns(1, "serving_default"), 200, {"outputs": 3.5}),
    "an unbatched output": (columns([1, 2], "mean"), 200, {"outputs": 1.5}),
    "an empty column": (columns([], "serving_default"), 200, {"outputs": []}),
    "a lone base64 for a vector": (
        columns(b64(b"a"), "files"),
        *contains("is expected to have shape [?] but shape [] is provided"),
    ),
    "unequal lists": (
        columns([[1, 2], [3]], "serving_default"),
        *invalid("Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
    ),
    "lists too deep": (
        columns([1, [2]], "serving_default"),
        *invalid("Encountered list at unexpected level: 1 expected < 1"),
    ),
    "unequal columns": (columns({"a": [1, 2], "b": [1, 2, 3]}, "pair"), *contains("Incompatible shapes")),
    "a column too few": (columns({"a": [1]}, "pair"), *invalid("Missing named input: b in 'inputs' object.")),
    "a list for two columns": (
        columns([1], "pair"),
        *contains("inputs is a plain value/list, but expecting an object"),
    ),
    "an unread type": (columns([1], "depth"), 501, error("Conversion of JSON Value: 1 to type: uint16")),
    # JSON
    "both keys": (post({"instances": [1], "inputs": [1]}), *contains("Not formatted correctly expecting only one of")),
    "neither key": (post("{}"), *invalid("Missing 'inputs' or 'instances' key")),
    "no body": (post(""), *invalid("JSON Parse error: The document is empty")),
    "no JSON": (post("instances = [1]"), *contains("JSON Parse error: Expecting value: line 1 column 1")),
    "unfinished JSON": (
        post('{"instances": [1, 2'),
        *contains("JSON Parse error: Expecting ',' delimiter: line 1 column 20"),
    ),
    "no object": (post("[1]"), *invalid("JSON Value: [1] Is not object")),
    "more behind the object": (post(DOC + "}] more"), *contains("Nothing may follow the document.")),
    "a key twice": (post(DOC[:-1] + ', "instances": [1]}'), *contains('The key "instances" is there twice')),
    "deep JSON": (post("[" * 50_000), *contains("JSON Parse error: ")),
    "JSON comes before the model": (post("{", "/v1/models/other:predict"), *contains("JSON Parse error: ")),
    "the model comes before the tensors": (post("{}", "/v1/models/other:predict"), *contains("Latest(other)", 404)),
    "any content type": (post(DOC, Content_Type="text/plain"), 200, NEW),
    # Size and compression
    "chunked": (("POST", f"{HALF}:predict", chunks, {"Transfer-Encoding": "chunked"}), 200, NEW),
    "gzip": (post(gzip.compress(DOC.encode()), Content_Encoding="gzip"), 200, NEW),
    "gzip by its other name": (post(gzip.compress(DOC.encode()), Content_Encoding="x-gzip, identity"), 200, NEW),
    "gzip, twice": (
        post(gzip.compress(DOC.encode()) * 2, Content_Encoding="gzip"),
        *contains("the gzip body cannot be inflated, something follows its end"),
    ),
    "gzip in gzip": (
        post(gzip.compress(gzip.compress(DOC.encode())), Content_Encoding="gzip, gzip"),
        *invalid("The body's Content-Encoding is gzip or none. Received: gzip, gzip"),
    ),
    "another coding": (
        post(DOC, Content_Encoding="br"),
        *invalid("The body's Content-Encoding is gzip or none. Received: br"),
    ),
    "a length and chunks": (
        ("POST", f"{HALF}:predict", chunks, {"Transfer-Encoding": "chunked", "Content-Length": "3"}),
        *invalid("A body has Content-Length or Transfer-Encoding, not both"),
    ),
    "not gzip": (post(DOC, Content_Encoding="gzip"), *contains("JSON Parse error: The document is empty")),
    "half of gzip": (
        post(gzip.compress(DOC.encode())[:-9], Content_Encoding="gzip"),
        *contains("the gzip body cannot be inflated, its end is missing"),
    ),
    "gzip that inflates too far": (
        post(BOMB, Content_Encoding="gzip"),
        413,
        error(f"The request's body inflates to more than {MAX_BODY} bytes"),
    ),
    "a body too large": (
        post(DOC + " " * MAX_BODY),
        413,
        error(f"The request's body is larger than {MAX_BODY} bytes"),
    ),
    # Classify and regress, of which these models are not
    "classify": (
        post({"examples": [{"x": 1}]}, f"{HALF}:classify"),
        *contains(
            "classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/predict"
        ),
    ),
    "regress": (
        post({"examples": [{"x": 1}]}, f"{HALF}/versions/1:regress"),
        *contains("regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict"),
    ),
    "classify without examples": (
        post(DOC, f"{HALF}:classify"),
        *contains("key 'examples' is expected and was not found"),
    ),
    "regress no list": (
        post('{"examples": 1}', f"{HALF}:regress"),
        *contains("Expecting 'examples' value to be an list"),
    ),
    "classify nothing": (post('{"examples": []}', f"{HALF}:classify"), *contains("'examples' value is an empty array")),
    "classify by an unknown signature": (
        post({"examples": [{"x": 1}], "signature_name": "s"}, f"{HALF}:classify"),
        *invalid("No signature was found with the name: s"),
    ),
    "regress of an unknown model": (
        post('{"examples": [{}]}', "/v1/models/other:regress"),
        *contains("Latest(other)", 404),
    ),
    # Status
    "status": (
        get(HALF),
        200,
        {"model_version_status": [{"version": "2", **VERSION_STATUS}, {"version": "1", **VERSION_STATUS}]},
    ),
    "status of a version": (
        get(f"{HALF}/versions/1"),
        200,
        # As printed in TF Serving's documentation
        """{
 "model_version_status": [
  {
   "version": "1",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
""",
    ),
    "status of a label is that of all versions": (get(f"{HALF}/labels/stable"), 200, Part('"version": "2"')),
    "status of a broken version": (get("/v1/models/broken"), 200, Part('"error_code": "NOT_FOUND"')),
    "status of no model": (get("/v1/models/other"), 404, error("Could not find any versions of model other")),
    "status of no version": (get(f"{HALF}/versions/7"), 404, error("Could not find version 7 of model half")),
    "all models": (get("/v1/models"), *invalid("Missing model name in request.")),
    # Metadata
    "metadata": (get(f"{HALF}/metadata"), 200, Part('"name": "half"')),
    "metadata of a version": (get(f"{HALF}/versions/1/metadata"), 200, Part('"version": "1"')),
    "metadata of a label": (get(f"{HALF}/labels/stable/metadata"), 200, Part('"version": "1"')),
    "metadata of no label": (get(f"{HALF}/labels/x/metadata"), *contains("Unrecognized servable version label: x")),
    "metadata of no model": (get("/v1/models/other/metadata"), *contains("Latest(other)", 404)),
    # CORS
    "preflight": (("OPTIONS", f"{HALF}:predict", None, {"Origin": "https://a.example"}), 200, ""),
    "preflight without origin": (
        ("OPTIONS", f"{HALF}:predict", None, {}),
        *invalid("Origin header is missing in CORS preflight"),
    ),
    "preflight of a file": (("OPTIONS", HALF, None, {"Origin": "null"}), *contains("Origin header is missing")),
    # Besides the API
    "the page": (get("/"), 200, "the page: /"),
    "a file of the page": (get("/page/models"), 200, "the page: /page/models"),
    "metrics": (get(METRICS), 200, Part("tensorflow:serving:request_count")),
}


@pytest.mark.parametrize("case", TABLE)
def test_answers_as_tf_serving(port, case):
    (method, path, body, headers), status, expected = TABLE[case]
    answer = ask(port, method, path, body(DOC) if callable(body) else body, **headers)
    assert answer[0] == status, answer[1]
    if isinstance(expected, Part):
        assert expected in answer[1]
    elif isinstance(expected, dict):
        assert json.loads(answer[1]) == expected
    else:
        assert answer[1] == expected
    if path.lower().startswith("/v1/") and answer[1]:
        assert answer[2] == "application/json"


def test_metadata_is_the_signatures(port):
    """The form that TF Serving's documentation shows."""
    metadata = json.loads(ask(port, "GET", f"{HALF}/metadata")[1])
    assert metadata["model_spec"] == {"name": "half", "signature_name": "", "version": "2"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert sorted(signatures) == sorted(
        ["serving_default", "pair", "files", "words", "tensors", "depth", "mean", "checked"]
    )
    assert signatures["tensors"]["method_name"] == "tensorflow/serving/predict"
    sizes = ["-1", "-1", "-1", "3"]
    assert signatures["tensors"]["inputs"]["image"] == {
        "dtype": "DT_UINT8",
        "name": "tensors_image:0",
        "tensor_shape": {"dim": [{"name": "", "size": size} for size in sizes], "unknown_rank": False},
    }


def test_counts_requests(port, service):
    def count(status):
        line = f':tensorflow:serving:request_count{{model_name="half",status="{status}"}}'
        text = service.metrics.page().decode()
        return sum(float(x.rpartition(" ")[2]) for x in text.split("\n") if x.startswith(line))

    statuses = "OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"
    before = [count(status) for status in statuses]
    for body in (DOC, DOC, "{", DOC + " " * MAX_BODY):
        ask(port, "POST", f"{HALF}:predict", body)
    assert [count(status) for status in statuses] == [before[0] + 2, before[1] + 1, before[2] + 1]
    latency = ':tensorflow:serving:request_latency_count{API="Predict",entrypoint="REST",model_name="half"} '
    assert latency in service.metrics.page().decode()


def call(app, messages=WHOLE):
    """Send messages to an app without a server; return status and error message."""
    sent, messages = [], iter(messages)
    scope = {"type": "http", "method": "POST", "path": f"{HALF}:predict", "query_string": b"", "headers": []}

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return (sent[0]["status"], json.loads(sent[1]["body"]).get("error")) if sent else None


@contextmanager
def busy(service, queue_size):
    """Yield a service whose only thread is at work."""
    pool = WorkerPool(threads=1, queue_size=queue_size)
    started, end = threading.Event(), threading.Event()
    pool.submit(lambda: (started.set(), end.wait()))
    started.wait()
    try:
        yield Service(service.models, pool, metrics=Metrics())
    finally:
        end.set()
        pool.close()


def test_a_late_answer(service):
    with busy(service, queue_size=1) as waiting:
        status, message = call(rest.application(waiting, timeout=0.01))
    assert status == 504
    assert message.startswith("Deadline exceeded")


def test_no_time_limit(service):
    assert call(rest.application(service, timeout=0)) == (200, None)


def test_a_full_queue(service):
    with busy(service, queue_size=0) as full:
        status, message = call(rest.application(full))
    assert status == 429
    assert "queue is full" in message


class Failing(Service):
    """Raise instead of answering."""

    def __init__(self, service, error):
        super().__init__(service.models, None, metrics=Metrics())
        self.error = error

    async def predict(self, *arguments, **options):
        raise self.error


@pytest.mark.parametrize(("code", "status"), [item for item in HTTP_STATUS.items() if item[0] != "OK"])
def test_every_code_has_its_status(service, code, status):
    failing = Failing(service, ServingError(code, "why"))
    assert call(rest.application(failing)) == (status, "why")


def test_a_crash_is_told_to_the_log_only(service, caplog):
    failing = Failing(service, ZeroDivisionError("secret"))
    assert call(rest.application(failing)) == (500, "Internal error: the server's log says more.")
    assert "secret" in caplog.text
    assert 'status="INTERNAL"} 1.0' in failing.metrics.page().decode()


def test_stops_reading_at_the_limit(service):
    """A body without Content-Length is not read to its end: the third message is never asked for."""
    messages = [{"type": "http.request", "body": b" " * 60, "more_body": True}] * 2
    assert call(rest.application(service, max_body=100), messages) == (
        413,
        "The request's body is larger than 100 bytes",
    )


def test_a_client_that_goes_away(service):
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    watched = Service(service.models, None, metrics=Metrics())
    assert call(rest.application(watched), messages) is None
    assert 'status="CANCELLED"} 1.0' in watched.metrics.page().decode()


@pytest.mark.parametrize(
    "body", [json.dumps({"instances": [0.5] * 20_000}).encode(), gzip.compress(DOC.encode())], ids=["large", "gzip"]
)
def test_large_bodies_are_read_in_another_thread(service, monkeypatch, body):
    threads = []

    def parse(text):
        threads.append(threading.get_ident())
        return original(text)

    original = json_text.parse
    monkeypatch.setattr(json_text, "parse", parse)
    with serving(rest.application(service)) as port:
        headers = {} if body.startswith(b"{") else {"Content-Encoding": "gzip"}
        assert ask(port, "POST", f"{HALF}:predict", body, **headers)[0] == 200
        assert ask(port, "POST", f"{HALF}:predict", DOC)[0] == 200
    assert threads[0] != threads[1]


def test_without_page_and_metrics(service):
    with serving(rest.application(service)) as port:
        for path in ("/", "/page/models", METRICS):
            status, body, kind = ask(port, "GET", path)
            assert (status, kind) == (404, "text/html; charset=utf-8")
            assert "<TITLE>404 Not Found</TITLE>" in body
