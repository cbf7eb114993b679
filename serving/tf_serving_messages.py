"""TF Serving's messages, as far as they are needed here, without TensorFlow, which `tensorflow-serving-api` imports.

A process may hold the originals as well. Only numbers and types of fields go over the wire: names of messages are free,
an enum is its number, and a map is a list of entries.
"""

import numpy as np

from .message_builder import messages

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

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

# Message -> field: number and type; `*` marks a repeated field.
_FIELDS = {
    # tensorflow/core/framework
    "Dim": {"size": (1, "int64")},
    "TensorShape": {"dim": (2, "*Dim"), "unknown_rank": (3, "bool")},
    "Tensor": {
        "dtype": (1, "int32"),
        "tensor_shape": (2, "TensorShape"),
        "tensor_content": (4, "bytes"),
        "float_val": (5, "*float"),
        "double_val": (6, "*double"),
        "int_val": (7, "*int32"),
        "string_val": (8, "*bytes"),
        "int64_val": (10, "*int64"),
        "bool_val": (11, "*bool"),
        "uint32_val": (16, "*uint32"),
        "uint64_val": (17, "*uint64"),
    },
    "NamedTensor": {"key": (1, "string"), "value": (2, "Tensor")},
    # tensorflow_serving/apis/model.proto and predict.proto
    "Int64Value": {"value": (1, "int64")},
    "ModelSpec": {
        "name": (1, "string"),
        "version": (2, "Int64Value"),
        "signature_name": (3, "string"),
        "version_label": (4, "string"),
    },
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "*NamedTensor")},
    "PredictResponse": {"outputs": (1, "*NamedTensor"), "model_spec": (2, "ModelSpec")},
    # tensorflow_serving/apis/prediction_log.proto
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictionLog": {"predict_log": (6, "PredictLog")},
    # tensorflow_serving/apis/get_model_status.proto
    "GetModelStatusRequest": {"model_spec": (1, "ModelSpec")},
    "Status": {"error_code": (1, "int32"), "error_message": (2, "string")},
    "ModelVersionStatus": {"version": (1, "int64"), "state": (2, "int32"), "status": (3, "Status")},
    "GetModelStatusResponse": {"model_version_status": (1, "*ModelVersionStatus")},
    # tensorflow/core/protobuf/meta_graph.proto and tensorflow_serving/apis/get_model_metadata.proto
    "TensorInfo": {"dtype": (2, "int32"), "tensor_shape": (3, "TensorShape")},
    "NamedInfo": {"key": (1, "string"), "value": (2, "TensorInfo")},
    "SignatureDef": {"inputs": (1, "*NamedInfo"), "outputs": (2, "*NamedInfo")},
    "NamedSignature": {"key": (1, "string"), "value": (2, "SignatureDef")},
    "SignatureDefMap": {"signature_def": (1, "*NamedSignature")},
    "GetModelMetadataRequest": {"model_spec": (1, "ModelSpec"), "metadata_field": (2, "*string")},
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    "NamedAny": {"key": (1, "string"), "value": (2, "Any")},
    "GetModelMetadataResponse": {"model_spec": (1, "ModelSpec"), "metadata": (2, "*NamedAny")},
}


_CLASSES = messages("fcn_keras.messages", _FIELDS)
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
PredictionLog = _CLASSES["PredictionLog"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
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
    tensor = request.inputs.add(key=name).value
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
