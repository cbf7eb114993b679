"""A socket to listen on, and what is said where there is none."""

import socket

import pytest

from fcn_keras_console.listening import listening_socket


class Own(socket.socket):
    """A socket of somebody's own."""


def test_a_free_port_is_bound_and_a_taken_one_is_named():
    with listening_socket("127.0.0.1", 0, Own) as first:
        assert isinstance(first, Own)
        port = first.getsockname()[1]
        first.listen()
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port} cannot be listened on: .* Choose another port"):
            listening_socket("127.0.0.1", port)
