"""Calls without a message, answers that nobody fetches, and what others notice of them."""

import asyncio
import contextlib
import struct
import threading
import time

import grpc
import pytest

from serving.server.rpc.calls import Call, CallLimits
from tests.attacks import http2
from tests.attacks.http2 import DATA, Http2, frame

PATIENCE = 0.5
METHOD = "/a/b"


class _Handlers(grpc.GenericRpcHandler):
    """One method, whose calls are read and answered within limits."""

    def __init__(self, limits, respond):
        self.limits, self.respond = limits, respond

    def service(self, details):
        here = []

        def write(data):
            self.limits.written(data, here[0])
            return data

        async def answer(_, context):
            here.append(Call(context))
            return await self.limits.answer(self.respond, await self.limits.message(here[0]), here[0])

        return grpc.stream_unary_rpc_method_handler(answer, bytes, write) if details.method == METHOD else None


@contextlib.contextmanager
def serving(respond=None, *, most=8, most_unread=10**6):
    """Answer calls; yields the address and a function that asks, and returns the code's name."""

    async def echo(message, _):
        return message

    loop, limits = asyncio.new_event_loop(), CallLimits(patience=PATIENCE, most=most, most_unread=most_unread)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    async def start():
        server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 100)])
        server.add_generic_rpc_handlers([_Handlers(limits, respond or echo)])
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = wait(start())
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

            def ask(message=b"hi"):
                try:
                    channel.unary_unary(METHOD)(message, timeout=10)
                except grpc.RpcError as error:
                    return f"{error.code().name}: {error.details()}"
                return "OK"

            yield f"127.0.0.1:{port}", ask
    finally:
        wait(server.stop(0))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_call_without_its_message_ends_and_takes_no_place():
    with serving(most=8) as (address, ask), Http2(address) as client:
        started = time.monotonic()
        for _ in range(8):
            client.call(METHOD)
        half = client.call(METHOD)
        client.send(frame(DATA, 0, half, b"\0\0\0\0\5abcd"))
        assert [ask() for _ in range(5)] == ["OK"] * 5
        client.read(10, lambda: len(client.ended) == 9)
        assert len(client.ended) == 9
        assert PATIENCE * 0.5 < time.monotonic() - started < PATIENCE * 8


@pytest.mark.parametrize(("piece", "calls", "is_answered"), [(2000, 1, True), (2000, 2, True), (10, 1, False)])
def test_a_message_may_take_longer_while_its_connection_carries_enough(piece, calls, is_answered):
    pieces = 15  # within the window of HTTP/2
    with serving() as (address, _), Http2(address) as client:
        streams = [client.call(METHOD) for _ in range(calls)]
        for stream in streams:
            client.send(frame(DATA, 0, stream, b"\0" + struct.pack(">I", piece * pieces)))
        for number in range(pieces):
            for stream in streams:
                client.send(frame(DATA, http2.END_STREAM if number == pieces - 1 else 0, stream, bytes(piece)))
            client.read(PATIENCE / 5)
            assert client.ended == set() or not is_answered or number == pieces - 1
        client.read(10, lambda: len(client.ended) == calls)
        assert (len(client.answered) == calls) == is_answered
        assert len(client.ended) == calls


def test_a_connection_that_stops_amid_its_message_ends_although_it_carried_much():
    with serving() as (address, _), Http2(address) as client:
        stream = client.call(METHOD)
        client.send(frame(DATA, 0, stream, b"\0" + struct.pack(">I", 10**6)))
        for _ in range(10):
            client.send(frame(DATA, 0, stream, bytes(6000)))
            client.read(PATIENCE / 5)
        assert client.ended == set()
        client.read(PATIENCE * 4, lambda: client.ended)
        assert client.ended == {stream}


def test_the_reason_is_told_to_who_is_slow():
    with serving() as (address, _), grpc.insecure_channel(address) as channel:
        released = threading.Event()

        def nothing():
            released.wait(10)
            yield from ()

        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(METHOD)(nothing())
        released.set()
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.details() == "The message did not come within 0.5 s (fcn-serve --client_timeout_seconds)"


def test_a_call_that_ends_without_a_message_is_the_caller_s_mistake():
    with serving() as (address, _), grpc.insecure_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(METHOD)(iter(()))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_of_too_many_the_connection_with_most_of_them_loses_its_oldest(monkeypatch):
    with serving(most=8) as (address, ask), Http2(address) as greedy, Http2(address) as modest:
        kept = modest.call(METHOD)
        time.sleep(0.05)
        streams = [greedy.call(METHOD) for _ in range(12)]
        greedy.read(5, lambda: len(greedy.ended) >= 5)
        modest.read(0.05)
        assert greedy.ended == set(streams[:5])
        assert kept not in modest.ended
        assert ask() == "OK"
        modest.send(frame(DATA, 1, kept, b"\0\0\0\0\2hi"))
        modest.read(5, lambda: modest.ended)
        assert modest.ended == {kept}


def test_who_fetches_no_answers_gets_no_more_after_a_while():
    with serving() as (address, ask), Http2(address, window=0) as deaf:
        first = [deaf.call(METHOD, b"hi") for _ in range(3)]
        deaf.read(PATIENCE * 2)
        assert deaf.ended == set()
        late = deaf.call(METHOD, b"hi")
        deaf.read(5, lambda: deaf.ended)
        assert deaf.ended == {late}
        assert ask() == "OK"
        assert len(first) == 3


def test_who_fetches_no_answers_gets_no_more_at_once_where_much_waits():
    with serving(most_unread=1000) as (address, ask), Http2(address, window=0) as deaf:
        deaf.call(METHOD, bytes(2000))
        deaf.read(0.1)
        late = deaf.call(METHOD, b"hi")
        deaf.read(PATIENCE / 2, lambda: deaf.ended)
        assert deaf.ended == {late}
        assert ask() == "OK"


def test_too_many_that_are_answered_are_refused_and_give_their_places_back():
    goes_on, running = threading.Event(), []

    async def slow(message, _):
        running.append(None)
        while not goes_on.is_set():
            await asyncio.sleep(0.01)
        return message

    with serving(slow, most=2) as (_, ask):
        said = []
        threads = [threading.Thread(target=lambda: said.append(ask())) for _ in range(2)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while len(running) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ask() == "RESOURCE_EXHAUSTED: 2 calls are answered already. Try again later."
        goes_on.set()
        for thread in threads:
            thread.join(10)
        assert said == ["OK", "OK"]
        assert ask() == "OK"


def test_a_process_that_was_asleep_ends_nobody(monkeypatch):
    limits = CallLimits(patience=PATIENCE, most=2, most_unread=1)

    class Loop:
        def __init__(self):
            self.now, self.later = 100.0, []

        def time(self):
            return self.now

        def call_later(self, *what):
            self.later.append(what)

    class Wait:
        ended = False

        def reschedule(self, _):
            self.ended = True

    class Context:
        def peer(self):
            return "x"

    loop, call = Loop(), Call(Context())
    call.since, call.wait = loop.time(), Wait()
    limits._waiting[call] = None
    limits._look_later(loop)
    loop.now += 3600  # as after a suspend: what came meanwhile is not read yet
    limits._look(loop)
    assert not call.wait.ended
    loop.now += PATIENCE / 4
    limits._look(loop)
    assert call.wait.ended
