"""One loaded version: what it answers, refuses and runs before it answers."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.errors import ServingError
from serving.server.models.servable import load
from tests.serving.server.models.versions import added, fails


@pytest.fixture(scope="module")
def servable(saved):
    servable = load("m", 1, saved[1])
    yield servable
    servable.close()


def test_run_answers_as_the_saved_model(servable, saved):
    x = np.array([[1, 2], [3, 4], [5, 6]], "float32")
    expected = tf.saved_model.load(str(saved[1])).signatures["serving_default"](x=tf.constant(x))
    answer = servable.run("serving_default", {"x": x})
    assert set(answer) == {"y", "negative"}
    for name, tensor in expected.items():
        np.testing.assert_array_equal(answer[name], tensor.numpy())
    assert list(servable.run("serving_default", {"x": tf.constant(x)}, ["y"])) == ["y"]
    strings = {"a": np.array([b"x\0", b""], object), "b": np.array([b"\0", b"z"], object)}
    answer = servable.run("join", strings)
    assert answer["joined"].tolist() == [b"x\0\0", b"z"]
    assert (answer["first"].shape, answer["first"].item()) == ((), b"x\0\0")  # no zero byte is lost
    assert servable.run("serving_default", {"x": x[:0]})["y"].shape == (0, 2)


def strings(*names):
    return {name: np.array([b"a"], object) for name in names}


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs", "code", "message"),
    [
        ("s", {}, (), "FAILED_PRECONDITION", 'Serving signature key "s" not found.'),
        (
            "join",
            strings("a"),
            (),
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: "
            "{b}.",
        ),
        (
            "join",
            strings("c", "b", "a"),
            (),
            "INVALID_ARGUMENT",
            "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). Sent extra: {c}. Missing but "
            "required: {}.",
        ),
        (
            "join",
            strings("a", "c"),
            (),
            "INVALID_ARGUMENT",
            "Signature input alias: b(feed name: join_b:0) not found in request and no default value provided. Inputs "
            "expected to be in the request {a,c}, or default input alias set: ",
        ),
        (
            "join",
            {**strings("a"), "b": np.array([1])},
            (),
            "INVALID_ARGUMENT",
            "Expects arg[1] to be string but int64 is provided",
        ),
        (
            "serving_default",
            {"x": np.zeros((1, 2))},
            (),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but double is provided",
        ),
        (
            "serving_default",
            {"x": np.zeros((1, 3), "float32")},
            (),
            "INVALID_ARGUMENT",
            "Tensor x is expected to have shape [?,2] but shape [1,3] is provided",
        ),
        (
            "serving_default",
            {"x": np.zeros((), "float32")},
            (),
            "INVALID_ARGUMENT",
            "Tensor x is expected to have shape [?,2] but shape [] is provided",
        ),
        (
            "serving_default",
            {"x": np.zeros((1, 2), "float32")},
            ("y", "z"),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: z Outputs expected to be in the set {negative,y}.",
        ),
        (
            "serving_default",
            {"x": np.zeros((1, 2), "float32")},
            ("y", "y"),
            "INVALID_ARGUMENT",
            "duplicate output tensor alias: y",
        ),
    ],
)
def test_wrong_requests_are_told_as_tf_serving_does(servable, signature, inputs, outputs, code, message):
    with fails(code, message):
        servable.run(signature, inputs, outputs)


def test_what_fails_within_the_graph_keeps_its_code(servable):
    with pytest.raises(ServingError) as caught:
        servable.run("serving_default", {"x": np.full((1, 2), 200, "float32")})
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.message.startswith("assertion failed: [too large]")  # no talk of Python before it
    with pytest.raises(ServingError) as caught:
        servable.run("join", {"a": np.array([b"a", b"b", b"c"], object), "b": np.array([b"a", b"b"], object)})
    assert caught.value.code == "INVALID_ARGUMENT"


def test_what_is_no_saved_model_is_told(put, tmp_path):
    with pytest.raises(ServingError) as caught:
        load("m", 1, tmp_path)
    assert caught.value.code == "NOT_FOUND"
    assert caught.value.message.startswith("Could not find SavedModel .pb or .pbtxt at supplied export directory path:")
    (put("m", 1) / "saved_model.pb").write_bytes(b"no proto")
    with pytest.raises(ServingError, match=r"m/1.saved_model.pb|Cannot parse file") as caught:
        load("m", 1, tmp_path / "m" / "1")
    assert caught.value.code == "DATA_LOSS"
    data = next((put("m", 2) / "variables").glob("*.data*"))
    data.write_bytes(b"")
    with pytest.raises(ServingError) as caught:
        load("m", 2, tmp_path / "m" / "2")
    assert caught.value.code in ("DATA_LOSS", "OUT_OF_RANGE")


def test_other_tags_are_not_found(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "1"))
        builder.add_meta_graph_and_variables(session, ["train"])
        builder.save()
    with pytest.raises(ServingError, match="serve") as caught:
        load("m", 1, tmp_path / "1")
    assert caught.value.code == "NOT_FOUND"


def warm_up(folder, *logs):
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        for log in logs:
            writer.write(log if isinstance(log, bytes) else log.SerializeToString())


def predict_log(x, signature=""):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.full((1, 2), x, "float32")))
    return log


def test_warm_up_requests_run_and_may_fail_the_load(put, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "serving.server.models.servable.Servable.run", lambda self, *request: ran.append((self.version, *request))
    )
    folder = put("m", 1)
    log = predict_log(3, "join")
    log.predict_log.request.output_filter.append("y")
    warm_up(folder, predict_log(7), log)
    load("m", 1, folder).close()
    assert [request[:2] + request[3:] for request in ran] == [(1, "serving_default", []), (1, "join", ["y"])]
    np.testing.assert_array_equal(ran[0][2]["x"], [[7, 7]])


def test_a_thousand_warm_up_requests_are_the_most(put, monkeypatch):
    monkeypatch.setattr("serving.server.models.servable._warm_up_with", lambda *record: None)
    folder = put("m", 1)
    warm_up(folder, *[b""] * 1000)
    load("m", 1, folder).close()
    warm_up(put("m", 2), *[b""] * 1001)
    path = folder.parent / "2" / "assets.extra" / "tf_serving_warmup_requests"
    with fails("INVALID_ARGUMENT", f"Number of warmup records exceeds the maximum (1000) at {path}"):
        load("m", 2, folder.parent / "2")
    load("m", 2, folder.parent / "2", warm_up=False).close()


def test_bad_warm_up_requests_fail_the_load(put, tmp_path):
    classify = prediction_log_pb2.PredictionLog()
    classify.classify_log.SetInParent()
    for version, (log, code, message) in enumerate(
        [
            (predict_log(200), "INVALID_ARGUMENT", "assertion failed: [too large]"),
            (predict_log(0, "s"), "FAILED_PRECONDITION", 'Serving signature key "s" not found.'),
            (classify, "UNIMPLEMENTED", "Unsupported log_type for warmup: classify_log"),
            (b"no log", "INVALID_ARGUMENT", "Failed to parse warmup record: b'no log' from "),
        ],
        1,
    ):
        folder = put("m", version, value=1)
        warm_up(folder, log)
        with pytest.raises(ServingError) as caught:
            load("m", version, folder)
        assert caught.value.code == code
        assert caught.value.message.startswith(message)
    folder = put("m", 9, value=1)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record of any kind")
    with pytest.raises(ServingError, match="Please verify your warmup data is in TFRecord format") as caught:
        load("m", 9, folder)
    assert caught.value.code == "DATA_LOSS"


def test_a_closed_servable_gives_its_memory_back(saved):
    servable = load("m", 1, saved[1])
    graph = weakref.ref(servable._session.graph)
    servable.close()
    with fails("UNAVAILABLE", "m version 1 was unloaded"):
        added(servable)
    del servable
    gc.collect()
    assert graph() is None
