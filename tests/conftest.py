"""Quiet TensorFlow, and the tables several tests share."""

import functools
import gc
import logging
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The nets here are tiny, and two workers share two cores: threads within an operation only wait for each other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

from pathlib import Path

import pytest

# No test cuts the power: to wait for the disk at every file is most of what writing takes. A file has to be open still.
os.fsync = os.fstat

# What is imported stays. Python would look through all of TensorFlow again and again for what could go.
gc.disable()

# The width of the parity fixtures: real Caffe ran the released topologies with these channels.
NARROW = ((8, 2), (12, 2), (16, 3), (20, 3), (20, 3)), 32


def pytest_collection_modifyitems(items):
    """Start with the tests marked `early`: they take long, and nothing should wait for them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


def pytest_collection_finish():
    """Keep the garbage collector away from what was imported, and let it collect what tests leave."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def bare_programs(tmp_path_factory):
    """Let the programs that tests start find what `bare/sitecustomize.py` says, unless they are told a path.

    Those on JAX find what an earlier one compiled, of whichever worker.
    """
    folder = tmp_path_factory.getbasetemp()
    compiled = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "compiled_by_jax"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "bare"), prepend=os.pathsep)
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(compiled))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        yield


def pytest_runtest_call():
    """Let Keras find once what it leaves out of files.

    It keeps that under another name than it looks for, and builds a layer and a metric for each that it saves or loads.
    """
    saving = sys.modules.get("keras.src.saving.saving_lib")
    if hasattr(saving, "get_attr_skipset") and not hasattr(saving.get_attr_skipset, "cache_info"):
        saving.get_attr_skipset = functools.cache(saving.get_attr_skipset)


@pytest.fixture(autouse=True)
def loggers_of_their_own():
    """Let no command that a test calls decide what the next test hears."""
    yield
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith("fcn") and isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
            logger.propagate = True


@pytest.fixture
def narrow():
    return NARROW


@pytest.fixture
def shared():
    """The folder of real data beside a checkout, where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared beside the checkout: real images and weights that the project does not carry")
    return folder
