"""What the tests of served versions share."""

import time
from contextlib import contextmanager

import numpy as np
import pytest

from serving.errors import ServingError
from serving.server.models.manager import ModelSpec

NEVER = 3600.0


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


class Fake:
    """A servable that loads at once."""

    def __init__(self, name, version, folder, *, warm_up):
        self.name, self.version, self.folder = name, version, folder
        self.closed = False

    def close(self):
        self.closed = True
