"""Ask a running server, as any client does."""

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


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
