"""REST's connections: how many there may be, and how slow.

uvicorn waits for headers and bodies as long as a client likes, and takes as many connections as come. Here a client
that is silent or drips is left after a while, and where there are too many connections those go first that ask nothing.

HTTP stays uvicorn's: a `Connection` hands everything on to the protocol that uvicorn would have made, and learns from
the app how far a request has come (`reporting`). Of uvicorn it needs no more than that protocols are asyncio's, and
that what is in their `app_state` comes with every request.
"""

import asyncio
import gc
import socket
import weakref
from collections import OrderedDict
from contextlib import suppress

WAITING = 1024  # connections that the system keeps until they are accepted
AT_ONCE = 50  # accepted in one turn of the loop, before what has come from earlier ones is read
GARBAGE = 100  # handshakes broken off, of 256 KiB each, that refer to themselves until somebody collects them
SLOWEST = 4096  # bytes a second of a body, on the whole
BODY_HEADERS = (b"content-length", b"transfer-encoding")
KEY = "connection"  # of a `Connection` among what uvicorn gives the app with a request


class Listener(socket.socket):
    """A listening socket that reports each client to `limits`, where set: before TLS, which takes its time."""

    limits = None

    def listen(self, _=None):
        """Listen; asyncio takes as many connections in one turn as it lets wait, and with `AT_ONCE` here few."""
        super().listen(WAITING)

    def accept(self):
        """Accept a connection, as any socket does."""
        connection, address = super().accept()
        if self.limits:
            self.limits.arrived(connection)
        return connection, address


class ConnectionLimits:
    """Keep account of connections.

    Args:
        max_connections: how many there may be.
        patience: seconds in which headers must come, in which a body must go on, and an answer be fetched.
    """

    def __init__(self, *, max_connections, patience):
        self.max_connections = max_connections
        self.patience = patience
        self._arrived = OrderedDict()  # {file descriptor: weak reference to a socket}, in TLS's handshake
        self.idle = OrderedDict()  # {connection: None} without a request, the longest idle first
        self.sending = OrderedDict()  # with part of a request
        self.answered = OrderedDict()  # whose request is all here
        self._pushed_out = 0
        self._next_look = None  # when it is

    def arrived(self, connection):
        """Take note of a socket; too many without a handshake push out the first."""
        self._arrived.pop(connection.fileno(), None)
        self._arrived[connection.fileno()] = weakref.ref(connection)
        if len(self._arrived) > self.max_connections:
            _, reference = self._arrived.popitem(last=False)
            if (first := reference()) is not None:
                with suppress(OSError):  # it is gone already
                    first.shutdown(socket.SHUT_RDWR)
            self._pushed_out += 1
            if self._pushed_out % GARBAGE == 0:
                gc.collect()

    def entered(self, connection):
        """Take a connection in, at the expense of another one where there are too many."""
        self._arrived.pop(connection.transport.get_extra_info("socket").fileno(), None)
        if len(self.idle) + len(self.sending) + len(self.answered) >= self.max_connections:
            other = next(iter(self.idle or self.sending), connection)
            self.left(other)
            other.transport.abort()
            if other is connection:  # everybody else waits for an answer
                return
        self.idle[connection] = None
        if self._next_look is None:
            self._look_later(asyncio.get_running_loop())

    def moved(self, connection, to):
        """Note what a connection does now: it is `idle`, `sending` or `answered`; one that left stays away."""
        if self.left(connection):
            to[connection] = None

    def left(self, connection):
        """Forget a connection; tell whether it was there."""
        return any(group.pop(connection, False) is None for group in (self.idle, self.sending, self.answered))

    def _look_later(self, loop):
        pause = min(1.0, self.patience / 4)
        self._next_look = loop.time() + pause
        loop.call_later(pause, self._look, loop)

    def _look(self, loop):
        """Leave those who are too slow, again and again while there is anybody."""
        connections = [*self.idle, *self.sending, *self.answered]
        if loop.time() - self._next_look < 1:  # or it was this process that was slow, and what they sent lies unread
            for connection in connections:
                if connection.is_too_slow(loop.time()):
                    connection.transport.abort()
        self._next_look = None
        if connections:
            self._look_later(loop)


class Connection(asyncio.Protocol):
    """One connection within `ConnectionLimits`, and since when it does what it does.

    Args:
        limits: `ConnectionLimits`.
        http: makes the protocol that speaks HTTP, from `app_state` and `options`, as uvicorn gives them.
    """

    def __init__(self, *, limits, http, app_state, **options):
        self._http = http(app_state={**app_state, KEY: self}, **options)
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._since = self._last_in = self._last_out = 0.0  # seconds: of the state, the last byte in, the last byte out
        self._begun = False  # part of the next request is here
        self._received = self._unread = 0  # bytes: of this request, and of the answer that the client has yet to take

    def connection_made(self, transport):
        self.transport = transport
        self._since = self._last_in = self._loop.time()
        self._http.connection_made(transport)
        self._limits.entered(self)

    def connection_lost(self, exc):
        self._limits.left(self)
        self._http.connection_lost(exc)

    def data_received(self, data):
        import h11  # late: a port is bound, by `Listener`, before what the server needs is looked for

        self._last_in = self._loop.time()
        if self in self._limits.idle and not self._begun:
            self._since, self._begun = self._last_in, True
        self._received += len(data)
        try:
            self._http.data_received(data)
        except h11.LocalProtocolError:  # what is no HTTP came after an answer had begun
            self.transport.close()

    def eof_received(self):
        return self._http.eof_received()

    def pause_writing(self):
        self._http.pause_writing()

    def resume_writing(self):
        self._http.resume_writing()

    def request_begun(self, *, has_body):
        """Note that the headers of a request are here."""
        self._since, self._received = self._loop.time(), 0
        self._limits.moved(self, self._limits.sending if has_body else self._limits.answered)

    def request_read(self):
        """Note that the whole request is here."""
        self._limits.moved(self, self._limits.answered)

    def request_done(self):
        """Note that the answer is written. A client may yet send the body that was refused, and read why after that."""
        if self not in self._limits.sending:
            self._since, self._begun = self._loop.time(), False
            self._limits.moved(self, self._limits.idle)

    def is_too_slow(self, now):
        """Tell whether nobody need wait for this client any longer."""
        patience, unread = self._limits.patience, self.transport.get_write_buffer_size()
        if unread != self._unread:
            self._unread, self._last_out = unread, now
        if unread:
            return now - self._last_out > patience
        if self in self._limits.idle:
            return now - self._since > patience
        if self in self._limits.sending and self.transport.is_reading():
            seconds = now - self._since
            return now - self._last_in > patience or (seconds > patience and self._received < seconds * SLOWEST)
        return False


def reporting(app):
    """Let an ASGI app report to each `Connection` how far its request has come."""

    async def reporting_app(scope, receive, send):
        connection = scope["state"].pop(KEY)
        connection.request_begun(has_body=any(name in BODY_HEADERS for name, _ in scope["headers"]))

        async def receive_and_report():
            message = await receive()
            if not message.get("more_body"):
                connection.request_read()
            return message

        try:
            await app(scope, receive_and_report, send)
        finally:
            connection.request_done()

    return reporting_app
