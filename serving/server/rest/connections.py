"""REST's connections: how many there may be, and how slow.

uvicorn waits for headers and bodies as long as a client likes, and takes as many connections as come. Here a client
that is silent or drips is left after a while, and where there are too many connections those go first that ask nothing.
"""

import gc
import socket
import weakref
from collections import OrderedDict
from contextlib import suppress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WAITING = 1024  # connections that the system keeps until they are accepted
AT_ONCE = 50  # accepted in one turn of the loop, before what has come from earlier ones is read
GARBAGE = 100  # handshakes broken off, of 256 KiB each, that refer to themselves until somebody collects them
SLOWEST = 4096  # bytes a second of a body, on the whole


class Listener(socket.socket):
    """A listening socket that shows who comes in to `door`, where there is one: before TLS, which takes its time."""

    door = None

    def listen(self, _=None):
        """Listen; asyncio takes as many connections in one turn as it lets wait, and with `AT_ONCE` here few."""
        super().listen(WAITING)

    def accept(self):
        """Accept a connection, as any socket does."""
        connection, address = super().accept()
        if self.door:
            self.door.arrived(connection)
        return connection, address


class Door:
    """Keep account of connections.

    Args:
        most: how many there may be.
        patience: seconds in which headers must come, in which a body must go on, and an answer be fetched.
    """

    def __init__(self, *, most, patience):
        self.most = most
        self.patience = patience
        self._arrived = OrderedDict()  # {file descriptor: weak reference to a socket}, in TLS's handshake
        self.idle = OrderedDict()  # {connection: None} without a request, the longest idle first
        self.sending = OrderedDict()  # with part of a request
        self.answered = OrderedDict()  # whose request is all here
        self._pushed = 0
        self._due = None  # when the next look is

    def arrived(self, connection):
        """Take note of a socket; too many without a handshake push out the first."""
        self._arrived.pop(connection.fileno(), None)
        self._arrived[connection.fileno()] = weakref.ref(connection)
        if len(self._arrived) > self.most:
            _, first = self._arrived.popitem(last=False)
            if (found := first()) is not None:
                with suppress(OSError):  # it is gone already
                    found.shutdown(socket.SHUT_RDWR)
            self._pushed += 1
            if self._pushed % GARBAGE == 0:
                gc.collect()

    def entered(self, connection):
        """Take a connection in, at the expense of another one where there are too many."""
        self._arrived.pop(connection.transport.get_extra_info("socket").fileno(), None)
        if len(self.idle) + len(self.sending) + len(self.answered) >= self.most:
            other = next(iter(self.idle or self.sending), connection)
            self.left(other)
            other.transport.abort()
            if other is connection:  # everybody else waits for an answer
                return
        self.moves(connection, self.idle)
        if self._due is None:
            self._call_later(connection.loop)

    def moves(self, connection, to):
        """Note what a connection does now: it is `idle`, `sending` or `answered`."""
        if connection not in to:
            self.left(connection)
            to[connection] = None

    def left(self, connection):
        """Forget a connection."""
        for group in (self.idle, self.sending, self.answered):
            group.pop(connection, None)

    def _call_later(self, loop):
        pause = min(1.0, self.patience / 4)
        self._due = loop.time() + pause
        loop.call_later(pause, self._look, loop)

    def _look(self, loop):
        """Leave those who are too slow, again and again while there is anybody."""
        connections = [*self.idle, *self.sending, *self.answered]
        if loop.time() - self._due < 1:  # or it was this process that was slow, and what they sent lies unread
            for connection in connections:
                if connection.is_too_slow(loop.time()):
                    connection.transport.abort()
        self._due = None
        if connections:
            self._call_later(loop)


class Connection(H11Protocol):
    """One connection at a `Door`, and since when it does what it does; otherwise uvicorn's."""

    def __init__(self, *, door, **options):
        super().__init__(**options)
        self.door = door
        self._since = self._heard = self._taken = 0.0  # seconds: of the state, the last byte in, the last byte out
        self._received = self._unread = 0  # bytes: of this request, and of the answer that the client has yet to take

    def connection_made(self, transport):
        super().connection_made(transport)
        self._since = self._heard = self.loop.time()
        self.door.entered(self)

    def connection_lost(self, exc):
        self.door.left(self)
        super().connection_lost(exc)

    def data_received(self, data):
        now = self.loop.time()
        if self._is_idle() and not self.conn.trailing_data[0]:
            self._since = now
        self._heard = now
        self._received += len(data)
        super().data_received(data)
        self._moved()

    def on_response_complete(self):
        self._since = self.loop.time()
        super().on_response_complete()  # which may take up the next request
        self._moved()

    def send_400_response(self, msg):
        """Answer what is no HTTP, and hang up."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:  # an answer is under way
            self.transport.close()

    def is_too_slow(self, now):
        """Tell whether nobody need wait for this client any longer."""
        patience, unread = self.door.patience, self.transport.get_write_buffer_size()
        if unread != self._unread:
            self._unread, self._taken = unread, now
        if unread:
            return now - self._taken > patience
        if self in self.door.idle:
            return now - self._since > patience
        if self in self.door.sending and not self.flow.read_paused:
            seconds = now - self._since
            return now - self._heard > patience or (seconds > patience and self._received < seconds * SLOWEST)
        return False

    def _moved(self):
        if self.transport.is_closing():
            return
        if self._is_idle():
            self.door.moves(self, self.door.idle)
        elif not self.cycle.more_body:
            self.door.moves(self, self.door.answered)
        elif self not in self.door.sending:
            self._since, self._received = self.loop.time(), 0
            self.door.moves(self, self.door.sending)

    def _is_idle(self):
        return self.cycle is None or self.cycle.response_complete
