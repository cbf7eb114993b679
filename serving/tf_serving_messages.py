"""TF Serving's messages and settings of models, as far as they are needed here, for the server and the client alike.

They come without `tensorflow-serving-api`, which asks for TensorFlow with CUDA. A process may hold its messages too.
What a message here lacks of the original's fields is kept when it is read, and written again.
"""

import numpy as np

from .message_builder import messages

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
PREDICT = f"/{PREDICTION_SERVICE}/Predict"
GET_MODEL_METADATA = f"/{PREDICTION_SERVICE}/GetModelMetadata"
GET_MODEL_STATUS = f"/{MODEL_SERVICE}/GetModelStatus"

# tensorflow_serving/apis/get_model_status.proto, ModelVersionStatus.State.
STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
# tensorflow/core/framework/types.proto and tensor.proto: number of the type -> its name, and the field of its values.
TYPES = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    5: ("int16", "int_val"),
    6: ("int8", "int_val"),
    7: ("string", "string_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
    17: ("uint16", "int_val"),
    22: ("uint32", "uint32_val"),
    23: ("uint64", "uint64_val"),
}
STRING = 7

# tensorflow/core/protobuf/error_codes.proto
STATUS_CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "UNAUTHENTICATED": 16,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
}
# tensorflow_serving/config/model_server_config.proto
MODEL_TYPES = {"MODEL_TYPE_UNSPECIFIED": 0, "TENSORFLOW": 1, "OTHER": 2}

# Message -> field: number and type, as `message_builder.messages` reads them.
_FIELDS = {
    # tensorflow/core/framework
    "TensorShapeProto.Dim": {"size": (1, "int64"), "name": (2, "string")},
    "TensorShapeProto": {"dim": (2, "*TensorShapeProto.Dim"), "unknown_rank": (3, "bool")},
    "TensorProto": {
        "dtype": (1, "int32"),  # an enum's number
        "tensor_shape": (2, "TensorShapeProto"),
        "tensor_content": (4, "bytes"),
        "half_val": (13, "*int32"),
        "float_val": (5, "*float"),
        "double_val": (6, "*double"),
        "int_val": (7, "*int32"),
        "string_val": (8, "*bytes"),
        "scomplex_val": (9, "*float"),
        "int64_val": (10, "*int64"),
        "bool_val": (11, "*bool"),
        "dcomplex_val": (12, "*double"),
        "uint32_val": (16, "*uint32"),
        "uint64_val": (17, "*uint64"),
    },
    # tensorflow_serving/apis/model.proto and predict.proto
    "ModelSpec": {
        "name": (1, "string"),
        "version": (2, "google.protobuf.Int64Value", "version_choice"),
        "version_label": (4, "string", "version_choice"),
        "signature_name": (3, "string"),
    },
    "PredictRequest": {
        "model_spec": (1, "ModelSpec"),
        "inputs": (2, "string->TensorProto"),
        "output_filter": (3, "*string"),
    },
    "PredictResponse": {"model_spec": (2, "ModelSpec"), "outputs": (1, "string->TensorProto")},
    # tensorflow_serving/apis/classification.proto, regression.proto and inference.proto: what is read to refuse them
    "ClassificationRequest": {"model_spec": (1, "ModelSpec")},
    "RegressionRequest": {"model_spec": (1, "ModelSpec")},
    "InferenceTask": {"model_spec": (1, "ModelSpec"), "method_name": (2, "string")},
    "MultiInferenceRequest": {"tasks": (1, "*InferenceTask")},
    # tensorflow_serving/apis/prediction_log.proto
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictionLog": {
        "classify_log": (2, "OtherLog", "log_type"),
        "regress_log": (3, "OtherLog", "log_type"),
        "predict_log": (6, "PredictLog", "log_type"),
        "predict_streamed_log": (7, "OtherLog", "log_type"),
        "multi_inference_log": (4, "OtherLog", "log_type"),
        "session_run_log": (5, "OtherLog", "log_type"),
    },
    "OtherLog": {},  # its kind is all that counts
    # tensorflow_serving/apis/status.proto and get_model_status.proto
    "Code": STATUS_CODES,
    "StatusProto": {"error_code": (1, "Code"), "error_message": (2, "string")},
    "GetModelStatusRequest": {"model_spec": (1, "ModelSpec")},
    "ModelVersionStatus.State": {name: number for number, name in STATES.items()},
    "ModelVersionStatus": {
        "version": (1, "int64"),
        "state": (2, "ModelVersionStatus.State"),
        "status": (3, "StatusProto"),
    },
    "GetModelStatusResponse": {"model_version_status": (1, "*ModelVersionStatus")},
    # tensorflow/core/protobuf/meta_graph.proto and tensorflow_serving/apis/get_model_metadata.proto
    "TensorInfo": {
        "name": (1, "string", "encoding"),
        "dtype": (2, "int32"),
        "tensor_shape": (3, "TensorShapeProto"),
    },
    "SignatureDef": {
        "inputs": (1, "string->TensorInfo"),
        "outputs": (2, "string->TensorInfo"),
        "method_name": (3, "string"),
        "defaults": (4, "string->TensorProto"),
    },
    "SignatureDefMap": {"signature_def": (1, "string->SignatureDef")},
    "GetModelMetadataRequest": {"model_spec": (1, "ModelSpec"), "metadata_field": (2, "*string")},
    "GetModelMetadataResponse": {
        "model_spec": (1, "ModelSpec"),
        "metadata": (2, "string->google.protobuf.Any"),
    },
    # tensorflow_serving/config/logging_config.proto and log_collector_config.proto
    "LogCollectorConfig": {"type": (1, "string"), "filename_prefix": (2, "string")},
    "PerTaskSamplingConfig": {"dc": (1, "string"), "task_index": (2, "int32"), "sampling_rate": (3, "double")},
    "SamplingConfig": {
        "sampling_rate": (1, "double"),
        "per_task_sampling_configs": (3, "*PerTaskSamplingConfig"),
        "attributes": (2, "int32"),
    },
    "LoggingConfig": {
        "log_collector_config": (1, "LogCollectorConfig"),
        "sampling_config": (2, "SamplingConfig"),
        "custom_logging_config": (3, "google.protobuf.Any"),
    },
    # tensorflow_serving/config/file_system_storage_path_source.proto
    "FileSystemStoragePathSourceConfig": {},
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest": {"num_versions": (1, "uint32")},
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.All": {},
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific": {"versions": (1, "*int64")},
    "FileSystemStoragePathSourceConfig.ServableVersionPolicy": {
        choice.lower(): (number, f"FileSystemStoragePathSourceConfig.ServableVersionPolicy.{choice}", "policy_choice")
        for number, choice in ((100, "Latest"), (101, "All"), (102, "Specific"))
    },
    # tensorflow_serving/config/model_server_config.proto and tensorflow_serving/apis/model_management.proto
    "ModelType": MODEL_TYPES,
    "ModelConfig": {
        "name": (1, "string"),
        "base_path": (2, "string"),
        "model_type": (3, "ModelType"),
        "model_platform": (4, "string"),
        "model_version_policy": (7, "FileSystemStoragePathSourceConfig.ServableVersionPolicy"),
        "version_labels": (8, "string->int64"),
        "logging_config": (6, "LoggingConfig"),
    },
    "ModelConfigList": {"config": (1, "*ModelConfig")},
    "ModelServerConfig": {
        "model_config_list": (1, "ModelConfigList", "config"),
        "custom_model_config": (2, "google.protobuf.Any", "config"),
    },
    "ReloadConfigRequest": {"config": (1, "ModelServerConfig"), "metric_names": (2, "*string")},
    "ReloadConfigResponse": {"status": (1, "StatusProto")},
}


