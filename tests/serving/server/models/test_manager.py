"""Versions come, answer, drain and go; tiny SavedModels, made here, that add their version to what they get."""

import gc
import logging
import shutil
import threading
import time
import weakref
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.errors import ServingError
from serving.server.models import manager as models_module
from serving.server.models.manager import ModelManager, ModelSpec, VersionState
from serving.server.models.servable import load
from serving.server.models.version_folders import VersionFolders
from serving.server.settings import All, Latest, ModelConfig, Specific

NEVER = 3600.0


class Adder(tf.Module):
    def __init__(self, value):
        super().__init__()
        self.value = tf.Variable(float(value))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def add(self, x):
        tf.debugging.assert_less(x, 100.0, message="too large")
        return {"y": x + self.value, "negative": -x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "a"), tf.TensorSpec([None], tf.string, "b")])
    def join(self, a, b):
        return {"joined": a + b, "first": (a + b)[0]}


@pytest.fixture(scope="module", autouse=True)
def quick_collection():
    """Let the collections after unloading pass over TensorFlow's own objects, as the server does."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of SavedModels by the value they add."""
    folders = {}
    for value in (1, 2):
        adder = Adder(value)
        folders[value] = tmp_path_factory.mktemp("saved") / str(value)
        signatures = {"serving_default": adder.add, "join": adder.join}
        tf.saved_model.save(adder, str(folders[value]), signatures=signatures)
    return folders


@pytest.fixture
def put(saved, tmp_path):
    """Publish a version as an export does: written beside, then renamed."""

    def put(name, version, value=None):
        target = tmp_path / name / str(version)
        shutil.copytree(saved[value or int(version)], tmp_path / name / ".exporting-x")
        (tmp_path / name / ".exporting-x").rename(target)
        return target

    return put


@pytest.fixture
def serve(tmp_path):
    """Start managers, which look into the folders when `reload` asks only; closed at the end."""
    with ExitStack() as stack:

        def serve(*configs, **options):
            models = ModelManager(configs, **{"poll_seconds": NEVER, **options})
            stack.callback(models.close)
            models.start()
            return models

        yield serve


@pytest.fixture
def config(tmp_path):
    return lambda name="m", **options: ModelConfig(name, str(tmp_path / name), **options)


def ask(models, *spec):
    """Tell what the model adds."""
    with models.use(ModelSpec(*spec)) as servable:
        return added(servable)


def added(servable):
    return float(servable.run("serving_default", {"x": np.zeros((1, 2), "float32")})["y"][0, 0])


def states(models, name="m"):
    return {status.version: status.state for status in models.status(name)}


@contextmanager
def fails(code, message):
    with pytest.raises(ServingError) as caught:
        yield
    assert (caught.value.code, caught.value.message) == (code, message)


