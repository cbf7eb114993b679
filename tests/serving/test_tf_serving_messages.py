"""Our few messages against the real ones, in one process: what either writes, the other reads whole."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import unknown_fields
from google.protobuf.descriptor import FieldDescriptor
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2, prediction_log_pb2

from serving import tf_serving_messages as messages
from serving.client.rpc import CODES

REAL = {
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "PredictionLog": prediction_log_pb2.PredictionLog,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
}
ON_THE_WIRE = {FieldDescriptor.TYPE_ENUM: FieldDescriptor.TYPE_INT32}  # both are varints


@pytest.mark.parametrize("name", REAL)
def test_every_field_is_the_real_one(name):
    compare(getattr(messages, name).DESCRIPTOR, REAL[name].DESCRIPTOR)


def compare(ours, real):
    """Compare the fields of a message, and of those in it."""
    assert ours.fields
    for field in ours.fields:
        model = real.fields_by_name[field.name]
        assert field.number == model.number, field.full_name
        assert field.type == ON_THE_WIRE.get(model.type, model.type), field.full_name
        assert field.is_repeated == model.is_repeated, field.full_name
        if field.message_type:
            compare(field.message_type, model.message_type)


def test_enums_are_the_real_ones():
    assert {name: number for number, name in messages.STATES.items()} == dict(
        get_model_status_pb2.ModelVersionStatus.State.items()
    )
    assert CODES[8] == "RESOURCE_EXHAUSTED"
    assert len(CODES) == len(grpc.StatusCode) == 17
    for number, (name, _) in messages.TYPES.items():
        assert tf.as_dtype(number) == tf.as_dtype(name)
    assert messages.STRING == types_pb2.DT_STRING


def test_methods_are_the_real_ones(monkeypatch):
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    paths = []

    class Channel:
        def unary_unary(self, path, *_, **__):
            paths.append(path)

    prediction_service_pb2_grpc.PredictionServiceStub(Channel())
    model_service_pb2_grpc.ModelServiceStub(Channel())
    assert {messages.PREDICT, messages.GET_MODEL_METADATA, messages.GET_MODEL_STATUS} <= set(paths)


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
    (entry,) = messages.PredictResponse.FromString(reply.SerializeToString()).outputs
    assert entry.key == "x"
    return messages.to_array(entry.value)


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
    (packed,) = ours.metadata
    (signature,) = messages.SignatureDefMap.FromString(packed.value.value).signature_def
    (output,) = signature.value.outputs
    assert (packed.key, signature.key, output.key) == ("signature_def", "s", "x")
    assert messages.TYPES[output.value.dtype][0] == "uint8"
    assert [dim.size for dim in output.value.tensor_shape.dim] == [-1, 3]
