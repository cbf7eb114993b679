"""The reader of image files, traced once; and graphs that are not optimized before they run once."""

import pytest
import tensorflow as tf

from serving.export.saved_model import decoding

LIMIT = 10_000  # pixels


@pytest.fixture(scope="session")
def read():
    """Read a file's bytes in a graph: the image, and the sentence on what is wrong with it."""
    function = tf.function(lambda contents: decoding.read_image(contents, LIMIT), autograph=False)
    function = function.get_concrete_function(tf.TensorSpec([], tf.string))

    def read(contents):
        image, status = function(tf.constant(contents))
        return image.numpy(), status.numpy().decode()

    return read


@pytest.fixture(autouse=True)
def unoptimized(request):
    """Leave out TensorFlow's optimizer, more than half of a first call, except for what was saved: that is served."""
    if {"folder", "served"} & set(request.fixturenames):
        yield
        return
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
