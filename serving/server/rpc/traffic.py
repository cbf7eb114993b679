"""What TCP has carried on a connection of gRPC, which does not say how much of a message is here.

The system knows it of every socket of this process. It does so on Linux; elsewhere nothing is known.
"""

import os
import socket
import struct
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote

FILES = "/proc/self/fd"
MAPPED = "::ffff:"  # before an address of IPv4 on a socket for both, which gRPC leaves out
INFO = struct.Struct("=120xQQ")  # of Linux's `tcp_info`: acknowledged and received bytes


class Traffic(NamedTuple):
    """Bytes of a connection since it began."""

    acknowledged: int  # of those that were sent
    received: int


def traffic(peers):
    """Return `{peer: Traffic}` of those of the connections that are known.

    Args:
        peers: set of gRPC's names of them, such as `ipv4:127.0.0.1:40000` or `ipv6:%5B::1%5D:40000`.
    """
    found, wanted = {}, {_address(peer): peer for peer in peers}
    if not wanted or not hasattr(socket, "TCP_INFO"):
        return found
    with suppress(OSError):  # no such folder
        for number in os.listdir(FILES):
            with suppress(OSError):  # closed meanwhile, or no socket
                address, now = _look(int(number), wanted)
                if now is not None:
                    found[wanted[address]] = now
    return found


def _look(number, wanted):
    """Return the other end of an open file that is a socket, and its `Traffic` if that is wanted."""
    own = os.dup(number)  # gRPC may close its own at any time
    try:
        connection = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise
    with connection:
        name = connection.getpeername()
        address = (name[0].removeprefix(MAPPED), name[1]) if isinstance(name, tuple) else name
        if address not in wanted:
            return address, None
        return address, Traffic(*INFO.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO.size)))


def _address(peer):
    """Turn gRPC's name of a peer into that of sockets: `(host, port)`."""
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0
