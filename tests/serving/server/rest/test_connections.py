"""Connections that are slow, silent or too many, at a real uvicorn with an app of a few lines."""

import asyncio
import logging
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
import uvicorn

from serving.server.rest.connections import Connection, ConnectionLimits, Listener, reporting

PATIENCE = 0.8  # seconds that the server waits
LONG = 20  # seconds that a test waits
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"


class App:
    """Read a request, wait until it may answer, and answer `/large` with much."""

    def __init__(self):
        self.started, self.go = threading.Semaphore(0), threading.Event()
        self.go.set()

    async def __call__(self, scope, receive, send):
        if scope["method"] == "POST" and scope["path"] != "/refused":
            while (await receive()).get("more_body"):
                pass
        self.started.release()
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        body = bytes(10_000_000) if scope["path"] == "/large" else b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(app, **limits):
    """Serve an app in a thread; yields its address."""
    limits = ConnectionLimits(**{"max_connections": 100, "patience": PATIENCE, **limits})
    with Listener() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.limits = limits
        config = uvicorn.Config(reporting(app), http="h11", lifespan="off", log_config=None)
        config.load()
        config.http_protocol_class = partial(Connection, limits=limits, http=config.http_protocol_class)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()
        finally:
            app.go.set()
            server.should_exit = True
            thread.join(LONG)


@pytest.fixture(scope="module")
def app():
    return App()


@pytest.fixture(scope="module")
def address(app):
    with serving(app) as address:
        yield address


@contextmanager
def client(address, data=b""):
    with socket.create_connection(address, timeout=LONG) as connection:
        connection.sendall(data)
        yield connection


def answers(connection, count=1):
    """Read that many answers."""
    text = b""
    while text.count(b"ok") < count:
        part = connection.recv(65536)
        assert part, text
        text += part
    return text.count(b"HTTP/1.1 200")


def is_left(connection):
    """Wait until the server hangs up."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("data", [b"", GET[:5], POST, POST + b"x"])
def test_who_falls_silent_is_left(address, data):
    started = time.monotonic()
    with client(address, data) as connection:
        assert is_left(connection)
    assert PATIENCE <= time.monotonic() - started < LONG


@pytest.mark.parametrize("data", [GET[:5], POST, POST.replace(b"/", b"/refused", 1)])
def test_who_drips_is_left(address, data):
    started = time.monotonic()
    with client(address, data) as connection:
        while time.monotonic() - started < LONG:
            time.sleep(PATIENCE / 8)
            try:
                connection.sendall(b"x")
            except ConnectionError:
                return
    pytest.fail("the server goes on waiting")


@pytest.mark.parametrize("path", [b"/", b"/refused"])
def test_a_body_may_take_long_if_it_goes_on(address, path):
    with client(address, POST.replace(b"/", path, 1)) as connection:
        for _ in range(10):
            connection.sendall(bytes(10_000))
            time.sleep(PATIENCE / 5)
        assert answers(connection) == 1


@pytest.mark.parametrize("data", [GET, POST + bytes(100_000)])
def test_an_answer_may_take_long(address, app, data):
    app.go.clear()
    with client(address, data) as connection:
        time.sleep(3 * PATIENCE)
        app.go.set()
        assert answers(connection) == 1


def test_who_does_not_fetch_the_answer_is_left(address):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(LONG)
        connection.connect(address)
        connection.sendall(GET.replace(b"/", b"/large", 1))
        time.sleep(4 * PATIENCE)
        assert len(connection.recv(10_000_000, socket.MSG_WAITALL)) < 10_000_000


def test_requests_that_come_together_are_answered_one_after_another(address):
    started = time.monotonic()
    with client(address, GET * 3 + GET[:5]) as connection:
        assert answers(connection, 3) == 3
        connection.sendall(GET[5:])
        assert answers(connection) == 1
        answered = time.monotonic()
        assert is_left(connection)
    assert time.monotonic() - answered > PATIENCE / 2  # it was answered a little earlier
    assert answered - started < LONG


def test_what_is_no_http_is_refused_and_ends_an_answer(address, caplog):
    with client(address, b"<script>\r\n\r\n") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    with client(address, GET.replace(b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked")) as connection:
        assert answers(connection) == 1
        connection.sendall(b"<script>\r\n\r\n")  # no chunk
        assert is_left(connection)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_longest_idle_makes_room_and_who_waits_for_an_answer_does_not(app):
    while app.started.acquire(blocking=False):
        pass
    with ExitStack() as stack:
        address = stack.enter_context(serving(app, max_connections=2, patience=LONG))
        idle, later = (stack.enter_context(client(address)) for _ in range(2))
        app.go.clear()
        first = stack.enter_context(client(address, GET))
        assert app.started.acquire(timeout=LONG)
        assert is_left(idle)
        second = stack.enter_context(client(address, GET))
        assert app.started.acquire(timeout=LONG)
        assert is_left(later)
        with client(address, GET) as refused:  # both others wait for answers
            assert is_left(refused)
        app.go.set()
        assert [answers(connection) for connection in (first, second)] == [1, 1]


def test_handshakes_that_never_end_push_out_the_first():
    limits, pairs = ConnectionLimits(max_connections=2, patience=1), [socket.socketpair() for _ in range(3)]
    for ours, theirs in pairs:
        theirs.settimeout(0.1)
        limits.arrived(ours)
    assert pairs[0][1].recv(1) == b""  # hung up
    for _, theirs in pairs[1:]:
        with pytest.raises(TimeoutError):
            theirs.recv(1)
    for pair in pairs:
        for end in pair:
            end.close()
