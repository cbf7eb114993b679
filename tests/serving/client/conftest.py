"""Servers without a model, shared by the client's tests."""

import pytest

from serving.client import client
from tests.serving import fake_servers


@pytest.fixture(scope="session")
def servers():
    with fake_servers.rest() as rest, fake_servers.rpc() as rpc:
        yield {"rest": rest, "rpc": rpc}


def fresh(fake):
    """Give a server back its good manners."""
    url, paths = fake.url, getattr(fake, "paths", None)
    fake.__init__()
    fake.url, fake.paths = url, paths
    return fake


@pytest.fixture(params=["rest", "rpc"])
def server(request, servers):
    return fresh(servers[request.param])


@pytest.fixture
def rest(servers):
    return fresh(servers["rest"])


@pytest.fixture
def rpc(servers):
    return fresh(servers["rpc"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)
