"""The files around TensorFlow Serving: each fits its schema, and all speak of one model, one set of ports and paths."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.kit.command import CONFIG, NAME, kit, main
from serving.server.metrics import Metrics
from serving.server.settings import read_batching, read_models, read_monitoring
from tests.serving.kit.kit_schemas import COMPOSE, DASHBOARDS, KSERVE, KUSTOMIZATION, PROMETHEUS, SOURCES

ROOT = Path(__file__).resolve().parents[3]
REST, GRPC = 8501, 8500  # the ports of the image tensorflow/serving
TEXT_PROTOS = ("models.config", "batching.config", "monitoring.config")
KUBERNETES = ("k8s/volume.yaml", "k8s/deployment.yaml", "k8s/service.yaml", "k8s/autoscaler.yaml")
# What tensorflow/serving of `requirements.txt`'s TensorFlow reports beside what the local server does.
QUEUE = {":tensorflow:serving:batching_session:queuing_latency_bucket": {"thread_pool_name", "le"}}


def load(folder, name):
    """Read the documents of a YAML file."""
    return list(yaml.load_all((folder / name).read_text(), yaml.CSafeLoader))


def read(folder, name, schema):
    (document,) = load(folder, name)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def pinned_tensorflow():
    return re.search(r"^tensorflow==(\S+?);", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[1]


def check(folder, name):
    """Fail where the files of a kit do not fit their schemas or one another."""
    metrics_path = check_text_protos(folder, name)
    arguments = check_compose(folder, name, metrics_path)
    check_kubernetes(folder, name, metrics_path, arguments)
    check_kserve(folder, name)
    check_grafana(folder)


def check_text_protos(folder, name):
    models = text_format.Parse((folder / "models.config").read_text(), ModelServerConfig()).model_config_list.config
    assert [(model.name, model.base_path) for model in models] == [(name, f"/models/{name}")]
    assert models[0].model_platform == "tensorflow"
    assert dict(models[0].version_labels) == {"stable": 1}
    assert list(models[0].model_version_policy.specific.versions) == [1]
    # The local server takes the same files; it holds the messages that `tensorflow-serving-api` leaves out.
    assert [model.name for model in read_models(folder / "models.config")] == [name]
    batching = read_batching(folder / "batching.config")
    assert batching.allowed_batch_sizes == tuple(range(1, batching.max_batch_size + 1))  # no dummy rows
    monitoring = read_monitoring(folder / "monitoring.config")
    assert monitoring.enabled
    return monitoring.path


def check_compose(folder, name, metrics_path):
    """Return the server's arguments."""
    compose = read(folder, "compose.yaml", COMPOSE)
    serving = compose["services"]["serving"]
    assert serving["image"] == f"tensorflow/serving:{pinned_tensorflow()}"
    assert serving["ports"] == [f"127.0.0.1:{port}:{port}" for port in (GRPC, REST)]
    mounts = {volume.rsplit(":", 2)[-2]: volume for volume in serving["volumes"]}
    assert mounts == {"/config": ".:/config:ro", "/models": "${MODELS:-./models}:/models:ro"}
    assert serving["healthcheck"]["test"] == ["CMD", "/bin/bash", "/config/ready.sh", name]
    check_arguments(folder, serving["command"])
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (folder / source).exists() or source in compose["volumes"] or source.startswith("$")
    (scrape,) = read(folder, "prometheus.yml", PROMETHEUS)["scrape_configs"]
    assert scrape["metrics_path"] == metrics_path
    assert scrape["static_configs"] == [{"targets": [f"serving:{REST}"]}]
    return serving["command"]


def check_arguments(folder, arguments):
    options = dict(argument.removeprefix("--").split("=") for argument in arguments)
    files = {key: value for key, value in options.items() if key.endswith("_file")}
    assert set(files) == {"model_config_file", "monitoring_config_file", "batching_parameters_file"}
    for path in files.values():
        assert path.startswith("/config/")
        assert (folder / path.removeprefix("/config/")).is_file()
    assert options["enable_batching"] == "true"  # the server refuses the file without it
    assert options["allow_version_labels_for_unavailable_models"] == "true"  # or it does not start with labels
    assert int(options["model_config_file_poll_wait_seconds"]) > 0


