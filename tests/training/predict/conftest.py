"""Nets that all test files of the command share."""

import shutil

import pytest

from fcn_keras.models import FCN32s
from tests.training.tiny import NARROW, saved


@pytest.fixture(scope="module", autouse=True)
def loaded_once(models_once):
    """Load each net once for all calls of the command."""


@pytest.fixture(scope="session")
def plain_net(tmp_path_factory):
    """A saved net of four classes."""
    return saved(FCN32s(4, channels=NARROW), tmp_path_factory.mktemp("net") / "net.keras")


@pytest.fixture
def net(plain_net):
    return plain_net


@pytest.fixture(scope="session")
def named_net(plain_net, tmp_path_factory):
    """The same, with names beside it."""
    path = tmp_path_factory.mktemp("named") / "net.keras"
    (path.parent / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    return shutil.copyfile(plain_net, path)


@pytest.fixture(scope="session")
def net_of_two_heads(tmp_path_factory):
    """A saved net of four and three classes."""
    return saved(FCN32s({"sem": 4, "geo": 3}, channels=NARROW), tmp_path_factory.mktemp("heads") / "net.keras")