_CLASSES = messages("tensorflow.serving", _FIELDS)
ClassificationRequest = _CLASSES["ClassificationRequest"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
InferenceTask = _CLASSES["InferenceTask"]
ModelServerConfig = _CLASSES["ModelServerConfig"]
ModelSpec = _CLASSES["ModelSpec"]
MultiInferenceRequest = _CLASSES["MultiInferenceRequest"]
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
PredictionLog = _CLASSES["PredictionLog"]
RegressionRequest = _CLASSES["RegressionRequest"]
ReloadConfigRequest = _CLASSES["ReloadConfigRequest"]
ReloadConfigResponse = _CLASSES["ReloadConfigResponse"]
SignatureDefMap = _CLASSES["SignatureDefMap"]


def set_spec(spec, *, model, version=None, label=None, signature=""):
    """Say in a request which model is meant."""
    spec.name = model
    spec.signature_name = signature
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def add_strings(request, name, values):
    """Add an input of bytes, shape `(N,)`, to a `PredictRequest`."""
    tensor = request.inputs[name]
    tensor.dtype = STRING
    tensor.tensor_shape.dim.add(size=len(values))
    tensor.string_val.extend(values)


def to_array(tensor):
    """Read a tensor.

    Returns:
        numpy array; of objects (bytes) for strings.

    Raises:
        ValueError: on a type that is not in `TYPES`, or values that do not fill the shape.
    """
    if tensor.dtype not in TYPES:
        raise ValueError(f"A tensor holds type {tensor.dtype}. Expected one of {[name for name, _ in TYPES.values()]}.")
    name, field = TYPES[tensor.dtype]
    dtype = object if name == "string" else name
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_content and name != "string":
        return np.frombuffer(tensor.tensor_content, np.dtype(name).newbyteorder("<")).reshape(shape)
    values = list(getattr(tensor, field))
    # TensorFlow leaves out what repeats at the end, and zeros altogether.
    array = np.full(
        int(np.prod(shape, dtype=np.int64)), values[-1] if values else (b"" if dtype is object else 0), dtype
    )
    array[: len(values)] = values
    return array.reshape(shape)