def check_kubernetes(folder, name, metrics_path, arguments):
    kustomization = read(folder, "kustomization.yaml", KUSTOMIZATION)
    assert kustomization["resources"] == list(KUBERNETES)
    (generated,) = kustomization["configMapGenerator"]
    assert generated["name"] == f"{name}-config"
    assert set(generated["files"]) == {*TEXT_PROTOS, "ready.sh"}
    assert all((folder / file).is_file() for file in generated["files"])
    assert kustomization["generatorOptions"]["disableNameSuffixHash"]

    documents = [document for file in KUBERNETES for document in load(folder, file)]
    for document in documents:
        validate_kubernetes(json.dumps(document))
    volume, deployment, service, pods, autoscaler = documents
    template = deployment["spec"]["template"]
    labels = {"app.kubernetes.io/name": name}
    assert template["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"] == labels
    assert template["metadata"]["annotations"]["prometheus.io/path"] == metrics_path
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(REST)
    sources = {v["name"]: v for v in template["spec"]["volumes"]}
    assert sources["models"]["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
    assert sources["config"]["configMap"]["name"] == generated["name"]
    (container,) = template["spec"]["containers"]
    check_container(container, name, arguments)
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert template["spec"]["terminationGracePeriodSeconds"] > wait > 30  # REST's limit of a request

    assert service["spec"]["selector"] == pods["spec"]["selector"] == labels
    assert {p["name"]: p["port"] for p in service["spec"]["ports"]} == {"rest": REST, "grpc": GRPC}
    assert pods["spec"]["clusterIP"] == "None"
    assert deployment["metadata"]["name"] == service["metadata"]["name"] == name
    target = autoscaler["spec"]["scaleTargetRef"]
    assert {key: target[key] for key in ("apiVersion", "kind")} == {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert target["name"] == name


@functools.cache  # most files are those of the check before, and each reads schemas of a megabyte
def validate_kubernetes(document):
    kubernetes_validate.validate(json.loads(document), "1.37", strict=True)


def check_container(container, name, arguments):
    assert container["image"] == f"tensorflow/serving:{pinned_tensorflow()}"
    own = dict(argument.split("=") for argument in container["args"][len(arguments) :])
    assert container["args"][: len(arguments)] == arguments
    cores = container["resources"]["requests"]["cpu"]
    assert own == {f"--tensorflow_{kind}_op_parallelism": cores for kind in ("intra", "inter")}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"grpc": GRPC, "rest": REST}
    assert container["readinessProbe"]["exec"]["command"] == ["/bin/bash", "/config/ready.sh", name]
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["tcpSocket"] == {"port": "grpc"}
    assert {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]} == {
        "models": "/models",
        "config": "/config",
    }


def check_kserve(folder, name):
    service = read(folder, "kserve/inference_service.yaml", KSERVE)
    (claim,), (deployment,) = load(folder, "k8s/volume.yaml"), load(folder, "k8s/deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    model = service["spec"]["predictor"]["model"]
    assert service["metadata"]["name"] == name
    assert model["storageUri"] == f"pvc://{claim['metadata']['name']}/{name}"
    assert model["runtimeVersion"] == pinned_tensorflow()
    assert model["resources"] == container["resources"]


def check_grafana(folder):
    compose = read(folder, "compose.yaml", COMPOSE)
    (source,) = read(folder, "grafana/provisioning/datasources/prometheus.yaml", SOURCES)["datasources"]
    (provider,) = read(folder, "grafana/provisioning/dashboards/dashboards.yaml", DASHBOARDS)["providers"]
    mounts = {v.split(":")[1]: v.split(":")[0] for v in compose["services"]["grafana"]["volumes"]}
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]
    assert mounts["/etc/grafana/provisioning"] == "./grafana/provisioning"
    (file,) = (folder / mounts[provider["options"]["path"]]).iterdir()
    dashboard = json.loads(file.read_text())
    known = reported_metrics()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == panel["datasource"]["uid"] == source["uid"]
            check_query(target["expr"], known)
    (variable,) = dashboard["templating"]["list"]
    metric, label = re.fullmatch(r"label_values\((\S+), (\w+)\)", variable["query"]["query"]).groups()
    assert label in known[metric]


