"""Attack the server with requests: REST ones drawn from its OpenAPI description, gRPC ones with bytes changed.

A try is lost if the server answers with a failure of its own (500, UNKNOWN, INTERNAL), with what its description does
not know, not at all, or not within half a minute.
"""

import http.client
import json
import random
import time

from .drawing import DESCRIPTION, change, images, requests, twist
from .outcome import Outcome
from .served import served, write_model

SECONDS = 30
CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}
CODES |= {"OUT_OF_RANGE", "PERMISSION_DENIED"}
GROWTH = 192  # MiB that thousands of requests may leave behind


def soak(seconds, workdir):
    """Send 10 000 REST requests and as many gRPC ones as there is time for."""
    model, started = write_model(workdir / "m"), time.monotonic()
    with served(model, "--max_request_bytes=2000000") as server:
        attack_rest(server.rest, 300, seed=1)  # what is set up once
        attack_grpc(server.grpc, 300, seed=1)
        before = server.memory()
        outcomes = [attack_rest(server.rest, 10_000, seed=2)]
        grown = [server.memory() - before]
        tries, lost, number = 0, [], 10
        while tries < 2000 or time.monotonic() - started < seconds * 0.8:
            found = attack_grpc(server.grpc, 500, seed=number)
            tries, number = tries + found.tries, number + 1
            lost += found.lost
        outcomes.append(Outcome("changed gRPC messages", tries, tuple(lost)))
        grown.append(server.memory() - before)
        lost = [f"{growth:.0f} MiB more than before" for growth in grown if growth > GROWTH]
        lost += [] if server.is_alive() else ["the server has ended"]
        return [*outcomes, Outcome("server after all requests", len(grown) + 1, tuple(lost))]


def attack_rest(address, count, seed=0):
    """Send requests drawn from the description, right ones and wrong ones.

    Args:
        address: `host:port`.
        count: of requests.
        seed: of the draw.
    """
    import hypothesis
    from hypothesis import HealthCheck, Phase

    lost, client, sent = [], Rest(address), []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(requests())
    def attack(request):
        sent.append(None)
        if problem := client.problem(*request):
            method, path, headers, body = request
            lost.append(f"{problem}: {method} {path[:200]} {headers} {body[:200]!r}")

    attack()
    client.close()
    return Outcome("REST requests", len(sent), tuple(lost))


class Rest:
    """Sends requests over a kept connection, and says what is wrong with the answers."""

    def __init__(self, address):
        self._address, self._connection = address, None

    def problem(self, method, path, headers, body):
        """Send a request; return what is wrong with its answer, or None."""
        try:
            status, kind, text = self._ask(method, path, headers, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return f"{type(error).__name__} {error}"
        operation = _operation(method, path)
        if status >= 500 and status not in (501, 503, 504):
            return f"status {status}: {text[:200]}"
        if operation and str(status) not in operation["responses"]:
            return f"status {status} is not in the description"
        if method != "HEAD" and kind.startswith("application/json"):
            return _json_problem(operation, status, text)
        return None

    def close(self):
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _ask(self, method, path, headers, body):
        for attempt in range(2):
            fresh = self._connection is None
            if fresh:
                self._connection = http.client.HTTPConnection(self._address, timeout=SECONDS)
            try:
                self._connection.request(method, path, body, headers)
                response = self._connection.getresponse()
                text = response.read()
                return response.status, response.getheader("Content-Type", ""), text
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
                if fresh or attempt:  # a kept one may have been closed between two requests
                    raise
        raise AssertionError


def _operation(method, path):
    """Find a request in the description by the shape of its path; None for what it does not know."""
    for template, found in DESCRIPTION["paths"].items():
        parts, given = template.split("/"), path.split("/")
        literal = all(part == other or "{" in part for part, other in zip(parts, given, strict=False))
        if len(parts) == len(given) and literal and path.endswith(":predict") == template.endswith(":predict"):
            return found.get(method.lower())
    return None


def _json_problem(operation, status, text):
    """Hold a JSON answer against the description."""
    import jsonschema

    try:
        answer = json.loads(text)
    except ValueError:
        return f"status {status} with what is no JSON: {text[:200]}"
    schema = {"$ref": "#/components/schemas/Error"}
    if operation and str(status) in operation["responses"]:
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    elif status == 200:
        return None
    errors = jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).iter_errors(answer)
    return next((f"status {status}, an answer unlike the description: {error.message[:200]}" for error in errors), None)


def attack_grpc(address, count, seed=0):
    """Send messages of every method with bytes changed, and some as they are."""
    import grpc
    from tensorflow_serving.apis import predict_pb2

    lost, messages, draw = [], grpc_messages(), random.Random(seed)
    with grpc.insecure_channel(address) as channel:
        for _ in range(count):
            method, data = draw.choice(messages)
            if method.endswith("/Predict") and draw.random() < 0.5:
                data = twist(predict_pb2.PredictRequest.FromString(data), draw.random())
            elif draw.random() < 0.9:
                data = change(data, draw.random())
            code, details = call(channel, method, data)
            if code not in CODES:
                lost.append(f"{code} {details[:200]}: {method} {data[:200].hex()}")
    return Outcome("changed gRPC messages", count, tuple(lost))


def call(channel, method, data):
    """Send bytes; return the code's name and the details."""
    import grpc

    try:
        channel.unary_unary(f"/tensorflow.serving.{method}")(data, timeout=SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""
    return "OK", ""


def grpc_messages():
    """List `(method, bytes)` of requests that are right."""
    import tensorflow as tf
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        predict_pb2,
    )

    spec = {"name": "m", "signature_name": "serving_default"}
    files = predict_pb2.PredictRequest(model_spec=spec)
    files.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(images())))
    pixels = predict_pb2.PredictRequest(model_spec={"name": "m", "signature_name": "predict_tensors"})
    pixels.inputs["image"].CopyFrom(tf.make_tensor_proto([[[[1, 2, 3]] * 4] * 5], tf.uint8))
    pixels.output_filter.append("label")
    scores = predict_pb2.PredictRequest(model_spec={"name": "m", "signature_name": "predict_scores"})
    scores.model_spec.version.value = 1
    tensor = scores.inputs["image"]
    tensor.dtype = 1
    tensor.float_val.extend([0.5] * 12)
    for size in (1, 2, 2, 3):
        tensor.tensor_shape.dim.add(size=size)
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(model_spec={"name": "m"})
    metadata.metadata_field.append("signature_def")
    status = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "m"})
    reload = model_management_pb2.ReloadConfigRequest()
    reload.config.model_config_list.config.add(name="m", base_path="/etc", model_platform="tensorflow")
    tasks = inference_pb2.MultiInferenceRequest()
    tasks.tasks.add(model_spec=spec, method_name="tensorflow/serving/classify")
    service = "PredictionService"
    return [
        *[(f"{service}/Predict", request.SerializeToString()) for request in (files, pixels, scores)] * 3,
        (f"{service}/GetModelMetadata", metadata.SerializeToString()),
        (f"{service}/MultiInference", tasks.SerializeToString()),
        (f"{service}/Classify", files.SerializeToString()),
        (f"{service}/Regress", b""),
        ("ModelService/GetModelStatus", status.SerializeToString()),
        ("ModelService/HandleReloadConfigRequest", reload.SerializeToString()),
    ]
