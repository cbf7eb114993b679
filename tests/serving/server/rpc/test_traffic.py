"""What TCP has carried on the connections of this process."""

import contextlib
import os
import socket
import sys

import pytest

from serving.server.rpc.traffic import traffic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@contextlib.contextmanager
def connected(host="127.0.0.1", family=socket.AF_INET, both=False):
    """Yield both ends of a connection, the one that was accepted first."""
    with socket.socket(family) as listener:
        if both:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::" if both else host, 0))
        listener.listen()
        with (
            socket.create_connection((host, listener.getsockname()[1])) as client,
            listener.accept()[0] as accepted,
        ):
            yield accepted, client


def read(connection, count):
    """Read so many bytes."""
    while count:
        count -= len(connection.recv(count))


def test_both_directions_are_counted():
    with connected() as (accepted, client), connected():
        peer = f"ipv4:127.0.0.1:{client.getsockname()[1]}"
        assert traffic({peer}) == {peer: (0, 0)}
        client.sendall(bytes(70_000))
        read(accepted, 70_000)
        accepted.sendall(bytes(500))
        read(client, 500)
        client.sendall(b"1")  # with the acknowledgement
        read(accepted, 1)
        assert traffic({peer, "ipv4:127.0.0.1:1", "unix:", "unix:/x", "odd"}) == {peer: (500, 70_001)}


def test_addresses_of_ipv6_and_of_ipv4_on_a_socket_for_both_are_known():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with connected("::1", socket.AF_INET6) as (_, client):
        peer = f"ipv6:%5B::1%5D:{client.getsockname()[1]}"
        assert list(traffic({peer})) == [peer]
    with connected("127.0.0.1", socket.AF_INET6, both=True) as (_, client):
        peer = f"ipv4:127.0.0.1:{client.getsockname()[1]}"
        assert list(traffic({peer})) == [peer]


def test_no_file_stays_open_and_none_is_closed(tmp_path):
    with connected() as (_, client), (tmp_path / "x").open("w") as file:
        before = os.listdir("/proc/self/fd")
        for _ in range(20):
            traffic({f"ipv4:127.0.0.1:{client.getsockname()[1]}"})
        assert os.listdir("/proc/self/fd") == before
        file.write("x")