def check_query(query, known):
    (metric,) = re.findall(r":tensorflow[\w:]+", query)
    assert metric in known
    (grouped,) = re.findall(r"by \(([\w, ]+)\)", query)
    selected = re.findall(r'(\w+)=~?"', query)
    assert {*grouped.split(", "), *selected} <= known[metric]
    assert query.count("(") == query.count(")")


def reported_metrics():
    """Name the time series with their labels, as the local server writes them and TensorFlow Serving does."""
    metrics = Metrics()
    metrics.request(model="m", api="Predict", entrypoint="REST", code="OK", seconds=1)
    metrics.runtime(model="m", seconds=1)
    samples = re.findall(r"^([\w:]+){(.*?)}", metrics.page().decode(), re.MULTILINE)
    return {name: set(re.findall(r'(\w+)="', labels)) for name, labels in samples} | QUEUE


def test_the_schemas_are_schemas():
    for schema in (COMPOSE, KSERVE, PROMETHEUS, KUSTOMIZATION, SOURCES, DASHBOARDS):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_files_fit_their_schemas_and_one_another():
    check(CONFIG, NAME)


def test_the_dashboard_shows_what_an_operator_asks_for():
    dashboard = json.loads((CONFIG / "grafana/dashboards/serving.json").read_text())
    queries = {panel["title"]: [t["expr"] for t in panel["targets"]] for panel in dashboard["panels"]}
    shown = " ".join(query for of_panel in queries.values() for query in of_panel)
    assert re.findall(r"histogram_quantile\((0\.\d+), .*?:(\w+)_bucket", shown) == [
        (quantile, metric)
        for metric in ("request_latency", "runtime_latency", "queuing_latency")
        for quantile in ("0.5", "0.99")
    ]
    assert "by (status) (rate(:tensorflow:serving:request_count" in shown
    assert "by (le, entrypoint) (rate(:tensorflow:serving:request_latency" in shown


