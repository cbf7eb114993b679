"""A SavedModel in a session: it answers, says nothing of old interfaces, and leaves nothing open."""

import numpy as np
import pytest
import tensorflow as tf

from serving.sessions import ask, open_session


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    module = tf.Module()
    module.factor = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def times(x):
        return {"y": x * module.factor + tf.constant(2.0) * tf.constant(0.5)}

    path = tmp_path_factory.mktemp("model")
    tf.saved_model.save(module, str(path), signatures=times)
    return path


def test_it_answers(folder, capfd):
    session, loaded = open_session(folder)
    definition = loaded.signature_def["serving_default"]
    with session:
        answer = session.run(definition.outputs["y"].name, {definition.inputs["x"].name: np.float32([1, 2])})
        asked = ask(session, loaded, "serving_default", {"x": np.float32([3])})
    np.testing.assert_array_equal(answer, [4, 7])
    assert {name: x.tolist() for name, x in asked.items()} == {"y": [10]}
    assert "deprecated" not in capfd.readouterr().err
    assert tf.executing_eagerly()


def test_one_that_is_damaged_leaves_no_session(folder, tmp_path, monkeypatch):
    opened = []

    class Session(tf.compat.v1.Session):
        def __init__(self, **options):
            super().__init__(**options)
            opened.append(self)

    monkeypatch.setattr(tf.compat.v1, "Session", Session)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 9)
    with pytest.raises(OSError, match="Cannot parse"):
        open_session(tmp_path)
    with pytest.raises(RuntimeError, match="closed"):
        opened[0].run([])
