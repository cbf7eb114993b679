"""The socket that a command listens on, or one line that says why it cannot."""

import socket


def listening_socket(host, port, kind=socket.socket):
    """Bind a TCP socket.

    Args:
        host: name or address.
        port: number; 0 for any that is free.
        kind: class of the socket.

    Returns:
        a `kind`, bound.

    Raises:
        OSError: if the address is unknown, taken or not allowed, naming it.
    """
    try:
        family, type_, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = kind(family, type_, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be listened on: {error.strerror}. Choose another port or host.") from None
    return listener
