"""The requests that warm a server up."""

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.export.saved_model.contents import WARM_UP


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