@pytest.mark.parametrize("name", ["road", "on", "a2-b"])  # `on` alone is a boolean in YAML
def test_a_kit_of_another_name_is_as_consistent(tmp_path, name):
    folder = kit(name, tmp_path / "new" / "kit")
    check(folder, name)
    assert not re.search(rf"\b{NAME}\b", "".join(p.read_text() for p in folder.rglob("*") if p.is_file()))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["kit"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models.config", 'name: "fcn"', 'name: "road"'),
        ("models.config", "/models/fcn", "/models/road"),
        ("models.config", "versions:", "version:"),
        ("batching.config", "max_batch_size { value: 8 }", "max_batch_size { value: 16 }"),
        ("batching.config", "max_enqueued_batches", "max_queue"),
        ("monitoring.config", "/monitoring/prometheus/metrics", "/metrics"),
        ("compose.yaml", "2.21.0", "2.20.0"),
        ("compose.yaml", "2.21.0", "latest"),
        ("compose.yaml", '"/config/ready.sh", "fcn"', '"/config/ready.sh", "road"'),
        ("compose.yaml", "--batching_parameters_file=/config/batching.config", "--batching_parameters_file=/x"),
        ("compose.yaml", "healthcheck:", "health_check:"),
        ("prometheus.yml", "8501", "8500"),
        ("prometheus.yml", "scrape_interval", "scrape_every"),
        ("kustomization.yaml", '"fcn-config"', '"road-config"'),
        ("k8s/volume.yaml", "fcn-models", "road-models"),
        ("k8s/deployment.yaml", '"/config/ready.sh", "fcn"', '"/config/ready.sh", "road"'),
        ("k8s/deployment.yaml", "inter_op_parallelism=4", "inter_op_parallelism=8"),
        ("k8s/deployment.yaml", "containerPort: 8501", "containerPort: 8502"),
        ("k8s/deployment.yaml", "failureThreshold", "failureTreshold"),
        ("k8s/deployment.yaml", '"/bin/sleep", "40"', '"/bin/sleep", "60"'),
        ("k8s/service.yaml", 'app.kubernetes.io/name: "fcn"', 'app.kubernetes.io/name: "road"'),
        ("k8s/autoscaler.yaml", 'name: "fcn"', 'name: "road"'),
        ("k8s/autoscaler.yaml", "averageUtilization: 70", "averageUtilization: high"),
        ("kserve/inference_service.yaml", 'name: "fcn"', 'name: "road"'),
        ("kserve/inference_service.yaml", "storageUri", "storageURI"),
        ("grafana/dashboards/serving.json", "request_latency", "request_time"),
        ("grafana/dashboards/serving.json", "by (status)", "by (code)"),
        ("grafana/provisioning/datasources/prometheus.yaml", 'uid: "prometheus"', 'uid: "other"'),
    ],
)
def test_a_change_in_one_file_alone_is_caught(tmp_path, file, old, new):
    folder = tmp_path / "kit"
    shutil.copytree(CONFIG, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    invalid = (jsonschema.ValidationError, kubernetes_validate.ValidationError, text_format.ParseError, ValueError)
    with pytest.raises((AssertionError, *invalid)):
        check(folder, NAME)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    assert main(["road", str(tmp_path / "kit")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'kit'}\n"
    (tmp_path / "file").write_text("")
    for name, directory, message in [
        ("Road", "new", "at most 40 lower-case letters, digits and hyphens"),
        ("road_fcn8s", "new", "Received: 'road_fcn8s'. Rename the model's folder to match."),
        ("8s", "new", "starts with a letter"),
        ("road-", "new", "does not end with a hyphen"),
        ("a" * 41, "new", "at most 40"),
        ("road", "kit", "kit is there already, and may hold your changes"),
        ("road", "file/kit", "file is not a folder. Choose another"),
    ]:
        assert main([name, str(tmp_path / directory)]) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("fcn-kit: ")
        assert output.err.count("\n") == 1
        assert message in output.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "kit"]


def status(state, whitespace=" "):
    body = {"model_version_status": [{"version": "1", "state": state, "status": {"error_code": "OK"}}]}
    separators = (",", ":" + whitespace)
    return json.dumps(body, indent=1 if whitespace else None, separators=separators).encode()


@pytest.fixture
def answering():
    """Serve `answers[path]`, a status code and a body, on `answers["port"]`."""
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            code, body = answers[self.path]
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        answers["port"] = server.server_port
        yield answers
        server.shutdown()


def ready(name, port):
    return subprocess.run(["bash", CONFIG / "ready.sh", name, str(port)], capture_output=True).returncode == 0


def test_readiness_looks_into_the_body(answering):
    port = answering["port"]
    path = "/v1/models/fcn"
    for answer, expected in [
        ((200, status("AVAILABLE")), True),
        ((200, status("AVAILABLE", whitespace="")), True),
        ((200, status("LOADING")), False),
        ((200, status("UNLOADING") + status("AVAILABLE")), True),  # the one before goes while the next serves
        ((200, status("END")), False),
        ((404, b'{\n    "error": "Could not find any versions of model fcn"\n}'), False),
        ((200, b""), False),
    ]:
        answering[path] = answer
        assert ready("fcn", port) is expected, answer
    answering["/v1/models/road"] = (200, status("AVAILABLE"))
    answering[path] = (200, status("LOADING"))
    assert ready("road", port)
    assert not ready("fcn", port)


def test_readiness_without_a_server_fails():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert not ready("fcn", port)
