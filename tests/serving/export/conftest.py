"""Networks, and what they are exported to, made once for all tests of `fcn-export`."""

import logging
import logging.handlers
import queue

import keras
import pytest

from fcn_keras.models import FCN8s
from serving.export import export
from tests.serving.nets import TINY, randomize

METRICS = {"pixel_accuracy": 0.9, "mean_accuracy": 0.8, "mean_iu": 0.725, "fw_iu": 0.85, "split": "val"}


@pytest.fixture(scope="session")
def net():
    """An FCN-8s of 21 classes with Caffe's padding."""
    keras.utils.set_random_seed(0)
    return randomize(FCN8s(21, padding="caffe", channels=TINY))


@pytest.fixture(scope="session")
def exported(net, tmp_path_factory):
    """The folder of a served version of `net`, with names, a recipe and metrics; and what was told meanwhile."""
    origin = {"recipe": {"recipe": "my_recipe"}, "metrics": METRICS}
    names = [f"c{i}" for i in range(21)]
    directory = tmp_path_factory.mktemp("served") / "fcn"
    log, told = logging.getLogger("fcn-export"), queue.Queue()
    before, handler = log.level, logging.handlers.QueueHandler(told)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    folder = export(net, directory, classes=names, memory=16, sizes=[(24, 40), (40, 24)], origin=origin)
    log.removeHandler(handler)
    log.setLevel(before)
    return folder, [record.getMessage() for record in told.queue]


@pytest.fixture(scope="session")
def folder(exported):
    return exported[0]


@pytest.fixture(scope="session")
def served(folder):
    import tensorflow as tf

    return tf.saved_model.load(str(folder))
