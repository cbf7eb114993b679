"""The requests that warm a server up."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from fcn_keras.models import FCN32s
from fcn_keras.photographs import Photographs
from serving.export.saved_model import warmup
from serving.export.saved_model.contents import WARM_UP
from serving.export.saved_model.frozen_network import freeze
from serving.export.saved_model.limits import Limits
from serving.export.saved_model.signatures import build
from tests.serving.nets import TINY


def test_warm_up_requests_are_those_of_tensorflow_serving(folder, served):
    records = list(tf.data.TFRecordDataset(str(folder / "assets.extra" / WARM_UP)).as_numpy_iterator())
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert {request.model_spec.name for request in requests} == {"fcn"}
    names = [request.model_spec.signature_name for request in requests]
    assert names == ["serving_default", "serving_default", "predict_tensors", "predict_scores"]
    sizes = []
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        answer = served.signatures[request.model_spec.signature_name](**inputs)
        sizes += [(answer["height"].numpy()[0], answer["width"].numpy()[0])] if "height" in answer else []
        assert not any(answer.get("status", []))
    assert sizes == [(24, 40), (40, 24)]


@pytest.mark.parametrize(
    ("modality", "scale", "size"),
    [
        ("rgb", Photographs((40, 50), (40, 50), (40, 50)), (64, 64)),  # of more than 1.25 ** 2 times as many pixels
        ("rgbd", 100, (128, 128)),
    ],
)
def test_where_photographs_are_scaled_a_larger_one_warms_up_each_signature_that_reads_files(modality, scale, size):
    network, _ = freeze(FCN32s(2, modality=modality, channels=TINY))
    signatures = build(network, limits=Limits(10**6, 10**6, 10**6), scale=scale)
    records = warmup.requests(network, "fcn", [(24, 40)], scale, most=10**6)
    answered = []
    for record in records[1:3]:
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        function = signatures[request.model_spec.signature_name]
        answer = function(*(inputs.pop(spec.name) for spec in function.input_signature))
        assert not inputs
        assert answer["status"].numpy().tolist() == [b""]
        assert answer["scored_height"].numpy()[0] < answer["height"].numpy()[0]
        answered.append((request.model_spec.signature_name, answer["height"].numpy()[0], answer["width"].numpy()[0]))
    assert answered == [("serving_default", *size), ("serving_scaled", *size)]
    assert len(records) == 5


@pytest.mark.parametrize("scale", [None, 1, 0.99999999])
def test_where_no_photograph_is_reduced_none_is_larger(scale):
    network, _ = freeze(FCN32s(2, channels=TINY))
    assert len(warmup.requests(network, "fcn", [(24, 40)], scale, most=10**6)) == 3
