"""Tiny SavedModels that add their version to what they get, and managers that serve them."""

import gc
import shutil
from contextlib import ExitStack

import pytest

from tests.serving.server.models.versions import NEVER


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Folders of SavedModels by the value they add."""
    import tensorflow as tf

    class Adder(tf.Module):
        def __init__(self, value):
            super().__init__()
            self.value = tf.Variable(float(value))

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")], autograph=False)
        def add(self, x):
            tf.debugging.assert_less(x, 100.0, message="too large")
            return {"y": x + self.value, "negative": -x}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name) for name in "ab"], autograph=False)
        def join(self, a, b):
            return {"joined": a + b, "first": (a + b)[0]}

    folders = {}
    for value in (1, 2):
        adder = Adder(value)
        folders[value] = tmp_path_factory.mktemp("saved") / str(value)
        signatures = {"serving_default": adder.add, "join": adder.join}
        tf.saved_model.save(adder, str(folders[value]), signatures=signatures)
    gc.collect()
    gc.freeze()  # the collections after unloading pass over TensorFlow's own objects, as in the server
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
            from serving.server.models.manager import ModelManager

            models = ModelManager(configs, **{"poll_seconds": NEVER, **options})
            stack.callback(models.close)
            models.start()
            return models

        yield serve


@pytest.fixture
def config(tmp_path):
    from serving.server.settings import ModelConfig

    return lambda name="m", **options: ModelConfig(name, str(tmp_path / name), **options)