def wait_until(condition):
    """Wait for what another thread does by itself."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_latest_answers_and_specs_are_resolved(put, serve, config):
    put("m", 1)
    put("m", 2)
    models = serve(config(policy=All(), labels={"stable": 1}), allow_labels_of_unavailable=True)
    assert models.names() == ["m"]
    assert (ask(models, "m"), ask(models, "m", 1), ask(models, "m", None, "stable")) == (2, 1, 1)
    with models.use(ModelSpec("m")) as servable:
        assert (servable.name, servable.version, servable.folder.name) == ("m", 2, "2")
        assert set(servable.signature_defs) == {"serving_default", "join"}
    for spec, code, message in [
        (ModelSpec("n"), "NOT_FOUND", "Servable not found for request: Latest(n)"),
        (ModelSpec("m", 7), "NOT_FOUND", "Servable not found for request: Specific(m, 7)"),
        (ModelSpec("m", None, "new"), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
        (ModelSpec("n", None, "stable"), "INVALID_ARGUMENT", "Unrecognized servable version label: stable"),
        (ModelSpec(""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    ]:
        with fails(code, message), models.use(spec):
            pass
    assert models.status("m") == [VersionState(2, "AVAILABLE"), VersionState(1, "AVAILABLE")]
    assert models.status("m", 1) == [VersionState(1, "AVAILABLE")]
    with fails("NOT_FOUND", "Could not find any versions of model n"):
        models.status("n")
    with fails("NOT_FOUND", "Could not find version 7 of model m"):
        models.status("m", 7)


def test_a_new_version_answers_while_the_old_one_drains(put, serve, config):
    put("m", 1)
    models = serve(config())
    with models.use(ModelSpec("m")) as old:
        put("m", 2)
        models.reload([config()])
        assert ask(models, "m") == 2
        assert states(models) == {1: "UNLOADING", 2: "AVAILABLE"}
        with fails("NOT_FOUND", "Servable not found for request: Specific(m, 1)"), models.use(ModelSpec("m", 1)):
            pass
        assert added(old) == 1
        gone = weakref.ref(old._session.graph)
        del old
    wait_until(lambda: states(models) == {1: "END", 2: "AVAILABLE"})
    assert models.status("m", 1) == [VersionState(1, "END")]
    wait_until(lambda: gone() is None)


def test_versions_are_polled(put, serve, config):
    put("m", 1)
    models = serve(config(), poll_seconds=0.01)
    put("m", 2)
    wait_until(lambda: states(models) == {1: "END", 2: "AVAILABLE"})


def test_without_polling_a_reload_looks(put, serve, config, monkeypatch):
    put("m", 1)
    looks = []
    look = VersionFolders.look
    monkeypatch.setattr(VersionFolders, "look", lambda self, config: looks.append(1) or look(self, config))
    models = serve(config(), poll_seconds=0)
    models.reload([config()])
    assert ask(models, "m") == 1
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        (Latest(), [12]),
        (Latest(2), [3, 12]),
        (All(), [1, 3, 12]),
        (Specific((1, 12, 40)), [1, 12]),
    ],
)
def test_policies_choose_among_numeric_folders(serve, config, tmp_path, monkeypatch, policy, served):
    monkeypatch.setattr(models_module, "load", Fake)
    for name in ("1", "3", "0012", ".exporting-x", "4.tmp", "-5", "+6", "tmp", "\u0667", "9" * 19):
        (tmp_path / "m" / name).mkdir(parents=True)
    (tmp_path / "m" / "003").mkdir()
    (tmp_path / "m" / "8").write_text("no folder")
    models = serve(config(policy=policy))
    assert states(models) == dict.fromkeys(sorted(served, reverse=True), "AVAILABLE")
    assert list(states(models)) == sorted(served, reverse=True)  # TF Serving lists the highest first
    if 3 in served:
        with models.use(ModelSpec("m", 3)) as servable:
            assert servable.folder == tmp_path / "m" / "3"


class Fake:
    """A servable that loads at once."""

    def __init__(self, name, version, folder, *, warm_up):
        self.name, self.version, self.folder = name, version, folder
        self.closed = False

    def close(self):
        self.closed = True


def test_a_failed_version_leaves_the_working_one(put, serve, config, tmp_path):
    put("m", 1)
    put("n", 2)
    models = serve(config(), config("n"))
    (put("m", 3, value=2) / "variables" / "variables.index").unlink()
    models.reload([config(), config("n")])
    (status,) = models.status("m", 3)
    assert (status.state, status.code) == ("END", "NOT_FOUND")
    assert f"not a valid checkpoint: {tmp_path / 'm' / '3'}" in status.message
    assert (ask(models, "m"), ask(models, "n")) == (1, 2)
    put("m", 4, value=2)
    models.reload([config(), config("n")])
    assert ask(models, "m") == 2
    assert states(models) == {4: "AVAILABLE", 3: "END", 1: "END"}


def test_a_folder_completed_later_loads_at_a_retry(put, serve, config, caplog):
    folder = put("m", 1)
    (folder / "variables").rename(folder / "later")
    models = serve(config(), retry_seconds=0.0)
    assert states(models) == {1: "END"}
    assert "Loading m version 1 failed: NOT_FOUND" in caplog.text
    (folder / "later").rename(folder / "variables")
    models.reload([config()])
    assert models.status("m") == [VersionState(1, "AVAILABLE")]


def test_a_failing_load_is_retried_so_often_and_anew_when_it_comes_back(serve, config, tmp_path, monkeypatch):
    tries = []

    def fail(name, version, folder, *, warm_up):
        tries.append(version)
        raise RuntimeError("no such operation")  # what TensorFlow did not put into words of its own

    monkeypatch.setattr(models_module, "load", fail)
    (tmp_path / "m" / "1").mkdir(parents=True)
    patient = serve(config())
    for _ in range(3):
        patient.reload([config()])
    assert tries == [1]  # the next is due in a minute
    models = serve(config(), retry_seconds=0.0)
    for _ in range(8):
        models.reload([config()])
    assert len(tries) == 1 + 6
    assert models.status("m") == [VersionState(1, "END", "UNKNOWN", "RuntimeError: no such operation")]
    (tmp_path / "m" / "1").rename(tmp_path / "away")
    models.reload([config()])
    (tmp_path / "away").rename(tmp_path / "m" / "1")
    monkeypatch.setattr(models_module, "load", Fake)
    models.reload([config()])
    assert models.status("m") == [VersionState(1, "AVAILABLE")]


def test_what_is_not_there_yet_is_awaited_with_one_warning(put, serve, config, tmp_path, caplog):
    (tmp_path / "empty").mkdir()
    put("good", 1)
    configs = [config("missing"), config("empty"), config("good", policy=Specific((1, 5)))]
    models = serve(*configs)
    models.reload(configs)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 3
    assert warnings[0].startswith(f"Could not find base path {tmp_path / 'missing'} for servable missing with error")
    assert warnings[1] == (
        f"No versions of servable empty found under base path {tmp_path / 'empty'}. Did you forget to name your leaf "
        "directory as a number (eg. '/1/')?"
    )
    assert warnings[2].startswith("Versions [5] of servable good, which were requested")
    with fails("NOT_FOUND", "Could not find any versions of model empty"):
        models.status("empty")
    put("missing", 1)
    put("empty", 2)
    models.reload(configs)
    assert (ask(models, "missing"), ask(models, "empty"), ask(models, "good")) == (1, 2, 1)


def test_a_base_path_that_goes_away_keeps_what_is_loaded(put, serve, config, tmp_path):
    put("m", 1)
    models = serve(config())
    (tmp_path / "m").rename(tmp_path / "away")
    models.reload([config()])
    assert ask(models, "m") == 1
    (tmp_path / "m").mkdir()  # there, and empty: now the version is gone
    models.reload([config()])
    assert states(models) == {1: "END"}


def test_labels_point_to_loaded_versions(serve, config, tmp_path, monkeypatch):
    monkeypatch.setattr(models_module, "load", Fake)
    (tmp_path / "m" / "1").mkdir(parents=True)
    message = "Request to assign label to version {} of model m, which is not currently available for inference"
    with fails("FAILED_PRECONDITION", message.format(1)):
        ModelManager([config(labels={"stable": 1})]).start()
    models = serve(config())
    models.reload([config(labels={"stable": 1})])
    (tmp_path / "m" / "2").mkdir()
    with fails("FAILED_PRECONDITION", message.format(2)):
        models.reload([config(labels={"stable": 2}, policy=All())])
    assert version_of(models, "stable") == 1
    assert states(models) == {1: "AVAILABLE"}  # nothing of a refused config is done
    models.reload([config(labels={"stable": 1}, policy=All())])
    models.reload([config(labels={"stable": 2, "old": 1}, policy=All())])
    assert (version_of(models, "stable"), version_of(models, "old")) == (2, 1)


def version_of(models, label):
    with models.use(ModelSpec("m", None, label)) as servable:
        return servable.version


def test_new_labels_of_unavailable_versions_where_allowed(serve, config, tmp_path, monkeypatch):
    monkeypatch.setattr(models_module, "load", Fake)
    (tmp_path / "m" / "1").mkdir(parents=True)
    models = serve(config(labels={"stable": 1, "canary": 2}), allow_labels_of_unavailable=True)
    assert version_of(models, "stable") == 1
    with fails("NOT_FOUND", "Servable not found for request: Specific(m, 2)"):
        version_of(models, "canary")
    with pytest.raises(ServingError, match="assign label to version 3 of model m"):
        models.reload([config(labels={"stable": 3})])  # a known label moves to what is loaded only


def test_reload_is_the_whole_truth(put, serve, config):
    put("m", 1)
    put("n", 2)
    models = serve(config("m"))
    models.reload([config("n")])
    assert models.names() == ["n"]
    assert ask(models, "n") == 2
    assert models.status("m") == [VersionState(1, "END")]
    with fails("NOT_FOUND", "Servable not found for request: Latest(m)"), models.use(ModelSpec("m")):
        pass
    with fails("INVALID_ARGUMENT", "Illegal to list model m multiple times in config list"):
        models.reload([config("m"), config("m")])
    assert (models.names(), ask(models, "n")) == (["n"], 2)
    models.reload([config("m"), config("n")])
    assert (ask(models, "m"), ask(models, "n")) == (1, 2)
    models.reload([])
    assert models.names() == []
    assert states(models, "n") == {2: "END"}


def test_reload_tells_which_new_model_did_not_load(serve, config, tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    models = serve()
    message = (
        "1 model(s) did not become available: {{{name: m version: 1} due to error: NOT_FOUND: Could not find "
        f"SavedModel .pb or .pbtxt at supplied export directory path: {tmp_path / 'm' / '1'}. Check that the directory "
        "exists and that you have the right permissions for accessing it.}, }"
    )
    with fails("UNKNOWN", message):
        models.reload([config()])
    assert models.names() == ["m"]


def test_close_waits_for_who_uses_a_version(put, config):
    put("m", 1)
    models = ModelManager([config()], poll_seconds=NEVER)
    models.start()
    closer = threading.Thread(target=models.close)
    with models.use(ModelSpec("m")) as servable:
        closer.start()
        wait_until(lambda: states(models) == {1: "UNLOADING"})
        assert added(servable) == 1
    closer.join(20)
    assert states(models) == {1: "END"}
    with fails("UNAVAILABLE", "m version 1 was unloaded"):
        added(servable)


def test_no_request_fails_while_versions_switch(put, serve, config, tmp_path):
    put("m", 1, value=2)
    models = serve(config(), poll_seconds=0.001)
    failures, answered, stop = [], [0] * 4, threading.Event()

    def hammer(number):
        try:
            latest = 0
            while not stop.is_set():
                with models.use(ModelSpec("m")) as servable:
                    assert added(servable) == 1 + servable.version % 2
                    assert servable.version >= latest  # an older one never answers after a newer one
                    latest = servable.version
                answered[number] += 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for version in range(3, 7):
        put("m", version, value=1 + version % 2)
        wait_until(lambda version=version: states(models).get(version) == "AVAILABLE" or failures)
        seen = list(answered)
        wait_until(lambda seen=seen: failures or all(now > then + 3 for now, then in zip(answered, seen, strict=True)))
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    wait_until(lambda: list(states(models).values()) == ["AVAILABLE"] + ["END"] * 4)


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
