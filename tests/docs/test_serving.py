"""docs/serving.md: its requests fit the signatures, its roll-out runs, its names are those of the code.

That its other blocks run is a matter of tests/docs.
"""

import base64
import json
import re
import shutil
from concurrent import futures
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
import yaml
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from fcn_keras import FCN32s
from serving.errors import ServingError
from serving.export.options import MEMORY
from serving.export.saved_model.frozen_network import freeze
from serving.export.saved_model.limits import Limits
from serving.export.saved_model.signatures import build
from serving.kit.command import CONFIG, NAME
from serving.server import command as server
from serving.server.models.manager import ModelManager, ModelSpec
from serving.server.settings import models_of
from tests.docs import blocks as documentation

DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
TEXT = DOCS.read_text(encoding="utf-8")
TINY = ((4, 1), (4, 1), (4, 1), (4, 1), (4, 1)), 8


def blocks(language):
    return [block.text for block in documentation.blocks("docs/serving.md") if block.language == language]


@pytest.fixture(scope="module")
def signatures():
    network, _ = freeze(FCN32s(4, channels=TINY))
    functions = {name: f.get_concrete_function() for name, f in build(network, limits=Limits(9, 9, 9)).items()}
    return {
        name: ({spec.name for spec in f.structured_input_signature[0]}, set(f.structured_outputs))
        for name, f in functions.items()
    }


def check_signatures(text, signatures):
    """Fail where the table, the request or its answer do not have the model's names."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert {name: tuple(set(re.findall(r"`(\w+)`", cell)) for cell in cells) for name, *cells in rows} == signatures
    inputs, outputs = signatures["serving_default"]
    request, answer = re.search(r'echo "(.*)" >', text)[1], re.search(r"```json\n(.*?)```", text, re.DOTALL)[1]
    request = json.loads(request.replace('\\"', '"').replace("$(base64 -w0 photo.jpg)", "aGk="))
    assert [set(row) for row in request["instances"]] == [inputs]
    assert [set(row) for row in json.loads(answer)["predictions"]] == [outputs]
    assert base64.b64decode(request["instances"][0]["image_bytes"]["b64"]) == b"hi"


def test_the_signatures_are_the_model_s(signatures):
    check_signatures(TEXT, signatures)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`predict_tensors` |", "`predict_pixels` |"),
        ("`label` [N,H,W]", "`labels` [N,H,W]"),
        ('"image_bytes\\', '"jpeg_bytes\\'),
        ('"label_png_bytes"', '"mask_png_bytes"'),
        (', "status": ""', ""),
    ],
)
def test_a_renamed_signature_is_caught(signatures, old, new):
    assert old in TEXT
    with pytest.raises(AssertionError):
        check_signatures(TEXT.replace(old, new), signatures)


def configs(base_path):
    """Read the roll-out's steps, each as `models.config` with these lines instead of its own."""
    for lines in blocks("textproto"):
        config = text_format.Parse((CONFIG / "models.config").read_text(), ModelServerConfig())
        (model,) = config.model_config_list.config
        model.ClearField("model_version_policy")
        model.ClearField("version_labels")
        text_format.Merge(lines, model)
        model.base_path = str(base_path)
        yield models_of(config)


def test_the_roll_out_runs_as_written(tmp_path):
    """On the local server's models, which keep TF Serving's rules of labels."""
    module = tf.Module()
    module.run = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], name="x")])
    for version in ("1", "2"):
        tf.saved_model.save(module, str(tmp_path / version), signatures=module.run)
    start, beside, promoted, rolled_back, unloaded = configs(tmp_path)

    def state(models):
        """Say which version a label means, and which versions are loaded."""
        loaded = {status.version for status in models.status(NAME) if status.state == "AVAILABLE"}
        labels = {}
        for label in ("stable", "canary", None):
            with suppress(ServingError), models.use(ModelSpec(NAME, label=label)) as servable:
                labels[label] = servable.version
        return labels, loaded

    models = ModelManager(start, allow_labels_of_unavailable=True)
    try:
        models.start()
        assert state(models) == ({"stable": 1, None: 1}, {1})
        with pytest.raises(ServingError, match=r"assign label to version 2 .* not currently available"):
            models.reload(promoted)  # label first, load then
        assert state(models) == ({"stable": 1, None: 1}, {1})
        models.reload(beside)
        assert state(models) == ({"stable": 1, "canary": 2, None: 2}, {1, 2})
        models.reload(promoted)
        assert state(models) == ({"stable": 2, None: 2}, {1, 2})
        models.reload(rolled_back)
        assert state(models) == ({"stable": 1, None: 2}, {1, 2})
        models.reload(promoted)
        models.reload(unloaded)
        assert state(models) == ({"stable": 2, None: 2}, {2})
    finally:
        models.close()


def test_the_reload_request_is_sent_as_written(tmp_path, monkeypatch, capsys):
    received = []

    class Service(model_service_pb2_grpc.ModelServiceServicer):
        def HandleReloadConfigRequest(self, request, context):
            received.append(request)
            return model_management_pb2.ReloadConfigResponse()

    server = grpc.server(futures.ThreadPoolExecutor(1))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    (code,) = (block for block in blocks("python") if "HandleReloadConfigRequest" in block)
    shutil.copytree(CONFIG, tmp_path / "kit")
    monkeypatch.chdir(tmp_path)
    exec(code.replace("localhost:8500", f"127.0.0.1:{port}"), {})
    server.stop(None).wait()
    (request,) = received
    assert [model.name for model in request.config.model_config_list.config] == [NAME]
    assert capsys.readouterr().out == "\n"  # "nothing when all is well"


def test_names_are_those_of_the_kit_and_the_pins():
    pinned = re.search(r"^tensorflow==(\S+?);", (DOCS.parents[1] / "requirements.txt").read_text(), re.MULTILINE)[1]
    assert set(re.findall(r"tensorflow/serving:([\w.]+)", TEXT)) == {pinned}
    assert set(re.findall(r"/v1/models/(\w+)", TEXT)) == {NAME}
    assert set(re.findall(r"localhost:(\d+)", TEXT)) == {"8500", "8501", "3000", "9090"}
    listed = re.search(r"^\| file \| what it is \|$(.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)[1]
    files = {name.strip("/") for row in listed.splitlines()[2:] for name in re.findall(r"`(\S+?)`", row.split("|")[1])}
    assert files == {path.name for path in CONFIG.iterdir()}
    dashboard = (CONFIG / "grafana/dashboards/serving.json").read_text()
    shown = set(re.findall(r"(:tensorflow:serving:[\w:]+?)(?:_bucket)?[,{[]", dashboard))
    assert set(re.findall(r"`(:tensorflow:serving:[\w:]+)`", TEXT)) == shown
    (path,) = re.findall(r'path: "(.*)"', (CONFIG / "monitoring.config").read_text())
    assert f"http://localhost:8501{path}`" in TEXT
    kubernetes = (CONFIG / "k8s/deployment.yaml").read_text()
    memory, request = re.search(r"^\| (\d+) \(default\) \| 64 000 000 \| (\w+) \|$", TEXT, re.MULTILINE).groups()
    assert int(memory) == MEMORY
    assert request == re.search(r'memory: "(\w+)"', kubernetes)[1]


def test_the_local_server_has_the_options_of_the_container():
    compose = yaml.safe_load((CONFIG / "compose.yaml").read_text())
    options = server.build_parser().parse_args(compose["services"]["serving"]["command"])
    assert options.batching
    assert options.allow_version_labels_for_unavailable_models
    assert options.model_config_file == "/config/models.config"
