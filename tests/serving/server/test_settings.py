"""TF Serving's text protos, as they are written for it and as they go wrong."""

import re

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.errors import ServingError
from serving.server.settings import (
    All,
    Batching,
    Latest,
    ModelConfig,
    Monitoring,
    Specific,
    models_of,
    read_batching,
    read_models,
    read_monitoring,
)

MODELS = """
model_config_list {
  config { name: "a" base_path: "/models/a" model_platform: "tensorflow" }
  config {
    name: "b" base_path: "/models/b" model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 1 } }
    version_labels { key: "stable" value: 1 }
    version_labels { key: "canary" value: 3 }
  }
  config { name: "c" base_path: "/c" model_type: TENSORFLOW model_version_policy { latest { num_versions: 2 } } }
  config { name: "d" base_path: "/d" model_platform: "tensorflow" model_version_policy { all {} } }
  config { name: "e" base_path: "/e" model_platform: "tensorflow" model_version_policy { latest {} } }
}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "file.config"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_models(write):
    assert read_models(write(MODELS)) == [
        ModelConfig("a", "/models/a", Latest(1), {}),
        ModelConfig("b", "/models/b", Specific((3, 1)), {"stable": 1, "canary": 3}),
        ModelConfig("c", "/c", Latest(2), {}),
        ModelConfig("d", "/d", All(), {}),
        ModelConfig("e", "/e", Latest(1), {}),
    ]
    assert read_models(write("model_config_list {}")) == []


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [(Latest(), [11]), (Latest(2), [3, 11]), (Latest(9), [2, 3, 11]), (All(), [2, 3, 11]), (Specific((11, 5)), [11])],
)
def test_policies(policy, chosen):
    assert policy.choose({11, 2, 3}) == chosen
    assert policy.choose([]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'config { name: "a" base_path: "/a" }',
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform.",
        ),
        (
            'config { name: "a" base_path: "/a" model_platform: "tensorflow" model_type: TENSORFLOW }',
            "Illegal setting both ModelServerConfig::model_type (deprecated) and model_platform.",
        ),
        (
            'config { name: "a" base_path: "/a" model_platform: "caffe" }',
            "Model a requests unsupported platform caffe",
        ),
        (
            'config { name: "a" base_path: "models/a" model_platform: "tensorflow" }',
            "Expected model a to have an absolute path or URI; got base_path()=models/a",
        ),
    ],
)
def test_models_that_tf_serving_refuses(write, text, message):
    text = f"model_config_list {{ {text} }}"
    with pytest.raises(ServingError) as caught:
        models_of(text_format.Parse(text, model_server_config_pb2.ModelServerConfig()))
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", message)
    path = write(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {message}')}$"):
        read_models(path)


def test_a_label_that_is_there_twice(write):
    labels = 'version_labels { key: "stable" value: 1 } version_labels { key: "stable" value: 2 }'
    path = write(MODELS.replace('version_labels { key: "stable" value: 1 }', labels))
    with pytest.raises(ValueError, match=f"^{path}: the label 'stable' of model 'b' is there twice"):
        read_models(path)


def test_other_model_configs_are_refused():
    message = (
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
    )
    with pytest.raises(ServingError) as caught:
        models_of(model_server_config_pb2.ModelServerConfig())
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_batching(write):
    text = """
    max_batch_size { value: 8 }
    batch_timeout_micros { value: 0 }
    max_enqueued_batches { value: 64 }
    num_batch_threads { value: 2 }
    thread_pool_name { value: "batches" }
    allowed_batch_sizes: 1 allowed_batch_sizes: [2, 4]
    allowed_batch_sizes: 8
    """
    assert read_batching(write(text)) == Batching(8, 0, 64, 2, (1, 2, 4, 8))
    defaults = read_batching(write(""))
    assert defaults[:3] == (1000, 0, 10)  # those of TF Serving's shared_batch_scheduler.h
    assert defaults.num_batch_threads >= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size is a whole number from 1 up. Received: 0."),
        ("num_batch_threads { value: -1 }", "num_batch_threads is a whole number from 1 up. Received: -1."),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros is a whole number from 0 up. Received: -1."),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8",
        ),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: [4, 4, 8]",
            "allowed_batch_sizes entries must be increasing. Received: [4, 4, 8].",
        ),
        ("pad_variable_length_inputs: true", "this server does not pad unequal images (pad_variable_length_inputs)"),
        (
            "enable_large_batch_splitting { value: true }",
            "this server does not split requests (enable_large_batch_splitting)",
        ),
    ],
)
def test_batching_that_is_refused(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        read_batching(path)


def test_monitoring(write):
    assert read_monitoring(write('prometheus_config { enable: true path: "/metrics" }')) == Monitoring(True, "/metrics")
    assert read_monitoring(write("prometheus_config { enable: true }")) == Monitoring(
        True, "/monitoring/prometheus/metrics"
    )
    assert read_monitoring(write("")) == Monitoring(False, "/monitoring/prometheus/metrics")


@pytest.mark.parametrize(
    ("read", "message", "example"),
    [
        (read_models, "ModelServerConfig", "model_config_list {"),
        (read_batching, "BatchingParameters", "max_batch_size { value: 8 }"),
        (read_monitoring, "MonitoringConfig", "prometheus_config { enable: true }"),
    ],
)
def test_another_kind_of_file_is_named_with_its_line(write, read, message, example, tmp_path):
    path = write("\n\nmodels: 3\n")
    expected = f"Expected: a text proto of tensorflow.serving.{message}, such as: {example}"
    with pytest.raises(ValueError, match=rf'^{path}:3: .*no field named "models"\. {re.escape(expected)}') as caught:
        read(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=f"^{path}: it is not text. Expected: "):
        read(write(b"\xff\xfe"))
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
