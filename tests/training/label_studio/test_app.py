"""What a project is answered, and who may ask."""

import asyncio
import base64
import json
import logging

import numpy as np
import pytest

from tests.training.annotations.test_label_studio_runs import by_bits
from tests.training.exported.files import onnx_file, scores_of
from tests.training.label_studio.projects import BRUSHES, TREES, noise
from tests.training.tiny import write
from training.label_studio.app import Backend, application
from training.label_studio.images import Images
from training.labelling.net import LabellingNet

TASKS = [{"id": number, "data": {"picture": f"/data/local-files/?d={number}.png"}} for number in (3, 5)]


@pytest.fixture
def backend(tmp_path):
    for number in (3, 5):
        write(tmp_path / "served" / f"{number}.png", noise(number))
    return Backend(LabellingNet(onnx_file(tmp_path / "net.onnx")), Images(tmp_path / "served"), 1)


def asked(app, method, path, body=b"", headers=()):
    """Ask an ASGI application; return the status and what its JSON says."""
    sent = []
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": list(headers), "http_version": "1.1", "scheme": "http", "root_path": ""}
    scope |= {"server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}
    given = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def receive():
        return {"type": "http.request", "body": given, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent[1:]) or b"null")


def test_a_project_is_connected_and_predicted(backend):
    app = application(backend)
    status, health = asked(app, "GET", "/health")
    assert (status, health["status"]) == (200, "UP")
    setup = {"project": "1.1700000000", "schema": BRUSHES, "hostname": "http://x", "access_token": "secret"}
    status, answer = asked(app, "POST", "/setup", setup)
    version = answer["model_version"]
    assert (status, version) == (200, health["model_version"])
    assert asked(app, "POST", "/versions", {"project": "1"}) == (200, {"versions": [version]})
    request = {
        "tasks": TASKS,
        "model_version": version,
        "project": "1.1700000000",
        "label_config": TREES,
        "params": {},
    }
    status, answer = asked(app, "POST", "/predict", request)
    assert status == 200
    assert len(answer["results"]) == 2
    for number, result in zip((3, 5), answer["results"], strict=True):
        assert result["model_version"] == version
        truth = scores_of(noise(number)).argmax(-1)
        (tree,) = [item for item in result["result"] if item["value"].get("brushlabels") == ["tree"]]
        np.testing.assert_array_equal(by_bits(tree["value"]["rle"]).reshape(9, 14, 4)[..., 3] > 0, truth == 3)
    for path in ("/webhook", "/metrics"):
        assert asked(app, "POST" if path == "/webhook" else "GET", path, {"action": "X"}) == (200, {})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Expecting property name"),
        (b"[]", "Expected a JSON object."),
        (b"[" * 100_000, "nested too deeply"),
        ({}, "Expected a list of tasks."),
        ({"tasks": [3]}, "Expected a list of tasks."),
        ({"tasks": TASKS}, "Expected the labelling configuration as text."),
        ({"tasks": TASKS, "label_config": "<View/>"}, "no PolygonLabels with a class of the net"),
        ({"tasks": [{"id": 9}], "label_config": BRUSHES}, "Task 9 has no address"),
        (
            {"tasks": [{"id": 9, "data": {"picture": "/data/local-files/?d=../net.onnx"}}], "label_config": BRUSHES},
            "leads out of the folder of local files",
        ),
        ({"tasks": [{"id": 9, "data": {"picture": "\ud800"}}], "label_config": BRUSHES}, r"\ud800 is no place of"),
        ({"tasks": [{"id": 9, "data": "text"}], "label_config": BRUSHES}, "Task 9 has no address"),
    ],
)
def test_wrong_requests_are_answered_with_the_reason(backend, body, message, caplog):
    with caplog.at_level(logging.WARNING, "fcn_keras_console"):
        status, answer = asked(application(backend), "POST", "/predict", body)
    assert status == 400
    assert message in answer["error"]


def test_a_project_without_labels_can_be_connected(backend):
    assert asked(application(backend), "POST", "/setup", {"schema": "<View/>"})[0] == 200


def test_a_password(backend):
    app = application(backend, ("me", "word"))
    assert asked(app, "GET", "/health")[0] == 401
    for given, status in ((b"me:word", 200), (b"me:other", 401), (b"", 401)):
        header = (b"authorization", b"Basic " + base64.b64encode(given))
        assert asked(app, "GET", "/health", headers=[header])[0] == status
