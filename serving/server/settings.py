"""TF Serving's files of settings: text protos of models, batching, monitoring and TLS.

The fields of what only a server reads are listed here as in TF Serving's `session_bundle_config.proto`,
`monitoring_config.proto` and `ssl_config.proto`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from google.protobuf import text_format

from ..errors import ServingError
from ..message_builder import messages
from ..tf_serving_messages import MODEL_TYPES, ModelServerConfig

PLATFORM = "tensorflow"
DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"

_CLASSES = messages(
    "tensorflow.serving",
    {
        "BatchingParameters": {
            "max_batch_size": (1, "google.protobuf.Int64Value"),
            "batch_timeout_micros": (2, "google.protobuf.Int64Value"),
            "max_enqueued_batches": (3, "google.protobuf.Int64Value"),
            "num_batch_threads": (4, "google.protobuf.Int64Value"),
            "thread_pool_name": (5, "google.protobuf.StringValue"),
            "allowed_batch_sizes": (6, "*int64"),
            "pad_variable_length_inputs": (7, "bool"),
            "enable_large_batch_splitting": (8, "google.protobuf.BoolValue"),
            "max_execution_batch_size": (9, "google.protobuf.Int64Value"),
        },
        "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
        "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
        # A `ModelServerConfig` whose labels are a list and no map, to see each of them.
        "LabelOfVersion": {"key": (1, "string"), "value": (2, "int64")},
        "LabelsOfModel": {"name": (1, "string"), "version_labels": (2, "*LabelOfVersion")},
        "LabelsOfModels": {"config": (1, "*LabelsOfModel")},
        "LabelsOfConfigs": {"model_config_list": (1, "LabelsOfModels")},
        "SSLConfig": {
            "server_key": (1, "string"),
            "server_cert": (2, "string"),
            "custom_ca": (3, "string"),
            "client_verify": (4, "bool"),
        },
    },
)
BatchingParameters = _CLASSES["BatchingParameters"]
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]


class Latest(NamedTuple):
    """The versions with the highest numbers."""

    num_versions: int = 1

    def choose(self, versions):
        return sorted(versions)[-self.num_versions :]


class All(NamedTuple):
    """Every version there is."""

    def choose(self, versions):
        return sorted(versions)


class Specific(NamedTuple):
    """The versions that are listed."""

    versions: tuple[int, ...]

    def choose(self, versions):
        return sorted(set(versions) & set(self.versions))


class ModelConfig(NamedTuple):
    """One model to serve: where its versions are, which of them, and the labels of some."""

    name: str
    base_path: str
    policy: Latest | All | Specific = Latest()
    labels: Mapping[str, int] = MappingProxyType({})


class Batching(NamedTuple):
    """How requests are merged; the defaults are TF Serving's."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()


class Monitoring(NamedTuple):
    """Whether metrics are served, and under which path."""

    enabled: bool = False
    path: str = DEFAULT_METRICS_PATH


def read_models(path):
    """Read a `--model_config_file` into a list of `ModelConfig`.

    Raises:
        ValueError: on what TF Serving would not start with; it names the file and, where there is one, the line.
        OSError: if the file cannot be read.
    """
    example = 'model_config_list { config { name: "fcn" ... } }'
    config = _read(path, ModelServerConfig, example, check=_check_labels)
    try:
        return models_of(config)
    except ServingError as error:
        raise ValueError(f"{path}: {error.message}") from None


def _check_labels(path, text):
    """Refuse a label that one model has twice, of which the parser keeps the last without a word."""
    config = text_format.Parse(text, _CLASSES["LabelsOfConfigs"](), allow_unknown_field=True)
    for model in config.model_config_list.config:
        labels = [entry.key for entry in model.version_labels]
        if doubled := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(
                f"{path}: the label {doubled!r} of model {model.name!r} is there twice. A label points to one version."
            )


