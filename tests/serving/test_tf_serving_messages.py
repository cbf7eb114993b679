"""Our messages against the real ones, in one process: what either writes, the other reads whole, byte for byte."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format, unknown_fields
from google.protobuf.descriptor import FieldDescriptor
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from serving import tf_serving_messages as messages
from serving.client.rpc import CODES
from serving.server.rpc.services import ModelService, PredictionService

REAL = {
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "PredictionLog": prediction_log_pb2.PredictionLog,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "ClassificationRequest": classification_pb2.ClassificationRequest,
    "RegressionRequest": regression_pb2.RegressionRequest,
    "MultiInferenceRequest": inference_pb2.MultiInferenceRequest,
    "ModelServerConfig": model_server_config_pb2.ModelServerConfig,
    "ReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    "ReloadConfigResponse": model_management_pb2.ReloadConfigResponse,
}
OTHER_LOGS = {"classify_log", "regress_log", "predict_streamed_log", "multi_inference_log", "session_run_log"}
ON_THE_WIRE = {FieldDescriptor.TYPE_ENUM: FieldDescriptor.TYPE_INT32}  # both are varints


@pytest.mark.parametrize("name", REAL)
def test_every_field_is_the_real_one(name):
    compare(getattr(messages, name).DESCRIPTOR, REAL[name].DESCRIPTOR)


def compare(ours, real):
    """Compare the fields of a message, and of those in it."""
    assert ours.name == real.name
    if not ours.fields:
        assert not real.fields, ours.full_name
    for field in ours.fields:
        if field.name in OTHER_LOGS:  # refused by their names
            assert field.number == real.fields_by_name[field.name].number
            continue
        model = real.fields_by_name[field.name]
        assert field.number == model.number, field.full_name
        assert field.type in (model.type, ON_THE_WIRE.get(model.type)), field.full_name
        assert field.is_repeated == model.is_repeated, field.full_name
        assert (field.containing_oneof and field.containing_oneof.name) == _oneof(model), field.full_name
        if field.enum_type:
            numbers = {value.name: value.number for value in model.enum_type.values}
            ours_too = {value.name: value.number for value in field.enum_type.values}
            assert {name: numbers[name] for name in numbers if not name.startswith("DO_NOT_USE")} == ours_too
        if field.message_type:
            compare(field.message_type, model.message_type)


def _oneof(field):
    """Name the `oneof` of a field; one that protobuf makes up for `optional` counts for none."""
    oneof = field.containing_oneof
    return oneof.name if oneof is not None and not oneof.name.startswith("_") else None


def test_enums_are_the_real_ones():
    assert {name: error_codes_pb2.Code.Value(name) for name in messages.STATUS_CODES} == messages.STATUS_CODES
    assert dict(model_server_config_pb2.ModelType.items()) == messages.MODEL_TYPES
    assert {name: number for number, name in messages.STATES.items()} == dict(
        get_model_status_pb2.ModelVersionStatus.State.items()
    )
    assert CODES[8] == "RESOURCE_EXHAUSTED"
    assert len(CODES) == len(grpc.StatusCode) == 17
    for number, (name, _) in messages.TYPES.items():
        assert tf.as_dtype(number) == tf.as_dtype(name)
    assert messages.STRING == types_pb2.DT_STRING


def test_methods_are_the_real_ones():
    real = {
        f"/{service.full_name}/{method.name}": method.input_type.name
        for file in (prediction_service_pb2.DESCRIPTOR, model_service_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert {messages.PREDICT, messages.GET_MODEL_METADATA, messages.GET_MODEL_STATUS} <= set(real)
    served = {
        f"/{service.NAME}/{name}": request.DESCRIPTOR.name
        for service in (PredictionService, ModelService)
        for name, request in service.REQUESTS.items()
    }
    assert served == real


CONFIG = """
model_config_list {
  config {
    name: "m" base_path: "/models/m" model_platform: "tensorflow" model_type: OTHER
    model_version_policy { specific { versions: 3 versions: 5000000000 } }
    version_labels { key: "canary" value: 5 }
    logging_config {
      log_collector_config { type: "t" filename_prefix: "p" }
      sampling_config {
        sampling_rate: 0.5 per_task_sampling_configs { dc: "d" task_index: 3 sampling_rate: 0.25 } attributes: 7
      }
    }
  }
  config { name: "a" model_version_policy { all { } } }
  config { name: "l" model_version_policy { latest { num_versions: 2 } } }
}
"""


def test_a_config_s_bytes_are_the_real_ones():
    ours, real = (text_format.Parse(CONFIG, kind()) for kind in (messages.ModelServerConfig, REAL["ModelServerConfig"]))
    assert ours.SerializeToString() == real.SerializeToString()
    assert text_format.MessageToString(ours) == text_format.MessageToString(real)
    (latest,) = (one for one in ours.model_config_list.config if one.name == "l")
    assert latest.model_version_policy.WhichOneof("policy_choice") == "latest"
    problem = "model_config_list { config { model_version_policy { newest { } } } }"
    errors = []
    for kind in (messages.ModelServerConfig, REAL["ModelServerConfig"]):
        with pytest.raises(text_format.ParseError) as error:
            text_format.Parse(problem, kind())
        errors.append(str(error.value))
    assert errors[0] == errors[1]


def test_answers_bytes_are_the_real_ones():
    written = []
    for status, metadata, signatures in (
        (messages.GetModelStatusResponse(), messages.GetModelMetadataResponse(), messages.SignatureDefMap()),
        (REAL["GetModelStatusResponse"](), REAL["GetModelMetadataResponse"](), REAL["SignatureDefMap"]()),
    ):
        status.model_version_status.add(version=3, state="AVAILABLE", status={"error_code": "OK", "error_message": ""})
        signature = signatures.signature_def["serving_default"]
        signature.method_name = "tensorflow/serving/predict"
        signature.inputs["x"].name, signature.inputs["x"].dtype = "x:0", types_pb2.DT_STRING
        signature.inputs["x"].tensor_shape.dim.add(size=-1)
        metadata.model_spec.name, metadata.model_spec.version.value = "m", 3
        metadata.metadata["signature_def"].Pack(signatures)
        written.append([message.SerializeToString() for message in (status, metadata, signatures)])
    assert written[0] == written[1]


def test_what_only_the_originals_have_is_kept():
    real = predict_pb2.PredictRequest(client_id=b"me")
    real.predict_streamed_options.return_single_response = True
    assert messages.PredictRequest.FromString(real.SerializeToString()).SerializeToString() == real.SerializeToString()


@pytest.mark.parametrize("version", [0, 7, None])
def test_the_real_server_reads_our_request(version):
    request = messages.PredictRequest()
    label = "canary" if version is None else None
    messages.set_spec(request.model_spec, model="m", version=version, label=label, signature="s")
    messages.add_strings(request, "image_bytes", [b"\x00\xff", b""])
    real = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert real.model_spec.name == "m"
    assert real.model_spec.signature_name == "s"
    assert real.model_spec.WhichOneof("version_choice") == ("version" if label is None else "version_label")
    assert real.model_spec.version_label == (label or "")
    assert real.model_spec.version.value == (version or 0)
    assert tf.make_ndarray(real.inputs["image_bytes"]).tolist() == [b"\x00\xff", b""]
    assert messages.PredictRequest.FromString(real.SerializeToString()) == request
    assert len(unknown_fields.UnknownFieldSet(real)) == 0


@pytest.mark.parametrize("dtype", [name for name, _ in messages.TYPES.values()])
@pytest.mark.parametrize("serialized", [False, True])
def test_we_read_the_servers_tensors(dtype, serialized):
    if dtype == "string":
        values = np.array([[b"a\x00", b""], [b"", b"\x00"]], object)
    elif dtype == "bool":
        values = np.array([[True, False], [False, True]])
    else:
        limits = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
        values = np.array([[limits.min, 0], [1, limits.max]], dtype)
    real = tensor_pb2.TensorProto(
        dtype=tf.as_dtype(dtype).as_datatype_enum, tensor_shape=tf.TensorShape((2, 2)).as_proto()
    )
    if serialized and dtype != "string":
        real.tensor_content = values.tobytes()
    else:
        getattr(real, messages.TYPES[int(real.dtype)][1]).extend(values.ravel().tolist())
    array = read(real)
    np.testing.assert_array_equal(array, tf.make_ndarray(real))
    np.testing.assert_array_equal(array, values)
    assert array.dtype == values.dtype


def read(real):
    reply = predict_pb2.PredictResponse()
    reply.outputs["x"].CopyFrom(real)
    outputs = messages.PredictResponse.FromString(reply.SerializeToString()).outputs
    assert list(outputs) == ["x"]
    return messages.to_array(outputs["x"])


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        (tf.int32, (2, 3), [1, 2]),
        (tf.float32, (2, 3), []),
        (tf.string, (2,), []),
        (tf.string, (3,), [b"a"]),
        (tf.bool, (2,), [True]),
        (tf.int64, (0, 4), []),
        (tf.uint8, (), [3]),
    ],
)
def test_what_tensorflow_leaves_out_is_filled_in(dtype, shape, values):
    real = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=tf.TensorShape(shape).as_proto())
    getattr(real, messages.TYPES[dtype.as_datatype_enum][1]).extend(values)
    expected = tf.io.parse_tensor(real.SerializeToString(), dtype).numpy()
    np.testing.assert_array_equal(read(real), expected)
    assert read(real).shape == shape


def test_tensors_that_cannot_be_read_are_named():
    with pytest.raises(ValueError, match=r"A tensor holds type 8\. Expected one of .*'float32'"):
        read(tf.make_tensor_proto(1j, tf.complex64))
    broken = tf.make_tensor_proto([1, 2, 3])
    broken.tensor_shape.dim[0].size = 2
    with pytest.raises(ValueError):  # noqa: PT011  numpy's words
        read(broken)


def test_status_and_metadata_are_read():
    real = get_model_status_pb2.GetModelStatusResponse()
    entry = real.model_version_status.add(version=2**40, state=get_model_status_pb2.ModelVersionStatus.UNLOADING)
    entry.status.error_code, entry.status.error_message = 5, "gone"
    (read,) = messages.GetModelStatusResponse.FromString(real.SerializeToString()).model_version_status
    assert (read.version, messages.STATES[read.state], CODES[read.status.error_code], read.status.error_message) == (
        2**40,
        "UNLOADING",
        "NOT_FOUND",
        "gone",
    )
    signatures = get_model_metadata_pb2.SignatureDefMap()
    info = signatures.signature_def["s"].outputs["x"]
    info.name, info.dtype = "x:0", types_pb2.DT_UINT8
    info.tensor_shape.CopyFrom(tf.TensorShape([None, 3]).as_proto())
    reply = get_model_metadata_pb2.GetModelMetadataResponse()
    reply.metadata["signature_def"].Pack(signatures)
    reply.model_spec.version.value = 3
    ours = messages.GetModelMetadataResponse.FromString(reply.SerializeToString())
    assert ours.model_spec.version.value == 3
    packed = ours.metadata["signature_def"]
    output = messages.SignatureDefMap.FromString(packed.value).signature_def["s"].outputs["x"]
    assert messages.TYPES[output.dtype][0] == "uint8"
    assert [dim.size for dim in output.tensor_shape.dim] == [-1, 3]
