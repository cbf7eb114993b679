"""The two ports: which are free, and how many may connect."""

import contextlib
import socket

import pytest

from serving.server import ports
from serving.server.in_process import Options


def test_connections_are_as_many_as_files_allow(monkeypatch):
    monkeypatch.setattr(ports.resource, "getrlimit", lambda _: (1024, 4096))
    assert ports.max_connections(Options()) == (1024 - ports.OWN_FILES) // 3
    assert ports.max_connections(Options(max_connections=7)) == 7


def refusal(**options):
    with pytest.raises(OSError, match=r".") as caught, ports.bound(Options(**options)):
        pass
    return str(caught.value)


def test_ports_that_are_taken_or_the_same_are_named():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        message = f"127.0.0.1:{port} cannot be listened on: Address already in use. Choose another port or host."
        assert refusal(port=port, rest_api_port=0) == message
        assert refusal(port=0, rest_api_port=port) == message
    same = f"--port and --rest_api_port are two ports. Received: {port} for both."
    assert refusal(port=port, rest_api_port=port) == same
    assert refusal(host="198.51.100.1", port=0, rest_api_port=0).startswith("198.51.100.1:0 cannot be listened on: ")


def test_a_bound_port_refuses_who_comes_before_it_listens():
    with ports.bound(Options(port=0, rest_api_port=0)) as listener, contextlib.closing(socket.socket()) as client:
        assert client.connect_ex(listener.getsockname()) != 0