def models_of(config):
    """Convert a `ModelServerConfig` message into a list of `ModelConfig`.

    Raises:
        ServingError: INVALID_ARGUMENT on what TF Serving refuses.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise _invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )
    return [_model(model) for model in config.model_config_list.config]


def _model(model):
    if model.model_type and model.model_platform:
        raise _invalid("Illegal setting both ModelServerConfig::model_type (deprecated) and model_platform.")
    if not model.model_type and not model.model_platform:
        raise _invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform."
        )
    platform = model.model_platform or _type_name(model.model_type).lower()
    if platform != PLATFORM:
        raise _invalid(f"Model {model.name} requests unsupported platform {platform}")
    if not os.path.isabs(model.base_path):
        raise _invalid(
            f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
        )
    return ModelConfig(model.name, model.base_path, _policy(model.model_version_policy), dict(model.version_labels))


def _type_name(number):
    return next((name for name, known in MODEL_TYPES.items() if known == number), str(number))


def _policy(policy):
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return All()
    if choice == "specific":
        return Specific(tuple(policy.specific.versions))
    return Latest(max(policy.latest.num_versions, 1))


def read_batching(path):
    """Read a `--batching_parameters_file`, or a version's `batching_params.pbtxt`, into a `Batching`.

    Raises:
        ValueError: on a value that TF Serving refuses or this server does not know; it names the file.
        OSError: if the file cannot be read.
    """
    message = _read(path, BatchingParameters, "max_batch_size { value: 8 } batch_timeout_micros { value: 2000 }")
    values = {name: getattr(message, name).value for name in Batching._fields[:4] if message.HasField(name)}
    for name, value in values.items():
        lowest = 0 if name == "batch_timeout_micros" else 1
        if value < lowest:
            raise ValueError(f"{path}: {name} is a whole number from {lowest} up. Received: {value}.")
    batching = Batching(**values, allowed_batch_sizes=tuple(message.allowed_batch_sizes))
    _check_sizes(path, batching)
    if message.pad_variable_length_inputs:
        raise ValueError(
            f"{path}: this server does not pad unequal images (pad_variable_length_inputs), whose masks TF Serving "
            "would not crop. Leave it out; images of each size are merged by themselves."
        )
    if message.enable_large_batch_splitting.value:
        raise ValueError(
            f"{path}: this server does not split requests (enable_large_batch_splitting). Leave it out, and send at "
            "most max_batch_size images in one request."
        )
    return batching


def _check_sizes(path, batching):
    sizes = batching.allowed_batch_sizes
    if list(sizes) != sorted(set(sizes)):
        raise ValueError(f"{path}: allowed_batch_sizes entries must be increasing. Received: {list(sizes)}.")
    if sizes and sizes[-1] != batching.max_batch_size:
        raise ValueError(
            f"{path}: Last entry in allowed_batch_sizes must match max_batch_size; last entry was {sizes[-1]}; "
            f"expected {batching.max_batch_size}"
        )


def read_monitoring(path):
    """Read a `--monitoring_config_file` into a `Monitoring`.

    Raises:
        ValueError: on another kind of file, named with its line.
        OSError: if the file cannot be read.
    """
    config = _read(path, MonitoringConfig, "prometheus_config { enable: true }").prometheus_config
    return Monitoring(config.enable, config.path or DEFAULT_METRICS_PATH)


def read_ssl(path):
    """Read an `--ssl_config_file` into an `SSLConfig` message.

    Raises:
        ValueError: on another kind of file, named with its line.
        OSError: if the file cannot be read.
    """
    return _read(path, SSLConfig, 'server_key: "-----BEGIN ..." server_cert: "-----BEGIN ..."')


def _read(path, kind, example, check=None):
    """Parse a text proto; `check(path, text)` sees its text besides."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        message = text_format.Parse(text, kind())
        if check:
            check(path, text)
        return message
    except text_format.ParseError as error:
        line = f":{error.GetLine()}" if error.GetLine() else ""
        reason = str(error).split(" : ", 1)[-1]
    except UnicodeDecodeError:
        line, reason = "", "it is not text"
    raise ValueError(
        f"{path}{line}: {reason.rstrip('.')}. Expected: a text proto of tensorflow.serving.{kind.DESCRIPTOR.name}, "
        f"such as: {example}"
    )


def _invalid(message):
    return ServingError("INVALID_ARGUMENT", message)
