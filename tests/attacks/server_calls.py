"""Attack gRPC with calls that say nothing, half of a message, answers that nobody fetches, and floods of frames.

Meanwhile healthy clients ask over gRPC and REST. Each failure of theirs is lost, and so is a call that is kept.
"""

import contextlib
import random
import struct
import time

from . import http2
from .http2 import Http2, frame
from .outcome import Outcome
from .served import served, write_model
from .server_sockets import OPTIONS, PATIENCE, healthy, watched

METHODS = [
    *[
        f"/tensorflow.serving.PredictionService/{name}"
        for name in ("Predict", "Classify", "Regress", "GetModelMetadata")
    ],
    "/tensorflow.serving.PredictionService/MultiInference",
    "/tensorflow.serving.ModelService/GetModelStatus",
    "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/no/such",
]
PREDICT, STATUS = METHODS[0], METHODS[5]
STREAMS = 128  # that the server allows on a connection
USUAL = 10.0  # seconds in which a healthy client is answered, while all cores are busy with attacks
GROWTH = 256  # MiB


def soak(seconds, workdir):
    """Make every attack, drawn anew each time, until the time is over."""
    model, started, outcomes, seed = write_model(workdir / "m"), time.monotonic(), {}, 0
    with served(model, *OPTIONS) as server:
        attack_all(server, seed=0, connections=2)  # what is set up once
        while not outcomes or time.monotonic() - started < seconds * 0.8:
            seed += 1
            for found in attack_all(server, seed=seed, connections=12):
                before = outcomes.get(found.attack, Outcome(found.attack, 0))
                outcomes[found.attack] = Outcome(found.attack, before.tries + found.tries, before.lost + found.lost)
    return list(outcomes.values())


def attack_all(server, *, seed, connections):
    """Make every attack once.

    Args:
        server: `Served`, started with `server_sockets.OPTIONS`.
        seed: of what is drawn.
        connections: how many of them attack at once.
    """
    draw = random.Random(seed)
    attacks = {
        "gRPC calls without a message": lambda: silent(server.grpc, draw, connections),
        "gRPC messages that stop halfway": lambda: half(server.grpc, draw, connections),
        "gRPC answers that nobody fetches": lambda: unread(server, draw, connections),
        "floods of HTTP/2 frames": lambda: floods(server.grpc, draw, connections),
    }
    clients = [lambda: healthy_call(server.grpc), lambda: healthy(server.rest)]
    return [watched(server, name, attack, clients, server.memory, GROWTH) for name, attack in attacks.items()]


def healthy_call(address):
    """Ask over gRPC as anybody does, once, over a connection of its own; return what went wrong, or None."""
    import grpc

    from serving import tf_serving_messages as messages

    request = messages.PredictRequest()
    messages.set_spec(request.model_spec, model="m", version=None, label=None, signature="serving_default")
    messages.add_strings(request, "image_bytes", [b"hi"])
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options) as channel:
        try:
            channel.unary_unary(PREDICT)(request.SerializeToString(), timeout=USUAL)
        except grpc.RpcError as error:
            return f"{error.code().name} {error.details()}"
    return None


def _kept(clients, seconds=PATIENCE * 2 + 1):
    """Read what comes for a while; count the calls that the server has not ended."""
    deadline = time.monotonic() + seconds
    for client in clients:
        client.read(deadline - time.monotonic(), lambda client=client: len(client.ended) >= client.streams)
    return sum(client.streams - len(client.ended) for client in clients if not client.is_closed)


def silent(address, draw, connections):
    """Open as many calls as a connection may have, of every method, and send no message."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Http2(address)) for _ in range(connections)]
        for client in clients:
            for _ in range(draw.choice([1, 2, STREAMS // 2, STREAMS, 2 * STREAMS])):
                client.call(draw.choice(METHODS))
        kept = _kept(clients)
        return sum(client.streams for client in clients), [f"{kept} calls without a message are kept"] if kept else []


def half(address, draw, connections):
    """Claim a message of some size, send a part of it, and then a byte now and then."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Http2(address)) for _ in range(connections)]
        for client in clients:
            for _ in range(draw.choice([1, 8, STREAMS])):
                stream = client.call(draw.choice(METHODS[:7]))
                claimed = draw.choice([1, 100, 10**6, 2**31 - 1, 2**32 - 1])
                begun = b"\0" + struct.pack(">I", claimed) + bytes(min(claimed - 1, draw.choice([0, 10, 10_000])))
                client.send(frame(http2.DATA, 0, stream, begun[: draw.choice([1, 4, 5, len(begun)])]))
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE * 1.5:
            for client in clients:
                if (stream := 2 * client.streams - 1) not in client.ended:  # the last one of each drips on
                    client.send(frame(http2.DATA, 0, stream, b"\0"))
                client.read(0.01)
            time.sleep(PATIENCE / 8)
        kept = _kept(clients, PATIENCE)
        return sum(client.streams for client in clients), [f"{kept} halves of messages are kept"] if kept else []


def unread(server, draw, connections):
    """Ask for answers, and allow the server to send nothing of them; it must not go on answering such a client."""
    from serving import tf_serving_messages as messages

    request = messages.PredictRequest()
    messages.set_spec(request.model_spec, model="m", version=None, label=None, signature="serving_default")
    messages.add_strings(request, "image_bytes", [b"hi"])
    status, lost = b"\n\3\n\1m", []
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Http2(server.grpc, window=draw.choice([0, 0, 1]))) for _ in range(connections)]
        for client in clients:
            for _ in range(draw.choice([1, STREAMS // 2, STREAMS - 2])):
                path, message = draw.choice([(STATUS, status), (PREDICT, request.SerializeToString())])
                client.call(path, message)
        time.sleep(PATIENCE * 1.5)
        for client in clients:
            client.read(0.1)
            if len(client.ended) == client.streams:  # all were refused: too many asked at once
                continue
            stream = client.call(STATUS, status)
            client.read(PATIENCE, lambda client=client, stream=stream: stream in client.ended)
            if stream not in client.ended and not client.is_closed:
                lost.append("a client that fetches nothing is answered on and on")
        return sum(client.streams for client in clients), lost


def floods(address, draw, connections):
    """Send what costs a client little: calls that are taken back at once, pings, settings, headers without an end."""
    block, tries = http2.header_block(PREDICT), 0
    endless = frame(http2.HEADERS, 0, 1, block) + frame(http2.CONTINUATION, 0, 1, http2.header_block("/x")) * 2000
    kinds = [
        frame(http2.PING, 0, 0, bytes(8)) * 2000,
        frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) * 2000,
        frame(http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 2000,
        frame(http2.PRIORITY, 0, 1, bytes(5)) * 2000,
        frame(http2.HEADERS, http2.END_HEADERS, 1, block) + frame(http2.DATA, 0, 1) * 2000,
        endless,
        b"".join(
            frame(http2.HEADERS, http2.END_HEADERS, stream, block)
            + frame(http2.RST_STREAM, 0, stream, struct.pack(">I", 8))
            for stream in range(1, 4001, 2)
        ),
    ]
    for number in range(connections):
        with Http2(address) as client:
            client.socket.settimeout(5)
            client.send(kinds[number % len(kinds)] if number < len(kinds) else draw.choice(kinds))
            client.read(0.2)
            tries += 2000
    return tries, []
